"""Signs that a search by gradients collapses, by rules on what its readings hold."""

from __future__ import annotations

from collections.abc import Sequence

WINDOW, DELTA, RATIO, FROM = 5, 4, 1.3, 10
"""The rule of RobustDARTS: means of 5 readings, compared with those 4 before, from the 10th reading on."""
RISE, SMOOTHED = 0.03, 2
"""How far the weight of candidates without weights may rise above its lowest value so far, both as means of
so many readings. Chosen on seeds 10 to 14 of `benchmarks/quality/one_shot/positive_control.py`."""


def smoothed(values: Sequence[float], count: int) -> list[float]:
    """Return the mean of each `count` values in a row."""
    return [mean(values[end - count : end]) for end in range(count, len(values) + 1)]


def risen_from(free_weights: Sequence[float]) -> float | None:
    """Return the lowest weight that candidates without weights have risen from; None if they have not.

    Args:
        free_weights: their mean weight at each reading so far.
    """
    means = smoothed(free_weights, SMOOTHED)
    if not means or means[-1] <= min(means) + RISE:
        return None
    return min(means)


def is_sharp(eigenvalues: Sequence[float | None]) -> bool:
    """Return whether the smoothed eigenvalue has grown by the ratio of RobustDARTS' rule at the last reading.

    Zela et al. 2020, section 4.2: mean of the last 5 over the mean of the 5 that ended 4 readings before.
    """
    values = [value for value in eigenvalues if value is not None]
    if len(values) < max(FROM, WINDOW + DELTA):
        return False
    now, before = mean(values[-WINDOW:]), mean(values[-WINDOW - DELTA : -DELTA])
    return before > 0 and now / before > RATIO


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return float(sum(values)) / len(values)
