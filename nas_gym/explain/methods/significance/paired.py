"""Two ways to predict the same examples: how much better one is, and how sure that is for new ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import stats


def difference_of_shares(
    right: np.ndarray, other: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the difference of two shares of right answers to the same examples, and its interval.

    The interval is the adjusted Wald interval of Bonett and Price (2012, equation 6), which keeps its level
    for few examples and shares near 0 or 1.

    Args:
        right: whether the one is right, bool (n,).
        other: whether the other is right, bool (n,).
        level: level of the interval.

    Returns:
        The difference, and the lower and upper end, in [-1, 1].
    """
    count = len(right)
    gained, lost = int((right & ~other).sum()), int((other & ~right).sum())
    up, down = (gained + 1) / (count + 2), (lost + 1) / (count + 2)
    half = _normal(level) * math.sqrt((up + down - (up - down) ** 2) / (count + 2))
    middle = up - down
    return (gained - lost) / count, max(-1.0, middle - half), min(1.0, middle + half)


def difference_of_r2(
    outputs: np.ndarray, other: np.ndarray, truth: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the difference of two coefficients of determination on the same examples, and its interval.

    It is the mean over examples of the difference of squared errors by the variance of the truth; the
    interval is Student's of that mean.

    Args:
        outputs: predictions of the one, float (n, values).
        other: predictions of the other, float (n, values).
        truth: float (n, values).
        level: level of the interval.
    """
    variance = truth.var(axis=0)
    each = ((other - truth) ** 2 - (outputs - truth) ** 2) / variance
    gains = each.mean(axis=1)
    if len(gains) < 2:
        return float(gains.mean()), math.nan, math.nan
    half = (
        float(stats.t.ppf((1 + level) / 2, len(gains) - 1)) * float(gains.std(ddof=1)) / math.sqrt(len(gains))
    )
    mean = float(gains.mean())
    return mean, mean - half, mean + half


def resampled_interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    seed: int,
    level: float = 0.95,
    resamples: int = 2000,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic of examples (Efron 1979).

    Args:
        values: examples, (n, ...).
        statistic: function from resampled examples to a number.
        seed: seed of the resampling.
        level: level of the interval.
        resamples: how often examples are drawn again.
    """
    rng = np.random.default_rng(seed)
    drawn = [float(statistic(values[rng.integers(len(values), size=len(values))])) for _ in range(resamples)]
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _normal(level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2))
