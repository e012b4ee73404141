"""Trained numbers for each code of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

BOUND = 1.0
"""First values are uniform up to here, about as large as the sines of positions that are added to them."""


class Embedding(Operation):
    """(length,) -> (size, length): the column of trained numbers that belongs to the code at each position.

    Codes are whole numbers below the option ``codes``, as float32, others are cut down to that range; the
    option ``size`` is how many numbers each has. Code 0, the padding, has none: it gives zeros, so that the
    first row of the weights is that of code 1.
    """

    name = "embedding"
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (options["size"], inputs[0][0])

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": (node.option("codes") - 1, node.option("size"))}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return -BOUND, BOUND

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        rows = F.pad(arrays["weight"], (0, 0, 1, 0))
        return F.embedding(inputs[0].long().clamp(0, len(rows) - 1), rows).transpose(1, 2)

    def source(self, node: Node) -> Source:
        rows = "nn.functional.pad({layer}.weight, (0, 0, 1, 0))"
        layer = f"nn.Embedding({node.option('codes') - 1}, {node.option('size')})"
        codes = f"{{0}}.long().clamp(0, {node.option('codes') - 1})"
        return Source(f"nn.functional.embedding({codes}, {rows}).transpose(1, 2)", layer)

    def label(self, node: Node) -> str:
        return f"embedding of {node.option('codes') - 1} codes"
