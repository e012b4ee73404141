"""The sum of several values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class Add(Operation):
    """The sum of inputs of one shape, in their order."""

    name = "add"
    keeps_result = False
    shares_rows = True
    sums = True

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        total = inputs[0]
        for other in inputs[1:]:
            total = total + other
        return total

    def source(self, node: Node) -> Source:
        return Source(" + ".join(f"{{{number}}}" for number in range(len(node.inputs))))
