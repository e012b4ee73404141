"""Numbers and their sines and cosines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

HIGHEST = 1.0
"""Highest first frequency, in periods a standard deviation; they are drawn uniformly, and trained."""
TURN = 2 * math.pi


class Periodic(Operation):
    """(features,) -> (features * (1 + 2 frequencies),): of each number x itself, sin(2πcx) and cos(2πcx).

    Each number has trained frequencies c of its own, as many as the option ``frequencies`` says, of which
    sines come first (Gorishniy, Rubachev and Babenko 2022, "On Embeddings for Numerical Features in Tabular
    Deep Learning", equation 3). The number itself stays, since the linear layer behind reads all of them.
    """

    name = "periodic"
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[0][0] * (1 + 2 * options["frequencies"]),)

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": (node.input_shape[0], node.option("frequencies"))}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return -HIGHEST, HIGHEST

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        x = inputs[0].unsqueeze(2)
        angles = TURN * x * arrays["weight"]
        return torch.cat([x, angles.sin(), angles.cos()], dim=2).flatten(1)

    def source(self, node: Node) -> Source:
        x, layer = (
            "{0}.unsqueeze(2)",
            f"nn.Linear({node.option('frequencies')}, {node.input_shape[0]}, bias=False)",
        )
        angles = f"({TURN!r} * {x} * {{layer}}.weight)"
        return Source(f"torch.cat([{x}, {angles}.sin(), {angles}.cos()], dim=2).flatten(1)", layer)
