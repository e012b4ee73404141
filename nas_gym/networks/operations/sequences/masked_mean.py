"""The mean of a sequence over its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class MaskedMean(Operation):
    """(channels, length) and a mask (1, length) -> (channels,): the mean where the mask is 1."""

    name = "masked_mean"
    keeps_result = False

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[0][0],)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        mask = inputs[1].detach()
        return (inputs[0] * mask).sum(2) / mask.sum(2).clamp(min=1)

    def source(self, node: Node) -> Source:
        return Source("({0} * {1}).sum(2) / {1}.sum(2).clamp(min=1)")

    def label(self, node: Node) -> str:
        return "mean over tokens"
