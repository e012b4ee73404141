"""The network of an architecture for graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.layered.architecture import Layer, layer_text

OPERATIONS = ("fc", "gcn", "sage", "gin", "gat", "kgnn")
ACTIVATION = "relu"
EVERY = {"sage": "mean", "gin": "sum", "kgnn": "sum", "cheb": "normalised", "arma": "normalised"}
"""The weights of the neighbours of a node beside itself, by operation."""


@dataclass(frozen=True)
class Packing:
    """How a graph is packed, see `nas_gym.tasks.GraphInputs`.

    Attributes:
        features: features of a node.
        kinds: kinds of edges.
    """

    features: int
    kinds: int


def build_network(
    input_shape: Shape,
    outputs: int,
    packing: Packing,
    head: int,
    chosen: Mapping[str, str],
    layers: Sequence[Layer],
) -> Network:
    """Return a network.

    A layer is message passing, a normalisation and an activation. Behind the last one, or behind each of
    several that are put side by side, the nodes are read out, and a hidden layer leads to the outputs.

    Args:
        input_shape: shape of one example, a packed graph.
        outputs: numbers that the network gives for one example.
        packing: how the graph is packed.
        head: width of the hidden layer.
        chosen: the choice for the whole network of each aspect.
        layers: (width, operation) of each layer.
    """
    builder = NetworkBuilder(input_shape)
    made = MessageLayers(builder, packing, chosen.get("edges", "plain_edges"))
    node = builder.node_features(builder.input, packing.features)
    states = []
    for number, (width, operation) in enumerate(layers, start=1):
        layer = f"{number} {layer_text((width, operation))}"
        node = made.append(node, width, operation, layer)
        if chosen["normalisation"] == "layer_norm":
            node = builder.channel_norm(node, "layer", layer=layer)
        node = builder.activation(node, ACTIVATION, layer=layer)
        states.append(node)
    mask = builder.node_features(builder.input, 1)
    read = states if chosen["jumping"] == "concat" else states[-1:]
    vectors = [builder.readout(state, mask, chosen["readout"], layer="readout") for state in read]
    # The sum of linear layers of the vectors is one of all of them side by side.
    hidden = [
        builder.linear(vector, head, bias=not place, layer="output") for place, vector in enumerate(vectors)
    ]
    joined = builder.activation(builder.add(*hidden, layer="output"), ACTIVATION, layer="output")
    return builder.build(builder.linear(joined, outputs, layer="output"))


class MessageLayers:
    """Appends layers of message passing.

    Args:
        builder: where they are appended.
        packing: how the graph is packed.
        edges: what the kinds of edges are used for.
        heads: heads of attention to neighbours.
    """

    def __init__(self, builder: NetworkBuilder, packing: Packing, edges: str, heads: int = 1) -> None:
        self._builder, self._packing, self._edges, self._heads = builder, packing, edges, heads

    def append(self, node: int, width: int, operation: str, layer: str) -> int:
        """Append a layer without normalisation and activation."""
        builder = self._builder
        if operation == "fc":
            return self._linear(node, width, layer, bias=True)
        if operation == "gat":
            linear = self._linear(node, width, layer, bias=True)
            links = builder.adjacency(builder.input, self._packing.features, "sum")
            attended = builder.graph_attention(linear, links, heads=self._heads, layer=layer)
            return self._told(attended, width, operation, layer)
        if operation == "gcn":
            links = builder.adjacency(builder.input, self._packing.features, "symmetric")
            heard = builder.aggregate(node, links, layer=layer)
            return self._told(self._linear(heard, width, layer, bias=True), width, operation, layer)
        if operation == "gin" and self._edges != "edge_weights":
            # One linear layer of the node and its neighbours together.
            links = builder.adjacency(builder.input, self._packing.features, "sum")
            both = builder.add(node, builder.aggregate(node, links, layer=layer), layer=layer)
            first = self._told(self._linear(both, width, layer, bias=True), width, operation, layer)
        else:
            own = self._linear(node, width, layer, bias=True)
            first = builder.add(own, *self._heard(node, width, operation, layer), layer=layer)
        if operation != "gin":
            return first
        return self._linear(builder.activation(first, ACTIVATION, layer=layer), width, layer, bias=True)

    def _heard(self, node: int, width: int, operation: str, layer: str) -> list[int]:
        """Append what a node hears of its neighbours, through weights of its own for each kind or for all."""
        builder, weights = self._builder, EVERY[operation]
        weighted = self._edges == "edge_weights"
        found = []
        for kind in range(1, self._packing.kinds + 1) if weighted else (0,):
            links = builder.adjacency(builder.input, self._packing.features, weights, kind=kind)
            heard = builder.aggregate(node, links, layer=layer)
            found.append(self._linear(heard, width, layer, bias=False))
        return found if weighted else [*found, *self._counted(width, operation, layer)]

    def _told(self, node: int, width: int, operation: str, layer: str) -> int:
        """Append the vectors of the edges of a node, where they have some."""
        return self._builder.add(node, *self._counted(width, operation, layer), layer=layer)

    def _counted(self, width: int, operation: str, layer: str) -> list[int]:
        if self._edges == "plain_edges" or (self._edges == "edge_weights" and operation in EVERY):
            return []
        counts = self._builder.edge_counts(self._builder.input, self._packing.features, self._packing.kinds)
        return [self._linear(counts, width, layer, bias=False)]

    def _linear(self, node: int, width: int, layer: str, *, bias: bool) -> int:
        return self._builder.conv(node, width, 1, bias=bias, layer=layer)
