"""The parts that a long signal is explained by: short stretches of time, and bands of frequencies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.tasks import Forecast, SignalForm, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 0.05
"""Length of a stretch, about that of a short sound of speech; longer in long recordings."""
MOST, BANDS = 40, 12
LONG = 256
"""Points from which a signal of unknown rate is explained by stretches; a shorter one by its points."""


@dataclass(frozen=True)
class SoundParts:
    """Stretches and bands of signals of one length.

    Attributes:
        length: points of a signal.
        rate: points a second; None where nobody knows it.
        stretches: the first point of each stretch, and the one behind its last.
        bands: the lower and the upper end of each band in Hz, the lowest first, in equal steps of the mel
            scale; () without a rate.
    """

    length: int
    rate: int | None
    stretches: tuple[tuple[int, int], ...]
    bands: tuple[tuple[float, float], ...]

    def band_of_frequency(self) -> np.ndarray:
        """Return the number of the band of each frequency of the Fourier transform, int64.

        -1 is the mean, which is of no band.
        """
        assert self.rate is not None
        frequencies = np.fft.rfftfreq(self.length, 1 / self.rate)
        found = np.searchsorted([low for low, _ in self.bands], frequencies, side="right") - 1
        found[0] = -1
        return found


def sound_parts(task: Task) -> SoundParts | None:
    """Return the parts of a task's signals; None for frames, series and short signals, and no signals."""
    if task.inputs != "signal" or isinstance(task.target, Forecast):
        return None
    if task.files is not None and not isinstance(task.files, SignalForm):
        return None
    rate, length = task.files.rate if task.files is not None else None, task.input_shape[1]
    if rate is None and length < LONG:
        return None
    shortest = 2 if rate is None else max(2, round(SECONDS * rate))  # of one point nothing tells silence
    step = max(shortest, math.ceil(length / MOST))
    starts = range(0, max(1, length - 1), step)
    stretches = tuple(zip(starts, [*starts[1:], length], strict=True))
    return SoundParts(length, rate, stretches, () if rate is None else _bands(length, rate))


def _bands(length: int, rate: int) -> tuple[tuple[float, float], ...]:
    """Return the bands, without those that are narrower than a step of the Fourier transform."""
    top = 2595 * math.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 1) / 2595) - 1)
    frequencies: Sequence[float] = np.fft.rfftfreq(length, 1 / rate)[1:].tolist()
    starts = [low for low, high in pairwise(edges) if _holds(frequencies, low, high)]
    return tuple(zip(map(float, starts), [*map(float, starts[1:]), rate / 2], strict=True))


def _holds(frequencies: Sequence[float], low: float, high: float) -> bool:
    return any(low <= one < high for one in frequencies)
