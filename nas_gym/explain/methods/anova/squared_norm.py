"""The squared length of a vector that was estimated with noise: corrected, and with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DRAWS = 4_000
HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its interval.

    Attributes:
        value: the estimate.
        low, high: ends of the interval.
    """

    value: float
    low: float
    high: float


def squared_length(
    estimate: np.ndarray, covariance: np.ndarray, degrees: float, level: float = 0.95, seed: int = 0
) -> Interval:
    """Return ``|theta|^2`` from an unbiased estimate of theta.

    The estimate is ``|x|^2 - trace(V)``: unbiased, so below 0 now and then where theta is 0. The
    interval inverts the distribution of ``|x|^2`` along the direction of x: the lengths under
    which a value as large, or as small, is not rarer than (1 - level) / 2. It begins at 0, or at
    the estimate if that is below.

    Args:
        estimate: x, float64 (r,).
        covariance: V of x, float64 (r, r).
        degrees: degrees of freedom that V was estimated with; draws are of that t distribution.
        level: level of the interval.
        seed: seed of the draws that the distribution is computed by.
    """
    seen = float(estimate @ estimate)
    value = seen - float(np.trace(covariance))
    direction = estimate / np.sqrt(seen) if seen > 0 else np.zeros(len(estimate))
    noise = _draws(covariance, degrees, seed)
    squares, along = (noise**2).sum(axis=1), noise @ direction

    def share_below(length: float) -> float:
        return float((squares + 2.0 * length * along + length**2 <= seen).mean())

    tail = (1.0 - level) / 2.0
    low, high = _where(share_below, 1.0 - tail), _where(share_below, tail)
    return Interval(value, min(low**2, value) if low == 0 else low**2, max(high**2, min(0.0, value)))


def widened(interval: Interval, estimate: np.ndarray, extra: np.ndarray, reach: float = 1.96) -> Interval:
    """Return the interval of a squared length whose vector may be further off than its covariance says.

    Args:
        interval: result of `squared_length`.
        estimate: the vector as estimated, float64 (r,).
        extra: covariance that is added, float64 (r, r).
        reach: standard deviations along the vector by which its length is extended.
    """
    size = float(np.linalg.norm(estimate))
    direction = estimate / size if size > 0 else estimate
    margin = reach * float(np.sqrt(max(0.0, direction @ extra @ direction)))
    shortest = max(0.0, np.sqrt(max(0.0, interval.low)) - margin)
    longest = np.sqrt(max(0.0, interval.high)) + margin
    low = min(float(shortest**2), interval.low)
    return Interval(interval.value, low, max(float(longest**2), interval.high))


def _draws(covariance: np.ndarray, degrees: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sizes, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(sizes, 0.0))
    normal = rng.standard_normal((DRAWS // 2, len(sizes)))
    scale = np.sqrt(degrees / rng.chisquare(degrees, size=DRAWS // 2)) if np.isfinite(degrees) else 1.0
    half = (normal @ root.T) * np.reshape(scale, (-1, 1))
    return np.vstack([half, -half])


def _where(share_below: object, share: float) -> float:
    """Return the length at which a falling share is reached; 0 where it begins below."""
    assert callable(share_below)
    if share_below(0.0) <= share:
        return 0.0
    low, high = 0.0, 1e-6
    while share_below(high) > share:
        low, high = high, high * 4.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if share_below(middle) > share else (low, middle)
    return high
