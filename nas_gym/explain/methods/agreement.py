"""How alike two tasks rank architectures, beside how alike two trainings of one task do."""

from __future__ import annotations

import math

import numpy as np

from nas_gym.explain.methods.ranking import Interval, spearman, tau_b

RESAMPLES = 200


def agreement(
    one: np.ndarray, other: np.ndarray, *, same: bool, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, Interval]:
    """Return tau-b and Spearman's correlation of single trainings on two tasks, or two on the same one.

    Both are means over the pairs of different training seeds, so that two trainings of one task, which
    differ by noise alone, can be set beside them. With one seed, two tasks are compared by it, and for the
    same task there is nothing to compare. The interval is a percentile bootstrap over architectures.

    Args:
        one: (architectures, seeds).
        other: the same, on the other task.
        same: whether both are of the same task.
        resamples: bootstrap samples.
        seed: seed of them.
    """
    seeds = one.shape[1]
    pairs = [(a, b) for a in range(seeds) for b in range(seeds) if a != b and not (same and a > b)]
    if not pairs and not same:
        pairs = [(0, 0)]
    if not pairs:
        unknown = Interval(math.nan, math.nan, math.nan)
        return unknown, unknown

    def measured(rows: np.ndarray) -> tuple[float, float]:
        columns = [(one[rows, a], other[rows, b]) for a, b in pairs]
        taus, rhos = ([measure(*each) for each in columns] for measure in (tau_b, spearman))
        return float(np.mean(taus)), float(np.mean(rhos))

    rng, count = np.random.default_rng(seed), len(one)
    found = measured(np.arange(count))
    drawn = np.array([measured(rng.integers(count, size=count)) for _ in range(resamples)])
    tau, rho = (_interval(value, column) for value, column in zip(found, drawn.T, strict=True))
    return tau, rho


def _interval(value: float, drawn: np.ndarray) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if math.isnan(value) or not len(known):
        return Interval(value, math.nan, math.nan)
    low, high = np.quantile(known, (0.025, 0.975))
    return Interval(value, float(low), float(high))
