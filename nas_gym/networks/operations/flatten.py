"""All values of an example in one row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class Flatten(Operation):
    """Any shape -> (features,)."""

    name = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0].flatten(1)

    def source(self, node: Node) -> Source:
        return Source("{0}.flatten(1)")

    def is_identity(self, node: Node) -> bool:
        return True
