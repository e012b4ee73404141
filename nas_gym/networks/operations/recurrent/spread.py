"""A vector at every position of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class Spread(Operation):
    """(channels,) -> (channels, length): the same at each position; the option ``length`` says how many."""

    name = "spread"
    mergeable = True
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[0][0], options["length"])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0].unsqueeze(2).expand(-1, -1, node.option("length"))

    def source(self, node: Node) -> Source:
        return Source(f"{{0}}.unsqueeze(2).expand(-1, -1, {node.option('length')})")
