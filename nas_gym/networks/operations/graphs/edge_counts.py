"""How many edges of each kind a node has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class EdgeCounts(Operation):
    """(features + nodes, nodes) -> (kinds, nodes): the number of edges of each kind at each node.

    The options ``features`` and ``kinds`` are the numbers of features of a node and of kinds of edges. A
    linear layer of the counts, added to a sum over the neighbours, gives each edge the trained vector of its
    kind.
    """

    name = "edge_counts"
    mergeable = True
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (options["kinds"], inputs[0][1])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        edges = inputs[0][:, node.option("features") :]
        counts = [(edges == kind).to(edges.dtype).sum(2) for kind in range(1, node.option("kinds") + 1)]
        return torch.stack(counts, dim=1)

    def source(self, node: Node) -> Source:
        edges = f"{{0}}[:, {node.option('features')}:]"
        kinds = [f"({edges} == {kind}).float().sum(2)" for kind in range(1, node.option("kinds") + 1)]
        return Source(f"torch.stack([{', '.join(kinds)}], dim=1)")

    def label(self, node: Node) -> str:
        return "kinds of edges"
