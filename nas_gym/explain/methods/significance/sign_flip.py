"""Whether a difference between pairs could be luck: a sign-flip test and the interval that it leaves.

Were neither of two sides better, each difference could as well have come out with the other sign
(Fisher, "The Design of Experiments", 1935, section 21). Differences that belong together change
their sign together. The interval holds the mean differences that the same test does not rule out
(Hartigan, "Using subsample values as typical values", 1969).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.explain.fact import Verdict, verdict_of

EXHAUSTIVE = 13
DRAWN = 9_999
# With fewer groups that differ from 0 the interval holds less often than it says.
FEWEST = 6


@dataclass(frozen=True, slots=True)
class SignFlipTest:
    """The outcome of a sign-flip test.

    Attributes:
        mean: weighted mean of the differences.
        low, high: 95% interval of the mean, which supposes that differences lie as far above it as
            below; None where there are too few groups for one.
        p: chance of a mean at least as far from 0 if signs were tossed.
        groups: groups of differences that change their sign together.
    """

    mean: float
    low: float | None
    high: float | None
    p: float
    groups: int

    @property
    def sure(self) -> bool:
        """Whether the mean is shown not to be 0."""
        return verdict_of(self.low, self.high, self.p) is Verdict.SHOWN


def sign_flips(
    differences: np.ndarray, weights: np.ndarray, groups: np.ndarray, seed: int = 0, level: float = 0.95
) -> SignFlipTest:
    """Test whether a weighted mean of differences is other than 0; exact up to 13 groups.

    Args:
        differences: float64 (n,), at least one.
        weights: their weights, positive, float64 (n,).
        groups: a number for each, int (n,); differences with the same change their sign together.
        seed: seed of the tosses where there are too many groups for all of them.
        level: level of the interval.
    """
    _, group = np.unique(groups, return_inverse=True)
    shares = weights / weights.sum()
    sums, masses = np.bincount(group, shares * differences), np.bincount(group, shares)
    signs = _signs(len(sums), np.random.default_rng(seed))
    tossed, leaning = signs @ sums, signs @ masses
    mean = float(sums.sum())
    p = float((np.abs(tossed) >= abs(mean) - 1e-12).mean())
    # A mean d stays possible under the signs s as long as |s(x - d)| >= |mean - d|: between these two.
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(mean - tossed) / (1 - leaning), (mean + tossed) / (1 + leaning)])
    same = np.abs(leaning) > 1 - 1e-12
    lows = np.where(same, -np.inf, ends.min(axis=0))
    highs = np.where(same, np.inf, ends.max(axis=0))
    place = int(np.floor((1 - level) * len(signs) + 1e-9))
    low, high = float(np.sort(lows)[place]), float(np.sort(highs)[::-1][place])
    if np.count_nonzero(sums) < FEWEST or not (np.isfinite(low) and np.isfinite(high)):
        return SignFlipTest(mean, None, None, p, len(sums))
    return SignFlipTest(mean, low, high, p, len(sums))


def _signs(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return all ways to toss the signs, or many with the one that happened; float64 (ways, count)."""
    if count <= EXHAUSTIVE:
        ways = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return np.asarray(1.0 - 2.0 * ways)
    drawn = rng.choice((-1.0, 1.0), size=(DRAWN, count))
    return np.concatenate([np.ones((1, count)), drawn])
