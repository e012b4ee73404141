"""Numbers in one row as channels over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class AsSignal(Operation):
    """(channels * steps,) -> (channels, steps), channel after channel; the inverse of flattening."""

    name = "as_signal"

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return options["channels"], inputs[0][0] // options["channels"]

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        found: Tensor = inputs[0].unflatten(1, node.shape)
        return found

    def source(self, node: Node) -> Source:
        return Source(f"{{0}}.unflatten(1, {node.shape})")

    def is_identity(self, node: Node) -> bool:
        return True
