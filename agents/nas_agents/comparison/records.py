"""One finished run, as a comparison reads it from `result.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.traces import RunFolder

SPENT_DIGITS = 9


@dataclass(frozen=True, eq=False)
class RunFront:
    """The front that a run of several objectives found.

    Attributes:
        volumes: share of the reference front's hypervolume after each evaluation, float (evaluations,).
        gains: gains of the networks of the front at the end, float64 (networks, objectives).
        architectures: their texts.
        distance: its IGD+ to the reference front; infinite where nothing counts.
        found: share of the points of the reference front that it has.
        tests: their test scores, where they were looked up.
    """

    volumes: np.ndarray
    gains: np.ndarray
    architectures: tuple[str, ...]
    distance: float
    found: float
    tests: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes:
        agent: label of the agent in the comparison.
        access: ``"walk"`` or ``"query"``.
        seed: the agent's seed.
        architecture: text of the chosen network.
        metric: what a score is called, such as ``"accuracy"`` or ``"R²"``.
        test: mean test score of the chosen network over fresh training seeds, in [0, 1].
        validation: mean validation score of the same retrainings, in [0, 1].
        scores: validation scores as the search saw them, in order, float (evaluations,).
        fidelities: epochs of the evaluations, float (evaluations,): infinite for the full recipe,
            -1 for failed ones.
        costs: recorded seconds charged for the evaluations, float (evaluations,).
        failed: number of failed evaluations.
        stopped: why the search ended.
        chance: score of the best constant answer, which is what guessing is worth, on the examples of
            `score`. Where there are no data to tell it, of classes 1 / their number, else 0.
        regrets: where the optimum is known, how far the incumbent after each evaluation is below
            it, both by the mean over all recorded seeds at full fidelity, float (evaluations,).
        errors: why retrainings of the chosen network failed, one text for each that did.
        shares: the share of an evaluation charged for each, float (evaluations,): 1 by the full recipe,
            less for shorter trainings; None where all are 1.
        started_from: what the search started from, in words; "" for nothing.
        front: the front that it found, where there are several objectives; it then has no `regrets`.
    """

    agent: str
    access: str
    seed: int
    architecture: str
    metric: str
    test: float
    validation: float
    scores: np.ndarray
    fidelities: np.ndarray
    costs: np.ndarray
    failed: int
    stopped: str
    chance: float
    regrets: np.ndarray | None = None
    errors: tuple[str, ...] = ()
    shares: np.ndarray | None = None
    started_from: str = ""
    front: RunFront | None = None

    @property
    def score(self) -> float:
        """What runs are ranked and tested by, measured by what the search did not see.

        The test score; where the optimum is known, the validation score that regret is about. Of several
        objectives, the share of hypervolume of the front at the end.
        """
        if self.front is not None:
            return float(self.front.volumes[-1])
        return self.test if self.regrets is None else self.validation

    @property
    def regret(self) -> float | None:
        """Regret of the chosen network."""
        return None if self.regrets is None else float(self.regrets[-1])

    @property
    def evaluations_to_optimum(self) -> float:
        """Evaluations charged until the incumbent was the optimum; infinite if it never was."""
        if self.regrets is None or self.regrets.all():
            return np.inf
        return float(self.spent[np.flatnonzero(self.regrets == 0)[0]])

    @property
    def seen(self) -> float:
        """The score of the incumbent that the search saw: optimistic, since it was selected on."""
        return float(self.incumbents[-1])

    @cached_property
    def incumbents(self) -> np.ndarray:
        """Score as seen of the incumbent after each evaluation, float (evaluations,).

        It falls where the first network of a higher fidelity takes the place of one of a lower.
        """
        best, found = (-np.inf, -np.inf), []
        for standing in zip(self.fidelities, self.scores, strict=True):
            best = max(best, standing)
            found.append(best[1])
        return np.array(found)

    @property
    def elapsed(self) -> np.ndarray:
        """Recorded seconds spent after each evaluation, float (evaluations,)."""
        return np.cumsum(self.costs)

    @cached_property
    def spent(self) -> np.ndarray:
        """Evaluations charged after each evaluation, float (evaluations,); 1, 2, ... by the full recipe."""
        shares = np.ones(len(self.scores)) if self.shares is None else self.shares
        # Sums of shares like 1/15 miss whole numbers by rounding.
        return np.round(np.cumsum(shares), SPENT_DIGITS)

    @staticmethod
    def from_result(result: Mapping[str, Any]) -> Run:
        """Return a run from the contents of its `result.json`."""
        evaluations = result["evaluations"]
        incumbents = result.get("incumbents")
        return Run(
            agent=result["label"],
            access=result["access"],
            seed=result["seed"],
            architecture=result["architecture"],
            metric=result["metric_label"],
            test=result["test_score"],
            validation=result["validation_score"],
            scores=np.array([evaluation["score"] for evaluation in evaluations]),
            fidelities=np.array([_fidelity(evaluation) for evaluation in evaluations]),
            costs=np.array(result.get("charges") or [evaluation["seconds"] for evaluation in evaluations]),
            failed=sum(evaluation["status"] == "failed" for evaluation in evaluations),
            stopped=result["stopped"],
            chance=_chance(result),
            regrets=None if incumbents is None else _regrets(incumbents, len(evaluations)),
            errors=tuple(each["error"] for each in result.get("final", ()) if each["error"]),
            shares=np.array(result["shares"]) if result.get("shares") else None,
            started_from=result.get("started_from", ""),
        )


def _chance(result: Mapping[str, Any]) -> float:
    constant = result.get("constant_answer")
    if constant is None:
        return 1 / int(result["classes"]) if result["classes"] else 0.0
    return float(constant["test" if result.get("incumbents") is None else "validation"])


def _fidelity(evaluation: Mapping[str, Any]) -> float:
    if evaluation["status"] == "failed":
        return -1.0
    epochs = evaluation.get("fidelity")
    return np.inf if epochs is None else float(epochs)


def _regrets(incumbents: Sequence[Mapping[str, Any]], evaluations: int) -> np.ndarray:
    """Return the regret after each evaluation, from those where the incumbent changed."""
    since = np.array([each["evaluation"] for each in incumbents])
    regrets = np.array([each["regret"] for each in incumbents])
    return np.asarray(regrets[np.searchsorted(since, np.arange(1, evaluations + 1), side="right") - 1])


def read_run(folder: Path) -> Run:
    """Return the finished run of a folder."""
    return Run.from_result(RunFolder(folder).result())


def by_agent(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Return the runs of each agent, agents in order of first appearance."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.agent, []).append(run)
    return groups


def metric_of(runs: Iterable[Run]) -> str:
    """Return what the scores of runs are called.

    Raises:
        NASGymError: if it is not one metric, since scores by different ones cannot be put together.
    """
    metrics = list(dict.fromkeys(run.metric for run in runs))
    if len(metrics) > 1:
        raise ConfigError(
            f"runs that are scored by {' and by '.join(metrics)} cannot be put together: compare those of "
            "one metric"
        )
    return metrics[0]
