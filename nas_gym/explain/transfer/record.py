"""What a measurement of transfer found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas_gym.explain.methods.ranking import Interval


@dataclass(frozen=True)
class TaskAgreement:
    """How alike two tasks rank the architectures; of a task and itself, how alike two trainings do.

    Attributes:
        one, other: labels of the tasks, equal for a task and itself.
        tau: Kendall's tau-b of single trainings, with an interval over architectures.
        rho: Spearman's correlation of the same.
    """

    one: str
    other: str
    tau: Interval
    rho: Interval


@dataclass(frozen=True)
class Retrained:
    """The best network of one task, trained again on another, or on the same one.

    Attributes:
        found_on: label of the task that chose it.
        trained_on: label of the task that it is trained on.
        architecture: its text.
        scores: test score of each training seed, 0.0 where training failed.
        regret: how far its mean is below that of the task's own best network, with Student's interval over
            training seeds, which are the same for both; exactly 0 for that network itself, and without ends
            where all differences are equal.
        place: the share of the sample that is at least as good on this task, by validation scores.
    """

    found_on: str
    trained_on: str
    architecture: str
    scores: tuple[float, ...]
    regret: Interval
    place: float

    @property
    def score(self) -> float:
        """The mean test score."""
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Transfer:
    """How architectures carry over between tasks.

    Attributes:
        search_space: what describes the space.
        tasks: labels of the tasks.
        metrics: what each task is scored by, in words.
        architectures: texts of the sample.
        size: architectures of the space of the first task.
        seeds: training seeds of the sample.
        scores: validation scores of the sample by task, (architectures, seeds); minus infinity where
            training failed.
        agreements: of every task with itself and every later one.
        retrained: the best network of every task on every task; () where none was trained again.
        seconds: recorded seconds of a training, on average, by task.
    """

    search_space: Mapping[str, Any]
    tasks: tuple[str, ...]
    metrics: Mapping[str, str]
    architectures: tuple[str, ...]
    size: int
    seeds: tuple[int, ...]
    scores: Mapping[str, np.ndarray] = field(repr=False)
    agreements: tuple[TaskAgreement, ...]
    retrained: tuple[Retrained, ...]
    seconds: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict, with None where there is no number."""
        return {
            "search_space": dict(self.search_space),
            "size": self.size,
            "tasks": list(self.tasks),
            "metrics": dict(self.metrics),
            "seeds": list(self.seeds),
            "seconds": dict(self.seconds),
            "agreements": [
                {"one": each.one, "other": each.other, "tau": _ends(each.tau), "rho": _ends(each.rho)}
                for each in self.agreements
            ],
            "retrained": [
                {
                    "found_on": each.found_on,
                    "trained_on": each.trained_on,
                    "architecture": each.architecture,
                    "score": each.score,
                    "scores": list(each.scores),
                    "regret": _ends(each.regret),
                    "place": each.place,
                }
                for each in self.retrained
            ],
            "architectures": list(self.architectures),
            "scores": {
                task: [[_number(score) for score in row] for row in scores.tolist()]
                for task, scores in self.scores.items()
            },
        }


def _ends(interval: Interval) -> dict[str, float | None]:
    return {name: _number(getattr(interval, name)) for name in ("value", "low", "high")}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
