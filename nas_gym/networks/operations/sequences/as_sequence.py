"""The positions of an image in one row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class AsSequence(Operation):
    """(channels, *sides) -> (channels, positions): the sides one after another, the last one fastest."""

    name = "as_sequence"

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[0][0], math.prod(inputs[0][1:]))

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0].flatten(2)

    def source(self, node: Node) -> Source:
        return Source("{0}.flatten(2)")

    def is_identity(self, node: Node) -> bool:
        return True
