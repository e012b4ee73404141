"""A sequence with zeros where it has no tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class Masked(Operation):
    """(channels, length) and a mask (1, length) -> (channels, length): the product of both.

    A convolution behind it finds zeros after the end of a sequence, as it finds beyond the edge. No gradient
    goes to the mask.
    """

    name = "masked"
    in_place = True
    keeps_result = False

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0] * inputs[1].detach()

    def source(self, node: Node) -> Source:
        return Source("{0} * {1}")

    def label(self, node: Node) -> str:
        return "tokens alone"
