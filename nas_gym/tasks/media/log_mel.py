"""Recordings as log-mel frames: what most recognisers of speech read in place of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nas_gym._checks import number, whole
from nas_gym.errors import ConfigError
from nas_gym.networks import band_frequencies, frame_count, log_mel
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.media.collection import SIGNALS
from nas_gym.tasks.media.reading import reading
from nas_gym.tasks.media.signals import SignalForm, read_signal

STEPS = 1024.0
"""Parts of 1 that features are rounded to: how a sum ends in its last bits differs between processors."""


@dataclass(frozen=True)
class Frames:
    """How frames are cut from a recording.

    Attributes:
        bands: bands of the mel scale.
        window_ms: length of a frame in milliseconds.
        hop_ms: from the start of a frame to that of the next, in milliseconds.
    """

    bands: int = 24
    window_ms: float = 40.0
    hop_ms: float = 20.0

    def __post_init__(self) -> None:
        if (whole(self.bands) or 0) < 1:
            raise ConfigError(f"bands must be a whole number of at least 1, not {self.bands!r}")
        for option in ("window_ms", "hop_ms"):
            value = getattr(self, option)
            if not (number(value) or 0) > 0:
                raise ConfigError(f"{option} must be a number of milliseconds above 0, not {value!r}")

    def in_samples(self, rate: int) -> tuple[int, int]:
        """Return window, an even number, and hop in samples."""
        return max(2, 2 * round(self.window_ms * rate / 2000)), max(1, round(self.hop_ms * rate / 1000))

    def form(self, samples: SignalForm, rate: int | None = None) -> LogMelForm:
        """Return how recordings that have a form as samples become frames.

        Args:
            samples: their form as samples; several channels become one, their mean.
            rate: samples a second, where the files do not say it.

        Raises:
            NASGymError: if nothing says the rate.
        """
        known = samples.rate or rate
        if known is None:
            raise ConfigError("log_mel needs points a second, which the files do not say: pass rate")
        return LogMelForm(samples.length, known, self.bands, *self.in_samples(known))


@dataclass(frozen=True)
class LogMelForm(ExampleForm):
    """How recordings become log-mel frames, a channel for each band: see `nas_gym.networks.LogMel`.

    Attributes:
        length: samples of a recording, which is padded with zeros or cut at the end before.
        rate: samples a second.
        bands: bands of the mel scale.
        window: samples of a frame, even.
        hop: samples from one frame to the next.
    """

    length: int
    rate: int
    bands: int
    window: int
    hop: int
    kind: ClassVar[str] = "log_mel"
    what: ClassVar[str] = "recordings"
    suffixes: ClassVar[tuple[str, ...]] = SIGNALS

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an array: (bands, frames)."""
        return self.bands, frame_count(self.length, self.hop)

    @property
    def samples(self) -> SignalForm:
        """How recordings become samples."""
        return SignalForm(1, self.length, self.rate)

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return a recording as float32 (bands, frames).

        Raises:
            Unreadable: if it is none.
        """
        with reading():
            return self.fitted(*read_signal(name, content))

    def fitted(self, signal: np.ndarray, rate: int | None) -> np.ndarray:
        """Return a signal (channels, length) of some rate in this form."""
        return self.of_samples(self.samples.fitted(signal, rate)[0])

    def of_samples(self, samples: np.ndarray) -> np.ndarray:
        """Return samples (length,) of this rate and length as float32 (bands, frames)."""
        found = log_mel(samples, self.bands, self.window, self.hop, self.rate)
        return (np.round(found * STEPS) / STEPS).astype(np.float32)

    def frequencies(self) -> np.ndarray:
        """Return the middle of each band in Hz."""
        return band_frequencies(self.bands, self.rate)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form."""
        return {
            "kind": self.kind,
            "length": self.length,
            "rate": self.rate,
            "bands": self.bands,
            "window": self.window,
            "hop": self.hop,
        }
