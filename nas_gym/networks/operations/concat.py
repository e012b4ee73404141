"""Several values side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class Concat(Operation):
    """Inputs (channels, *sides) of the same sides, channel behind channel, in their order."""

    name = "concat"

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        return torch.cat(list(inputs), dim=1)

    def source(self, node: Node) -> Source:
        return Source(
            f"torch.cat([{', '.join(f'{{{number}}}' for number in range(len(node.inputs)))}], dim=1)"
        )
