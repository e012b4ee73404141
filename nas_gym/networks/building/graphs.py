"""Appending operations on graphs."""

from __future__ import annotations

from operator import index

from nas_gym.networks.building.builder import Builder, Layer
from nas_gym.networks.operations.graphs.adjacency import Adjacency
from nas_gym.networks.operations.graphs.aggregate import Aggregate
from nas_gym.networks.operations.graphs.edge_counts import EdgeCounts
from nas_gym.networks.operations.graphs.graph_attention import GraphAttention
from nas_gym.networks.operations.graphs.node_features import NodeFeatures
from nas_gym.networks.operations.graphs.readout import AttentionReadout, Readout


class GraphOperations(Builder):
    """Appends operations on graphs."""

    def node_features(self, node: int, kept: int, *, layer: Layer = "") -> int:
        """Append the first features of the nodes of a packed graph, of which the first is their mask."""
        return self.operation(NodeFeatures(), node, kept=index(kept), layer=layer)

    def edge_counts(self, node: int, features: int, kinds: int, *, layer: Layer = "") -> int:
        """Append how many edges of each kind each node of a packed graph has."""
        return self.operation(EdgeCounts(), node, features=index(features), kinds=index(kinds), layer=layer)

    def adjacency(self, node: int, features: int, weights: str, *, kind: int = 0, layer: Layer = "") -> int:
        """Append the weights with which the nodes of a packed graph read each other (see `Adjacency`)."""
        return self.operation(
            Adjacency(), node, features=index(features), weights=weights, kind=index(kind), layer=layer
        )

    def aggregate(self, node: int, adjacency: int, *, layer: Layer = "") -> int:
        """Append the weighted sum over the neighbours of each node."""
        return self.operation(Aggregate(), node, adjacency, layer=layer)

    def graph_attention(self, node: int, adjacency: int, *, heads: int = 1, layer: Layer = "") -> int:
        """Append the mean over the neighbours of each node by attention, of so many heads."""
        return self.operation(GraphAttention(), node, adjacency, heads=index(heads), layer=layer)

    def readout(self, node: int, mask: int, function: str, *, layer: Layer = "") -> int:
        """Append one vector for the nodes where the mask is 1, by a function of `READOUTS`."""
        if function == "attention":
            return self.operation(AttentionReadout(), node, mask, layer=layer)
        return self.operation(Readout(), node, mask, reduction=function, layer=layer)
