"""The first channels of a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class Truncate(Operation):
    """(channels, *sides) -> (kept, *sides): as many channels, the first ones, as the option ``kept`` says."""

    name = "truncate"
    mergeable = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (options["kept"], *inputs[0][1:])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0][:, : node.option("kept")]

    def source(self, node: Node) -> Source:
        return Source(f"{{0}}[:, :{node.option('kept')}]")

    def label(self, node: Node) -> str:
        return f"{node.shape[0]} channels"
