"""A piece of a series without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Run:
    """Values at equal steps of time, none missing.

    Attributes:
        values: float64 (steps, channels).
        times: float64 (steps,), ascending; of several runs by one clock.
        clock: the times as they were written.
    """

    values: np.ndarray
    times: np.ndarray
    clock: Sequence[Any]
