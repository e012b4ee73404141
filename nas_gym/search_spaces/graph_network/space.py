"""The space of networks of message passing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import READOUTS, Network, Shape
from nas_gym.search_spaces.drawing import Drawing
from nas_gym.search_spaces.graph_network.network import ACTIVATION, OPERATIONS, Packing, build_network
from nas_gym.search_spaces.layered.architecture import Layer, Layered
from nas_gym.search_spaces.layered.space import LayeredSpace
from nas_gym.search_spaces.options import names, whole, wholes

EDGES = ("plain_edges", "edge_vectors", "edge_weights")
NORMALISATIONS = ("no_norm", "layer_norm")
JUMPING = ("last", "concat")
IN_WORDS = {
    "plain_edges": "edges of one kind",
    "edge_vectors": "a trained vector for each kind of edge",
    "edge_weights": "weights for each kind of edge",
    "sum": "the sum over the nodes",
    "mean": "the mean over the nodes",
    "max": "the maximum over the nodes",
    "attention": "attention over the nodes",
    "last": "the last layer read out",
    "concat": "all layers read out side by side",
    "no_norm": "no normalisation",
    "layer_norm": "layer normalisation",
    "fc": "a linear layer, without the neighbours",
    "gcn": "graph convolution (GCN)",
    "sage": "the mean of the neighbours (GraphSAGE)",
    "gin": "a perceptron of the sum of the neighbours (GIN)",
    "gat": "attention to the neighbours (GAT)",
    "kgnn": "the sum of the neighbours (k-GNN)",
}


class GraphSpace(LayeredSpace):
    """Networks of 1 to `max_layers` layers of message passing, for graphs such as molecules.

    A layer is one of these, a normalisation and relu; A are the neighbours of a node, W and V trained
    weights:

    - ``fc``: W h, each node by itself;
    - ``gcn``: W of the symmetrically normalised sum over A and the node (Kipf and Welling 2017);
    - ``sage``: W h + V mean over A (Hamilton, Ying and Leskovec 2017, "Inductive Representation Learning on
      Large Graphs");
    - ``gin``: a perceptron with one hidden layer of h + sum over A (Xu et al. 2019, "How Powerful are Graph
      Neural Networks?");
    - ``gat``: a mean over A and the node by attention (Veličković et al. 2018);
    - ``kgnn``: W h + V sum over A (Morris et al. 2019, "Weisfeiler and Leman Go Neural", k = 1).

    Chosen for the whole network are:

    - edges, where they have kinds: ``plain_edges``; ``edge_vectors``, of which each neighbour brings that of
      its edge; or ``edge_weights``, where sage, gin and kgnn have weights V for each kind (the others take
      vectors);
    - readout: ``sum``, ``mean``, ``max`` or ``attention`` over the nodes;
    - jumping: ``last``, or ``concat`` for the readouts of all layers side by side (Xu et al. 2018,
      "Representation Learning on Graphs with Jumping Knowledge Networks");
    - normalisation: ``no_norm`` or ``layer_norm`` of each node.

    The form of the graphs, `node_features` and `edge_kinds`, is known to the task, and `make_search_space`
    passes it on.

    Text: ``"edge_vectors, sum, last, no_norm: gin-32 > kgnn-16"``.

    Actions and observations are those of `LayeredSpace`.

    Args:
        input_shape: shape of one example, a graph packed as `nas_gym.tasks.GraphInputs` tells.
        outputs: number of values that a network gives for one example, such as one per class.
        node_features: features of a node.
        edge_kinds: kinds of edges.
        max_layers: most layers.
        widths: the widths to choose from.
        operations: the layers to choose from.
        edges: what kinds of edges are used for, to choose from.
        readouts: readouts to choose from.
        jumping: what is read out, to choose from.
        normalisations: normalisations to choose from.
        head: width of the hidden layer behind the readout.

    Raises:
        NASGymError: for a bad option, or examples that are no packed graphs.
    """

    name = "graph"
    takes = ("node_features", "edge_kinds")
    aspect = "operation"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        node_features: int | None = None,
        edge_kinds: int = 1,
        max_layers: int = 3,
        widths: Sequence[int] = (16, 32),
        operations: Sequence[str] = OPERATIONS,
        edges: Sequence[str] = ("plain_edges", "edge_vectors"),
        readouts: Sequence[str] = READOUTS,
        jumping: Sequence[str] = JUMPING,
        normalisations: Sequence[str] = NORMALISATIONS,
        head: int = 32,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self._packing = _packing(self.input_shape, node_features, edge_kinds)
        self.max_layers = whole("max_layers of the graph space", max_layers)
        self.widths = wholes("widths of the graph space", widths)
        self.names = names(
            "operations of the graph space", "operation in the graph space", operations, OPERATIONS
        )
        self._head = whole("head of the graph space", head)
        given = {"edges": edges, "readouts": readouts, "jumping": jumping, "normalisations": normalisations}
        known = (EDGES, READOUTS, JUMPING, NORMALISATIONS)
        self._given: dict[str, tuple[str, ...]] = {
            option: names(f"{option} of the graph space", f"of the {option}", values, choices)
            for (option, values), choices in zip(given.items(), known, strict=True)
        }
        found = {"edges": self._given["edges"]} if self._packing.kinds > 1 else {}
        found["readout"], found["jumping"] = self._given["readouts"], self._given["jumping"]
        found["normalisation"] = self._given["normalisations"]
        self.wholes = found
        self._set_form()

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "node_features": self._packing.features,
            "edge_kinds": self._packing.kinds,
            "max_layers": self.max_layers,
            "widths": list(self.widths),
            "operations": list(self.names),
            **{option: list(values) for option, values in self._given.items()},
            "head": self._head,
        }

    def layer_words(self, layer: Layer) -> str:
        width, operation = layer
        return f"{width} channels by {IN_WORDS[operation]}"

    def whole_words(self, word: str) -> str:
        return IN_WORDS[word]

    def whole_layer(self, aspect: str, word: str) -> str:
        return "readout" if aspect == "readout" else ""

    def drawing(self, architecture: Layered) -> Drawing:
        draft = self.draft(architecture)
        layers = [
            draft.box(number, mark="" if operation == "fc" else "neighbours")
            for number, (_, operation) in zip(draft.layers, architecture.layers, strict=True)
        ]
        readout = draft.box("readout", "jumping")
        if "concat" in architecture.wholes:
            for layer in layers[:-1]:
                draft.link(layer, readout, "jump")
        words = f"hidden layer of {self._head} units with {ACTIVATION}"
        draft.box(label=f"{ACTIVATION}-{self._head}", words=words, layer="output")
        draft.note("edges", "normalisation")
        return draft.end()

    def members(self) -> dict[str, Layered]:
        """Return networks of most layers of one operation each, with readouts as in their papers."""
        if not set(OPERATIONS) <= set(self.names) or not {"sum", "mean"} <= set(self.wholes["readout"]):
            return {}
        width, depth, jumping = self.widths[-1], self.max_layers, self.wholes["jumping"]
        found = {}
        for operation in OPERATIONS[1:]:
            chosen = {aspect: choices[0] for aspect, choices in self.wholes.items()}
            chosen["readout"] = "sum" if operation in ("gin", "kgnn") else "mean"
            if "layer_norm" in self.wholes["normalisation"]:
                chosen["normalisation"] = "layer_norm"
            if operation == "gin" and "concat" in jumping:
                chosen["jumping"] = "concat"
            found[operation] = Layered(tuple(chosen.values()), ((width, operation),) * depth)
        return found

    def network(self, architecture: Layered) -> Network:
        chosen = dict(zip(self.wholes, architecture.wholes, strict=True))
        return build_network(
            self.input_shape, self.outputs, self._packing, self._head, chosen, architecture.layers
        )


def _packing(shape: Shape, features: int | None, kinds: int) -> Packing:
    if len(shape) != 2 or features is None:
        raise ConfigError(
            f"the graph space needs graphs, (features + nodes, nodes), whose features the task tells, not "
            f"examples of shape {shape}: choose a task of graphs, such as melting_point, or another space"
        )
    packing = Packing(
        whole("node_features of the graph space", features), whole("edge_kinds of the graph space", kinds)
    )
    if shape[0] != packing.features + shape[1]:
        raise ConfigError(
            f"graphs of {shape[1]} nodes with {packing.features} features have {packing.features + shape[1]} "
            f"rows, not {shape[0]}: pass node_features of the task, or leave it out"
        )
    return packing
