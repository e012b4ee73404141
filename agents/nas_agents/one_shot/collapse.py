"""Signs that a search by gradients collapses, by rules on what its readings hold."""

from __future__ import annotations

from collections.abc import Sequence

WINDOW, DELTA, RATIO = 3, 3, 3.0
"""The rule of RobustDARTS: a mean of 3 readings is 3 times the one that ended 3 readings before.

The paper reads at each of 50 epochs and takes 5, 4 and 1.3, from the tenth on. Here a search has 25 readings
and its eigenvalue begins near 0, so that those fired as soon as they could, in searches that ended well, too.
These were chosen on seeds 10 to 14 of searches that were longer than those of
`benchmarks/quality/one_shot/positive_control.py` are."""
RISE = 0.01
"""How far the mean weight of candidates without weights may rise above its lowest value so far.

Chosen on seeds 10 to 14 of `benchmarks/quality/one_shot/positive_control.py`, where it rose by .004 at most
in searches with beta-darts and drnas, and by .16 at least with darts."""


def risen_from(free_weights: Sequence[float]) -> float | None:
    """Return the lowest weight that candidates without weights have risen from; None if they have not.

    Early in a search their weight falls, while the others learn. Where it then rises, the validation loss
    favours them over what was learned.

    Args:
        free_weights: their mean weight at each reading so far.
    """
    low = min(free_weights)
    return low if free_weights[-1] > low + RISE else None


def is_sharp(eigenvalues: Sequence[float | None]) -> bool:
    """Return whether the smoothed eigenvalue has grown by the ratio of RobustDARTS' rule at the last reading.

    Zela et al. 2020, "Understanding and Robustifying Differentiable Architecture Search", section 4.2.
    """
    values = [value for value in eigenvalues if value is not None]
    if len(values) < WINDOW + DELTA:
        return False
    now, before = mean(values[-WINDOW:]), mean(values[-WINDOW - DELTA : -DELTA])
    return before > 0 and now / before > RATIO


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return float(sum(values)) / len(values)
