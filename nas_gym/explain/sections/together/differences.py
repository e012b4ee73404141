"""Differences between agents, over their runs, that chance does not give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

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


def differences(
    measures: np.ndarray, agents: Sequence[int], seed: int = 0, permutations: int = PERMUTATIONS
) -> Differences:
    """Return how agents differ from the others, with simultaneous intervals over runs.

    The smallest of the p-values of all agents and measures is compared with what it is when runs are
    assigned to agents at random (Westfall and Young 1993). The p-values are of Welch's t with, for each
    agent, the larger of its own and the pooled variance, since agents differ in how much their runs vary.

    Args:
        measures: a row for each run, float64 (runs, measures); NaN where a run has no value.
        agents: number of the agent of each run, from 0 without gaps.
        seed: seed of the permutations.
        permutations: how often runs are assigned at random.
    """
    labels = np.asarray(agents)
    count = int(labels.max()) + 1
    rng = np.random.default_rng(seed)
    found = _tested(measures, labels, count)
    nothing = np.full_like(found.values, np.nan)
    if count < 2 or measures.shape[1] == 0 or min(np.bincount(labels)) < 2:
        return Differences(found.values, nothing, nothing, False)
    drawn = [_tested(measures, rng.permutation(labels), count).least for _ in range(permutations)]
    least = np.sort([found.least, *drawn])
    # The p-value that fewer than 5% of the assignments reach; where more tie at the bottom there is none.
    allowed = int((1 - LEVEL) * len(least))
    if (least <= least[0] * (1 + 1e-9)).sum() > allowed:
        return Differences(found.values, nothing, nothing, False)
    half = -stdtrit(found.degrees, least[allowed] / 2) * found.errors
    return Differences(found.values, found.values - half, found.values + half, True)


@dataclass(frozen=True, eq=False)
class _Tests:
    """Differences, their errors and degrees of freedom, (agents, measures), and the least p-value."""

    values: np.ndarray
    errors: np.ndarray
    degrees: np.ndarray
    least: float


def _tested(measures: np.ndarray, labels: np.ndarray, count: int) -> _Tests:
    """Return the difference of each agent to the mean of the others, tested by itself."""
    known = ~np.isnan(measures)
    filled = np.where(known, measures, 0.0)
    member = (labels[None, :] == np.arange(count)[:, None]).astype(float)
    numbers = member @ known
    enough = numbers > 0
    means = (member @ filled) / np.maximum(numbers, 1)
    squares = member @ np.where(known, (filled - means[labels]) ** 2, 0.0)
    free = (numbers - 1).clip(0)
    # The larger of an agent's own and the pooled variance: runs that are all alike by luck are not certain.
    pooled = squares.sum(axis=0) / np.maximum(free.sum(axis=0), 1)
    variance = np.maximum(squares / np.maximum(free, 1), pooled) / np.maximum(numbers, 1)
    shape = means.shape
    values, errors, degrees = np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape)
    for agent in range(count):
        there = enough.copy()
        there[agent] = False
        parts = np.maximum(there.sum(axis=0), 1)
        usable = enough[agent] & there.any(axis=0)
        weights = there / parts
        weights[agent] = 1.0
        terms = weights**2 * variance
        values[agent] = np.where(usable, 2 * means[agent] - (weights * means).sum(axis=0), np.nan)
        errors[agent] = np.sqrt(terms.sum(axis=0) + LEAST**2)
        spread = (terms**2 / np.maximum(free, 1)).sum(axis=0)
        degrees[agent] = np.where(spread > 0, terms.sum(axis=0) ** 2 / np.where(spread > 0, spread, 1.0), 1.0)
    p = 2 * stdtr(degrees, -np.abs(np.nan_to_num(values)) / errors)
    return _Tests(values, errors, degrees, float(p.min(initial=1.0)))
