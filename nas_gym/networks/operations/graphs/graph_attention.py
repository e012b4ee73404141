"""Attention of the nodes of a graph to their neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION_SLOPE = 0.2
"""Slope of the leaky relu of the logits below 0, as in the paper."""
NO_NEIGHBOUR = -1e9
"""What is added to the logit of a node that is no neighbour."""


class GraphAttention(Operation):
    """States (channels, nodes) and weights (nodes, nodes) -> (channels, nodes): means by attention.

    Node i weighs itself and each neighbour j by the softmax of leaky_relu(r·h_i + s·h_j), with trained
    vectors r (``reading``) and s (``read``) for each of ``heads`` equal parts of the channels (Veličković et
    al. 2018, "Graph Attention Networks", equation 3; the linear layer is one before). The weights, of
    `Adjacency`, only say who neighbours whom.
    """

    name = "graph_attention"
    keeps_result = False

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        heads = node.option("heads")
        shape = (heads, node.shape[0] // heads)
        return {"reading": shape, "read": shape}

    def flops(self, node: Node) -> int:
        channels, nodes = node.shape
        return 2 * channels * nodes * nodes

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        bound = 1 / math.sqrt(node.shape[0] // node.option("heads"))
        return -bound, bound

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch
        from torch.nn import functional as F

        x, adjacency = inputs
        parts = x.unflatten(1, (node.option("heads"), -1))
        reading, read = ((parts * arrays[name].unsqueeze(2)).sum(2) for name in ("reading", "read"))
        logits = F.leaky_relu(reading.unsqueeze(3) + read.unsqueeze(2), ATTENTION_SLOPE)
        itself = torch.eye(x.shape[2], dtype=x.dtype, device=x.device)
        hidden = (adjacency + itself == 0).to(x.dtype) * NO_NEIGHBOUR
        weights = (logits + hidden.unsqueeze(1)).softmax(3)
        attended: Tensor = (parts @ weights.mT).flatten(1, 2)
        return attended

    def source(self, node: Node) -> Source:
        heads, channels, nodes = node.option("heads"), *node.shape
        parts = f"{{0}}.unflatten(1, ({heads}, {channels // heads}))"
        reading, read = (
            f"({parts} * {{layer}}['{name}'].unsqueeze(2)).sum(2)" for name in ("reading", "read")
        )
        zeros = f"torch.zeros({heads}, {channels // heads})"
        layer = f"nn.ParameterDict({{'reading': {zeros}, 'read': {zeros}}})"
        return Source(_attended(parts, reading, read, nodes), layer)


def _attended(parts: str, reading: str, read: str, nodes: int) -> str:
    logits = f"nn.functional.leaky_relu({reading}.unsqueeze(3) + {read}.unsqueeze(2), {ATTENTION_SLOPE})"
    hidden = f"(({{1}} + torch.eye({nodes}).to({{1}})) == 0).float().mul({NO_NEIGHBOUR}).unsqueeze(1)"
    return f"({parts} @ ({logits} + {hidden}).softmax(3).mT).flatten(1, 2)"
