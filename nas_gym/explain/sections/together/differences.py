"""Differences between agents, over their runs, that chance does not give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERMUTATIONS = 1_999
LEVEL = 0.95
LEAST = 0.01
"""A standard error of shares is taken to be this large at least: runs that are all alike are still few."""


@dataclass(frozen=True, eq=False)
class Differences:
    """Each agent's mean over runs minus the mean of the other agents, which count equally.

    Attributes:
        values, low, high: float64 (agents, measures); the intervals hold for all of them at once with
            probability .95, and are NaN where no difference could be shown.
        can_show: whether there are runs enough to show any difference.
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    can_show: bool


def differences(measures: np.ndarray, agents: Sequence[int], seed: int = 0) -> Differences:
    """Return how agents differ from the others, with simultaneous intervals over runs.

    The largest studentised difference of all agents and measures is compared with what it is when runs are
    assigned to agents at random (Westfall and Young 1993); studentising lets agents differ in how much
    their runs vary (Janssen 1997).

    Args:
        measures: a row for each run, float64 (runs, measures); NaN where a run has no value.
        agents: number of the agent of each run, from 0 without gaps.
        seed: seed of the permutations.
    """
    labels = np.asarray(agents)
    count = int(labels.max()) + 1
    rng = np.random.default_rng(seed)
    values, errors = _studentised(measures, labels, count)
    nothing = np.full_like(values, np.nan)
    if count < 2 or measures.shape[1] == 0:
        return Differences(values, nothing, nothing, False)
    drawn = [_largest(measures, rng.permutation(labels), count) for _ in range(PERMUTATIONS)]
    largest = np.sort([_largest(measures, labels, count), *drawn])[::-1]
    # The value that at most 5% of the assignments reach; where more than 5% tie at the top there is none.
    allowed = int((1 - LEVEL) * len(largest))
    top = int((largest >= largest[0] * (1 - 1e-9)).sum())
    if top > allowed or min(np.bincount(labels)) < 2:
        return Differences(values, nothing, nothing, False)
    critical = float(largest[allowed])
    return Differences(values, values - critical * errors, values + critical * errors, True)


def _studentised(measures: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the differences of each agent to the others and their standard errors, (agents, measures)."""
    known = ~np.isnan(measures)
    filled = np.where(known, measures, 0.0)
    member = (labels[None, :] == np.arange(count)[:, None]).astype(float)
    numbers = member @ known
    enough = numbers > 0
    means = np.where(enough, (member @ filled) / np.maximum(numbers, 1), np.nan)
    squares = member @ np.where(known, (filled - np.nan_to_num(means)[labels]) ** 2, 0.0)
    # An agent with one run borrows no spread: its error is that of a run like the others' pooled ones.
    spread = squares.sum(axis=0) / np.maximum((numbers - 1).clip(0).sum(axis=0), 1)
    variance = np.where(numbers > 1, squares / np.maximum(numbers - 1, 1), spread) / np.maximum(numbers, 1)
    values, errors = np.full_like(means, np.nan), np.full_like(means, np.nan)
    for agent in range(count):
        rest = [other for other in range(count) if other != agent]
        there = enough[rest]
        parts = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, np.nan_to_num(means[rest]), 0.0).sum(axis=0) / parts
        error = np.where(there, variance[rest], 0.0).sum(axis=0) / parts**2
        usable = enough[agent] & there.any(axis=0)
        values[agent] = np.where(usable, means[agent] - mean, np.nan)
        errors[agent] = np.sqrt(variance[agent] + error + LEAST**2)
    return values, errors


def _largest(measures: np.ndarray, labels: np.ndarray, count: int) -> float:
    values, errors = _studentised(measures, labels, count)
    return float(np.nanmax(np.abs(values / errors), initial=0.0))
