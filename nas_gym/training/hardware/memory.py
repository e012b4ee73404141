"""Large memory of chunks, kept for the next one, since on a CPU memory that is new costs time."""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor

from nas_gym.networks import Shape
from nas_gym.training.program.tape import padded

SEGMENT_BYTES = 8 * 2**20
"""Least memory that is taken at a time."""
KEPT_BYTES = 64 * 2**20
"""Most memory that a process keeps while nothing trains. Where it was new each time, the system took 85 of
the 140 ms of setting up a convolutional network for it."""


class Memory:
    """The large memory of one chunk, all zeros at first.

    Args:
        device: where it lies; on other devices than a CPU torch itself keeps memory.

    Attributes:
        floats: how many were taken so far.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self.floats = device, 0
        self._segments: list[Tensor] = []
        self._used = 0  # floats of the last segment
        self._needed: dict[str, int] = {}
        self._shared: dict[str, Tensor] = {}

    def zeros(self, *shape: int) -> Tensor:
        """Memory of a shape, float32."""
        self.floats += math.prod(shape)
        if self._device.type != "cpu":
            return torch.zeros(shape, dtype=torch.float32, device=self._device)
        floats = math.prod(shape)
        if not self._segments or self._used + floats > len(self._segments[-1]):
            self._segments.append(_kept.take(floats))
            self._used = 0
        part = self._segments[-1][self._used : self._used + floats]
        self._used += padded(floats)
        return part.zero_().view(shape)

    def need(self, purpose: str, floats: int) -> None:
        """Note that at least so many floats are needed for a purpose, before `shared` is called for any."""
        self._needed[purpose] = max(floats, self._needed.get(purpose, 0))

    def shared(self, purpose: str, shape: Shape) -> Tensor:
        """Memory that all users for a purpose share; each finds there what another left."""
        if purpose not in self._shared:
            self._shared[purpose] = self.zeros(self._needed[purpose])
        part: Tensor = self._shared[purpose][: math.prod(shape)].view(shape)
        return part

    def release(self) -> None:
        """Give the memory back; nothing that lies there may be read any more."""
        for segment in self._segments:
            _kept.give(segment)
        self._segments, self._shared = [], {}


class _Kept:
    """Memory of the process that no chunk uses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._segments: list[Tensor] = []

    def take(self, floats: int) -> Tensor:
        """Return a segment of at least so many floats, the smallest that is kept or a new one."""
        with self._lock:
            fitting = [segment for segment in self._segments if len(segment) >= floats]
            if fitting:
                chosen = min(fitting, key=len)
                self._segments = [segment for segment in self._segments if segment is not chosen]
                return chosen
        size = max(floats, SEGMENT_BYTES // 4)
        return torch.empty(size, dtype=torch.float32, device="cpu")

    def give(self, segment: Tensor) -> None:
        """Keep a segment if there is room for it, in place of smaller ones."""
        if 4 * len(segment) > KEPT_BYTES:
            return
        with self._lock:
            self._segments = sorted([*self._segments, segment], key=len)
            while 4 * sum(map(len, self._segments)) > KEPT_BYTES:
                self._segments.pop(0)


_kept = _Kept()
