"""A fully connected layer of a part of a matrix that layers of several widths share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Shape
from nas_gym.networks.operations.linear import Linear

if TYPE_CHECKING:
    from torch import Tensor


class SharedLinear(Linear):
    """(features,) -> (features,): the first rows of a matrix and a bias with ``rows`` rows in all.

    It reads a mixture of layers of several widths, or a value of one width; of an input narrower than the
    matrix it takes as many first columns, since what is missing counts as zeros. In a network of mixtures
    (Wan et al. 2020, "FBNetV2"); a network alone has a `Linear` of its own. Of several that read the same,
    the widest comes first: the others are then its first units.
    """

    name = "shared_linear"

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        """Return the shapes of the whole arrays, of which a layer takes the first rows."""
        rows = node.option("rows")
        shapes: dict[str, Shape] = {"weight": (rows, node.input_shape[0])}
        return shapes | {"bias": (rows,)} if node.bias else shapes

    def flops(self, node: Node) -> int:
        return 2 * node.shape[0] * node.input_shape[0]

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        rows, columns = node.shape[0], inputs[0].shape[1]
        bias = arrays["bias"][:rows] if node.bias else None
        return F.linear(inputs[0], arrays["weight"][:rows, :columns], bias)


def as_linear(node: Node, input_shape: Shape) -> Node:
    """Return the `Linear` that computes what a shared layer does for inputs of this shape."""
    return replace(node, operation=Linear(), input_shape=input_shape, options=())
