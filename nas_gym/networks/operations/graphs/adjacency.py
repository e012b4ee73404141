"""The weights with which the nodes of a graph read each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = ("sum", "mean", "normalised", "symmetric")


class Adjacency(Operation):
    """(features + nodes, nodes) -> (nodes, nodes): the weight with which each node reads each other one.

    The option ``features`` is the number of features of a node. The option ``weights`` says which weights:

    - ``sum``: 1 for a neighbour;
    - ``mean``: 1 / number of neighbours;
    - ``normalised``: 1 / sqrt(n_i n_j), where n is the number of neighbours;
    - ``symmetric``: 1 / sqrt(d_i d_j) for neighbours and the node itself, where d is one more than the number
      of neighbours (Kipf and Welling 2017, "Semi-Supervised Classification with Graph Convolutional
      Networks").

    With the option ``kind`` above 0, which ``symmetric`` has no use for, only edges of that kind have a
    weight; a mean is still one over all neighbours.
    """

    name = "adjacency"
    mergeable = True
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[0][1], inputs[0][1])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        x = inputs[0]
        edges, kind = x[:, node.option("features") :], node.option("kind")
        every = (edges > 0).to(x.dtype)
        links = (edges == kind).to(x.dtype) if kind else every
        if node.option("weights") == "sum":
            return links
        if node.option("weights") == "mean":
            return links / every.sum(2, keepdim=True).clamp(min=1)
        if node.option("weights") == "normalised":
            root = every.sum(2).clamp(min=1).rsqrt()
            return links * root.unsqueeze(2) * root.unsqueeze(1)
        looped = links + torch.eye(x.shape[2], dtype=x.dtype, device=x.device) * x[:, :1]
        scale = looped.sum(2).clamp(min=1).rsqrt()
        return looped * scale.unsqueeze(2) * scale.unsqueeze(1)

    def source(self, node: Node) -> Source:
        edges, kind = f"{{0}}[:, {node.option('features')}:]", node.option("kind")
        every = f"({edges} > 0).float()"
        links = f"({edges} == {kind}).float()" if kind else every
        if node.option("weights") == "sum":
            return Source(links)
        if node.option("weights") == "mean":
            return Source(f"{links} / {every}.sum(2, keepdim=True).clamp(min=1)")
        if node.option("weights") == "normalised":
            root = f"{every}.sum(2).clamp(min=1).rsqrt()"
            return Source(f"{links} * {root}.unsqueeze(2) * {root}.unsqueeze(1)")
        looped = f"({links} + torch.eye({node.shape[0]}).to({{0}}) * {{0}}[:, :1])"
        scale = f"{looped}.sum(2).clamp(min=1).rsqrt()"
        return Source(f"{looped} * {scale}.unsqueeze(2) * {scale}.unsqueeze(1)")

    def label(self, node: Node) -> str:
        return f"edges, {node.option('weights')}"
