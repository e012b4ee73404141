"""Whether the learning curve of a network still rose at its end, so that training longer may help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

RISE, LAST = 0.005, 5
"""A learning curve still rises if its last fifth adds half a point."""


def last_rise(result: Mapping[str, Any], architecture: str) -> float | None:
    """Return what the last fifth of a network's learning curve added to its score, if that is worth telling.

    Args:
        result: contents of the `result.json` of a run.
        architecture: text of the network, of which the longest curve is taken.

    Returns:
        None where the curve no longer rises, or there is none.
    """
    curves = [one["curve"] for one in result.get("evaluations", ()) if one["architecture"] == architecture]
    curve: Sequence[float] = max(curves, key=len, default=())
    last = len(curve) // LAST
    if not last:
        return None
    rise = max(curve[-last:]) - max(curve[:-last])
    return rise if rise >= RISE else None
