"""Many networks against one: differences of mean scores with intervals that hold all at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

NODES = 48
"""Of the quadratures; critical values are then exact to 0.001."""

SAME = 1e-12
"""Means of the same numbers differ by no more, in whatever order they were summed."""


NOISIER = 0.2
"""p-value of a group's spread below which its own variance counts, if that is the larger. Of 24 groups of 3
values and 15 of the control all intervals then hold at once in 96% of cases, and in 92 to 95% where the
groups differ in noise (two- or threefold, or by a log-normal factor of deviation .3 or .5); were it always
the larger of the two, in 97% and in 93 to 96%."""


@dataclass(frozen=True)
class Comparisons:
    """Differences of means, each group's minus the control's.

    Attributes:
        differences, low, high: float64 (groups,); intervals are NaN where nothing was repeated.
        means: mean difference of each set of groups, with its interval, float64 (sets, 3).
        deviation: pooled standard deviation of one value; NaN where nothing was repeated.
        degrees: degrees of freedom of the pooled deviation.
        critical: half the width of an interval in standard errors.
        unequal: p-value of the group whose spread is most above the pooled one, times the number of
            groups, at most 1: small where the groups differ in noise.
    """

    differences: np.ndarray
    low: np.ndarray
    high: np.ndarray
    means: np.ndarray
    deviation: float
    degrees: int
    critical: float
    unequal: float


def against_control(
    groups: Sequence[np.ndarray],
    control: np.ndarray,
    level: float = 0.95,
    sets: Sequence[Sequence[int]] = (),
) -> Comparisons:
    """Return intervals of all differences to a control that hold together with probability `level`.

    Dunnett (1955): the critical value is that of the largest of the correlated t statistics. The
    standard error of a difference uses the pooled variance; for a group that seems noisier than the
    others its own, so that it is not given an interval that is too narrow.

    Args:
        groups: values of each group, at least one.
        control: values of the control, at least one.
        level: level of all intervals together.
        sets: numbers of groups whose mean difference is wanted, too; its interval is that of the difference
            where the set is one group.
    """
    arrays = [np.asarray(values, dtype=float) for values in (*groups, control)]
    counts = np.array([len(values) for values in arrays])
    means = np.array([values.mean() for values in arrays])
    squares = np.array([((values - values.mean()) ** 2).sum() for values in arrays])
    degrees = int((counts - 1).sum())
    each = np.eye(len(groups))
    wanted = [each[list(one)].mean(axis=0) for one in sets]
    weights = np.vstack([each, *wanted])
    single = (weights > 0).sum(axis=1) == 1
    single[: len(groups)] = False
    differences = _without_rounding(weights @ (means[:-1] - means[-1]))
    half, pooled, critical, unequal = np.full(len(weights), math.nan), math.nan, math.nan, 1.0
    if degrees and len(groups):
        pooled = float(squares.sum() / degrees)
        noise, unequal = _variances(squares, pooled, counts, degrees)
        # A mean of groups counts as one group of as many values as give its error.
        sizes = 1.0 / (weights**2 / counts[:-1]).sum(axis=1)
        family = tuple(float(n) for n in sizes[~single])
        critical = critical_value(family, int(counts[-1]), degrees, level)
        errors = noise / counts
        half = _without_rounding(critical * np.sqrt(weights**2 @ errors[:-1] + errors[-1]))
    low, high = differences - half, differences + half
    split = len(groups)
    return Comparisons(
        differences[:split],
        low[:split],
        high[:split],
        np.column_stack([differences, low, high])[split:],
        math.sqrt(pooled),
        degrees,
        critical,
        unequal,
    )


def _variances(
    squares: np.ndarray, pooled: float, counts: np.ndarray, degrees: int
) -> tuple[np.ndarray, float]:
    """Return the variance of each group, and the p-value of the noisiest one (see `Comparisons`)."""
    own = squares / np.maximum(counts - 1, 1)
    chances, repeated = np.ones(len(own)), counts > 1
    if pooled > 0:
        chances[repeated] = stats.f.sf(own[repeated] / pooled, counts[repeated] - 1, degrees)
    noise = np.where(chances <= NOISIER, np.maximum(own, pooled), pooled)
    return noise, float(min(1.0, chances.min() * repeated.sum()))


def _without_rounding(values: np.ndarray) -> np.ndarray:
    """Return values with 0 in place of what is not 0 by rounding alone."""
    return np.where(np.abs(values) <= SAME, 0.0, values)


@lru_cache(maxsize=256)
def critical_value(counts: tuple[float, ...], control: int, degrees: int, level: float = 0.95) -> float:
    """Return the two-sided critical value of Dunnett's comparisons of groups with a control.

    The statistics' correlations are products, of ``sqrt(n / (n + control))`` of the groups, which
    makes the probability a double integral (Dunnett 1955, section 5; unequal groups as in Dunnett
    1964), here by Gauss quadratures.

    Args:
        counts: number of values in each group.
        control: number of values of the control.
        degrees: degrees of freedom of the variance.
        level: level of all comparisons together.
    """
    loads, repeats = np.unique(np.sqrt([n / (n + control) for n in counts]), return_counts=True)
    rest = np.sqrt(1 - loads**2)
    z, z_weights = np.polynomial.hermite_e.hermegauss(NODES)
    p, p_weights = np.polynomial.legendre.leggauss(NODES)
    scale = np.sqrt(stats.chi2.ppf((p + 1) / 2, degrees) / degrees)[:, None, None]

    def shortfall(c: float) -> float:
        above = special.ndtr((c * scale + loads * z[:, None]) / rest)
        below = special.ndtr((-c * scale + loads * z[:, None]) / rest)
        inside = ((above - below) ** repeats).prod(axis=2)
        return float(p_weights @ inside @ z_weights / (2 * z_weights.sum()) - level)

    return float(optimize.brentq(shortfall, 0.1, 1e4, xtol=1e-6))


def mean_interval(
    values: np.ndarray, deviation: float, degrees: int, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the mean of repeated scores and its interval, by the larger of their own and a pooled deviation.

    Args:
        values: scores in [0, 1], at least one.
        deviation: standard deviation pooled over more groups, NaN if unknown.
        degrees: degrees of freedom of the pooled deviation.
        level: level of the interval.

    Returns:
        The mean, the lower and the upper end; the ends are NaN where no spread is known.
    """
    values = np.asarray(values, dtype=float)
    mean, own = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else -1.0
    larger, freedom = (own, len(values) - 1) if not deviation >= own else (deviation, degrees)
    if freedom < 1:
        return mean, math.nan, math.nan
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * larger / math.sqrt(len(values))
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def seeds_for_margin(comparisons: Comparisons, groups: int, margin: float) -> int | None:
    """Return the seeds for each network that would make intervals as narrow as the margin; None if unknown.

    The control has sqrt(groups) times as many, the best division of trainings (Dunnett 1955).
    """
    if not comparisons.deviation > 0:
        return None
    spread = (comparisons.critical * comparisons.deviation / margin) ** 2
    return math.ceil(spread * (1 + 1 / math.sqrt(groups)))
