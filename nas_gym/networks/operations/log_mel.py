"""The logarithm of the energy of a recording in bands of the mel scale, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

FLOOR = 1e-6
"""Energy that is added to that of each band: 60 dB below a sine of amplitude 1."""


class LogMel(Operation):
    """(1, samples) -> (bands, frames): log-mel features of raw samples, without anything trained.

    The options are ``bands``, ``window`` (even) and ``hop``, in samples, and ``rate``, samples a second.
    Frame i is centred at sample ``i * hop``, with zeros around the recording, so that there are
    ``1 + samples // hop``. Each is weighted by a Hann window; the Fourier transform is a matrix product,
    which every runtime has.
    """

    name = "log_mel"
    mergeable = True
    keeps_result = False

    def output_shape(self, shape: Shape, *, bands: int, window: int, hop: int, rate: int) -> Shape:
        return (bands, frame_count(shape[1], hop))

    def flops(self, node: Node) -> int:
        window, frames = node.option("window"), node.shape[1]
        places = window // 2 + 1
        return int(2 * frames * places * (2 * window + node.shape[0]))

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch
        from torch.nn import functional as F

        x = inputs[0]
        window, hop = node.option("window"), node.option("hop")
        waves, bank = (
            torch.from_numpy(array).to(x)
            for array in log_mel_matrices(node.shape[0], window, node.option("rate"))
        )
        padded = F.pad(x, (window // 2, window // 2))
        parts = F.conv1d(padded, waves[:, None], stride=hop)
        energy = bank @ (parts[:, : len(waves) // 2].square() + parts[:, len(waves) // 2 :].square())
        return (energy + FLOOR).log()

    def source(self, node: Node) -> Source:
        window, hop, rate = (node.option(name) for name in ("window", "hop", "rate"))
        low, middle, high = (
            f"torch.tensor({side.tolist()})[:, None]" for side in _sides(node.shape[0], window, rate)
        )
        energy = (
            f"torch.stft({{0}}[:, 0], {window}, {hop}, window=torch.hann_window({window}), center=True, "
            "pad_mode='constant', return_complex=True).abs().square()"
        )
        frequencies = f"(torch.arange({window // 2 + 1}) * {rate / window!r})"
        rising = f"({frequencies} - {low}) / ({middle} - {low})"
        falling = f"({high} - {frequencies}) / ({high} - {middle})"
        bank = f"torch.minimum({rising}, {falling}).clamp(min=0) * {16 / window**2!r}"
        return Source(f"(({bank}) @ {energy} + {FLOOR!r}).log()")

    def sizes(self, node: Node) -> dict[str, int]:
        return {"window": node.option("window"), "hop": node.option("hop")}


def frame_count(samples: int, hop: int) -> int:
    """Return the number of frames of a recording."""
    return 1 + samples // hop


def log_mel(samples: np.ndarray, bands: int, window: int, hop: int, rate: int) -> np.ndarray:
    """Return the log-mel features of a recording, as the operation computes them, but in float64.

    Args:
        samples: (samples,), in [-1, 1].
        bands: number of bands.
        window: samples of a frame, even.
        hop: samples from one frame to the next.
        rate: samples a second.

    Returns:
        float64 (bands, frames).
    """
    waves, bank = _weights(bands, window, rate)
    padded = np.pad(np.asarray(samples, dtype=np.float64), window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    spectrum = np.fft.rfft(frames * waves)
    found: np.ndarray = np.log((spectrum.real**2 + spectrum.imag**2) @ bank.T + FLOOR).T
    return found


def band_frequencies(bands: int, rate: int) -> np.ndarray:
    """Return the middle frequency of each band in Hz, float64 (bands,): equal steps on the mel scale.

    The scale is O'Shaughnessy's, 2595 log10(1 + f / 700), from 0 to half of the rate.
    """
    return _edges(bands, rate)[1:-1]


def _edges(bands: int, rate: int) -> np.ndarray:
    mels = np.linspace(0, 2595 * math.log10(1 + rate / 2 / 700), bands + 2)
    edges: np.ndarray = 700 * (10 ** (mels / 2595) - 1)
    return edges


def _sides(bands: int, window: int, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where each band begins, is highest and ends, in Hz.

    Bands overlap as far as the next middle, and at least as far as a step of the Fourier transform, so that
    none is empty.
    """
    edges, step = _edges(bands, rate), rate / window
    middle = edges[1:-1]
    return np.minimum(edges[:-2], middle - step), middle, np.maximum(edges[2:], middle + step)


@lru_cache(maxsize=8)
def _weights(bands: int, window: int, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the window (window,), and the share of each frequency in each band, (bands, window // 2 + 1).

    Shares are scaled so that a sine of amplitude 1 in the middle of a band has an energy of about 1.
    """
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frequencies = np.arange(window // 2 + 1) * rate / window
    low, middle, high = (side[:, None] for side in _sides(bands, window, rate))
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return hann, np.clip(np.minimum(rising, falling), 0, None) * 16 / window**2


@lru_cache(maxsize=8)
def log_mel_matrices(bands: int, window: int, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the windowed waves, cosines and then sines, (2 * frequencies, window), and the bank; float32."""
    hann, bank = _weights(bands, window, rate)
    angles = 2 * np.pi * np.outer(np.arange(window // 2 + 1), np.arange(window)) / window
    waves = np.concatenate([np.cos(angles), np.sin(angles)]) * hann
    return waves.astype(np.float32), bank.astype(np.float32)
