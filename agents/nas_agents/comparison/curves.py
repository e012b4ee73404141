"""Anytime curves: the incumbent's accuracy as seen, against evaluations and recorded seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_agents.comparison.records import Run
from nas_agents.comparison.statistics import iqm_curve

POINTS = 300


@dataclass(frozen=True, eq=False)
class Curve:
    """The interquartile mean of the runs of an agent with its bootstrap band.

    Attributes:
        x: evaluations or recorded seconds, (points,).
        value: interquartile mean of the incumbents, float (points,).
        lower: lower end of the band, float (points,).
        upper: upper end of the band, float (points,).
    """

    x: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def as_dict(self) -> dict[str, list[float]]:
        """JSON-able lists of the four arrays."""
        return {name: getattr(self, name).tolist() for name in ("x", "value", "lower", "upper")}


def by_evaluations(runs: Sequence[Run], seed: int) -> Curve:
    """Incumbent after each number of distinct evaluations; a run that ended keeps its incumbent."""
    longest = max(len(run.accuracies) for run in runs)
    grid = np.unique(np.linspace(1, longest, min(longest, POINTS)).round().astype(int))
    curves = [run.incumbents[np.minimum(grid, len(run.accuracies)) - 1] for run in runs]
    return Curve(grid, *iqm_curve(np.array(curves), seed))


def by_seconds(runs: Sequence[Run], seed: int) -> Curve:
    """Incumbent after so many recorded seconds, from where every run has one."""
    start = max(run.elapsed[0] for run in runs)
    end = max(run.elapsed[-1] for run in runs)
    grid = np.linspace(start, max(start, end), POINTS)
    curves = [run.incumbents[np.searchsorted(run.elapsed, grid, side="right") - 1] for run in runs]
    return Curve(grid, *iqm_curve(np.array(curves), seed))
