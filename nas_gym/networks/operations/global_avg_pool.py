"""The mean of every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class GlobalAvgPool(Operation):
    """(channels, *sides) -> (channels,)."""

    name = "global_avg_pool"
    mergeable = True
    keeps_result = False

    def output_shape(self, shape: Shape) -> Shape:
        return shape[:1]

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0].flatten(2).mean(2)

    def source(self, node: Node) -> Source:
        return Source("{0}.flatten(2).mean(2)")
