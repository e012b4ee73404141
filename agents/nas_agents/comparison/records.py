"""One finished run, as a comparison reads it from `result.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes:
        agent: label of the agent in the comparison.
        access: ``"walk"`` or ``"query"``.
        seed: the agent's seed.
        architecture: text of the chosen network.
        test: mean test accuracy of the chosen network over fresh training seeds, in [0, 1].
        validation: mean validation accuracy of the same retrainings, in [0, 1].
        accuracies: validation accuracies as the search saw them, in order, float (evaluations,).
        costs: recorded seconds of the evaluations, float (evaluations,).
        failed: number of failed evaluations.
        stopped: why the search ended.
        chance: accuracy of guessing, 1 / number of classes.
    """

    agent: str
    access: str
    seed: int
    architecture: str
    test: float
    validation: float
    accuracies: np.ndarray
    costs: np.ndarray
    failed: int
    stopped: str
    chance: float

    @property
    def seen(self) -> float:
        """The best accuracy that the search saw: optimistic, since it was selected on."""
        return float(self.accuracies.max())

    @property
    def incumbents(self) -> np.ndarray:
        """The best accuracy so far after each evaluation, float (evaluations,)."""
        return np.asarray(np.maximum.accumulate(self.accuracies))

    @property
    def elapsed(self) -> np.ndarray:
        """Recorded seconds spent after each evaluation, float (evaluations,)."""
        return np.cumsum(self.costs)

    @staticmethod
    def from_result(result: Mapping[str, Any]) -> Run:
        """A run from the contents of its `result.json`."""
        evaluations = result["evaluations"]
        return Run(
            agent=result["label"],
            access=result["access"],
            seed=result["seed"],
            architecture=result["architecture"],
            test=result["test_accuracy"],
            validation=result["validation_accuracy"],
            accuracies=np.array([evaluation["accuracy"] for evaluation in evaluations]),
            costs=np.array([evaluation["seconds"] for evaluation in evaluations]),
            failed=sum(evaluation["status"] == "failed" for evaluation in evaluations),
            stopped=result["stopped"],
            chance=1 / result["classes"],
        )


def read_run(folder: Path) -> Run:
    """The finished run of a folder."""
    return Run.from_result(json.loads((folder / "result.json").read_text(encoding="utf-8")))


def by_agent(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs of each agent, agents in order of first appearance."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.agent, []).append(run)
    return groups
