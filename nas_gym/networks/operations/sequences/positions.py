"""Numbers that tell positions apart, added to a sequence: fixed sines, or trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

LONGEST = 10_000.0
"""Period of the slowest wave, in positions per turn of 2π."""
BOUND = 0.5
"""First values of trained positions are uniform up to here."""


class SinusoidalPositions(Operation):
    """(channels, length) -> the same: sines and cosines of the position, added to every example.

    Channel 2i has the sine of position / 10000^(2i / channels), channel 2i + 1 the cosine (Vaswani et al.
    2017, "Attention Is All You Need", section 3.5).
    """

    name = "sinusoidal_positions"
    in_place = True
    keeps_result = False
    shares_rows = True

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        waves: Tensor = inputs[0].new_tensor(sinusoids(*node.shape))
        return inputs[0] + waves

    def source(self, node: Node) -> Source:
        channels, length = node.shape
        at = f"torch.arange({length}, device={{0}}.device)"
        turns = f"torch.arange(0, {channels}, 2, device={{0}}.device).unsqueeze(1)"
        angles = f"{at} / {LONGEST} ** ({turns} / {channels})"
        waves = f"torch.stack([({angles}).sin(), ({angles}).cos()], 1).flatten(0, 1)[:{channels}]"
        return Source(f"{{0}} + {waves}")

    def label(self, node: Node) -> str:
        return "positions as sines"


class LearnedPositions(Operation):
    """(channels, length) -> the same: trained numbers for each channel and position, added."""

    name = "learned_positions"
    in_place = True
    keeps_result = False
    shares_rows = True

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": node.shape}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return -BOUND, BOUND

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0] + arrays["weight"]

    def source(self, node: Node) -> Source:
        channels, length = node.shape
        return Source("{0} + {layer}.weight", f"nn.Embedding({channels}, {length})")

    def label(self, node: Node) -> str:
        return "trained positions"


@lru_cache(maxsize=64)
def sinusoids(channels: int, length: int) -> list[list[float]]:
    """Return the sines and cosines that are added, (channels, length)."""
    rows = []
    for channel in range(channels):
        rate = LONGEST ** -((channel - channel % 2) / channels)
        wave = math.cos if channel % 2 else math.sin
        rows.append([wave(position * rate) for position in range(length)])
    return rows
