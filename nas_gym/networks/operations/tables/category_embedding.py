"""A few trained numbers for each category of a column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

BOUND = 1.0
"""First values are uniform up to here, about as large as standardised numbers."""


class CategoryEmbedding(Operation):
    """(categories,) -> (size,): the row of the weights that belongs to the category of the example.

    The input is a column in the one-hot form of the preparation, standardised or not: the feature of the
    category is above 0, all others are at most 0. Standardising makes the feature of a rare category
    large; the embedding does not see that (Guo and Berkhahn 2016, "Entity Embeddings of Categorical
    Variables").
    """

    name = "category_embedding"
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (options["size"],)

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": (node.input_shape[0], node.shape[0])}

    def flops(self, node: Node) -> int:
        return 2 * math.prod(node.parameter_shapes["weight"])  # of the product with the one-hot form

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return -BOUND, BOUND

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return (inputs[0] > 0).to(arrays["weight"].dtype) @ arrays["weight"]

    def source(self, node: Node) -> Source:
        layer = f"nn.Linear({node.shape[0]}, {node.input_shape[0]}, bias=False)"
        return Source("({0} > 0).float() @ {layer}.weight", layer)
