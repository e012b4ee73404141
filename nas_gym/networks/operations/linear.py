"""A fully connected layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class Linear(Operation):
    """(features,) -> (features,): a matrix product, with a bias where the node says so."""

    name = "linear"
    keeps_result = False
    shares_rows = True

    def output_shape(self, shape: Shape, features: int) -> Shape:
        return (features,)

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"weight": (node.shape[0], node.input_shape[0])}
        return shapes | {"bias": (node.shape[0],)} if node.bias else shapes

    def flops(self, node: Node) -> int:
        return 2 * math.prod(node.parameter_shapes["weight"])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        return F.linear(inputs[0], arrays["weight"], arrays.get("bias"))

    def source(self, node: Node) -> Source:
        return Source("{layer}({0})", f"nn.Linear({node.input_shape[0]}, {node.shape[0]}, bias={node.bias})")
