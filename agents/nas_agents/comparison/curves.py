"""Anytime curves by evaluations and recorded seconds.

They are of the incumbent's score as seen and of its regret, or of the hypervolume of several objectives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_agents.comparison.records import Run
from nas_agents.comparison.statistics import IQM, MEAN, Estimand

POINTS = 300

Values = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class Curve:
    """The estimate from an agent's runs with its pointwise 95% band.

    Attributes:
        x: evaluations or recorded seconds, (points,).
        value: value of the incumbents, float (points,).
        lower: lower end of the band, float (points,).
        upper: upper end of the band, float (points,).
    """

    x: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def as_dict(self) -> dict[str, list[float]]:
        """Return JSON-able lists of the four arrays."""
        return {name: getattr(self, name).tolist() for name in ("x", "value", "lower", "upper")}


def by_evaluations(runs: Sequence[Run], seed: int, estimand: Estimand = IQM) -> Curve:
    """Return the incumbent after each number of evaluations charged, from where every run has one.

    A run that ended keeps its incumbent. Of several objectives it is the share of hypervolume.
    """
    return _by_evaluations(_best(runs), [run.spent for run in runs], estimand, seed)


@dataclass(frozen=True, eq=False)
class Quartiles:
    """What the runs of an agent saw of their best, as they differ from each other.

    Attributes:
        x: evaluations, (points,).
        mean, lower, median, upper: mean, and first, second and third quartile over runs, float (points,).
    """

    x: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    median: np.ndarray
    upper: np.ndarray


def quartiles_by_evaluations(runs: Sequence[Run]) -> Quartiles:
    """Return how the incumbents of runs are spread after each number of evaluations charged."""
    grid, curves = _on_grid(_best(runs), [run.spent for run in runs])
    return Quartiles(grid, curves.mean(axis=0), *np.quantile(curves, (0.25, 0.5, 0.75), axis=0))


def by_seconds(runs: Sequence[Run], seed: int, estimand: Estimand = IQM) -> Curve:
    """Return the same after so many recorded seconds, from where every run has one."""
    return _by_seconds(_best(runs), [run.elapsed for run in runs], estimand, seed)


def regret_by_evaluations(runs: Sequence[Run], seed: int, estimand: Estimand = MEAN) -> Curve:
    """Return the regret of the incumbent after each number of evaluations charged, where it is known."""
    return _by_evaluations(_regrets(runs), [run.spent for run in runs], estimand, seed)


def regret_by_seconds(runs: Sequence[Run], seed: int, estimand: Estimand = MEAN) -> Curve:
    """Return the regret of the incumbent after so many recorded seconds, where it is known."""
    return _by_seconds(_regrets(runs), [run.elapsed for run in runs], estimand, seed)


def _best(runs: Sequence[Run]) -> Values:
    return [run.incumbents if run.front is None else run.front.volumes for run in runs]


def _regrets(runs: Sequence[Run]) -> Values:
    return [run.regrets for run in runs if run.regrets is not None]


def _by_evaluations(values: Values, spent: Values, estimand: Estimand, seed: int) -> Curve:
    grid, curves = _on_grid(values, spent)
    return Curve(grid, *estimand.curve(curves, seed).clip(0, 1))


def _on_grid(values: Values, spent: Values) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of evaluations, (points,), and the values of each run there, (runs, points)."""
    longest = max(1, math.ceil(max(each[-1] for each in spent)))
    # What is trained on shared weights has no score before most of the budget is spent.
    first = max(1, math.ceil(max(each[0] for each in spent)))
    grid = np.unique(np.linspace(first, longest, min(longest - first + 1, POINTS)).round().astype(int))
    curves = [
        each[np.maximum(np.searchsorted(charged, grid, side="right") - 1, 0)]
        for each, charged in zip(values, spent, strict=True)
    ]
    return grid, np.array(curves)


def _by_seconds(values: Values, elapsed: Values, estimand: Estimand, seed: int) -> Curve:
    start = max(times[0] for times in elapsed)
    end = max(times[-1] for times in elapsed)
    grid = np.linspace(start, max(start, end), POINTS)
    curves = [
        each[np.searchsorted(times, grid, side="right") - 1]
        for each, times in zip(values, elapsed, strict=True)
    ]
    return Curve(grid, *estimand.curve(np.array(curves), seed).clip(0, 1))
