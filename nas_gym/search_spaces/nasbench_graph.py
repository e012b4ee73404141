"""The space of NAS-Bench-Graph: four operations on graphs in one of nine arrangements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.choices import Choices, ChoiceSpace
from nas_gym.search_spaces.drawing import Drawing
from nas_gym.search_spaces.graph_network.network import MessageLayers, Packing
from nas_gym.search_spaces.graph_network.space import IN_WORDS
from nas_gym.search_spaces.options import whole

SHAPES = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
"""Of each arrangement, what each operation reads: 0 the input, else the operation of that number."""
OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
AS_LAYERS = {"graph": "kgnn"}
"""Operations that go by another name in the ``graph`` space."""
WORDS = IN_WORDS | {
    "fc": "a linear layer, without the neighbours",
    "graph": IN_WORDS["kgnn"],
    "cheb": "Chebyshev convolution",
    "arma": "ARMA convolution",
    "skip": "nothing",
}
NODES = (1, 2, 3, 4)
CHAIN = "0123"
JUMPING = ("0112", ("gcn", "gcn", "skip", "skip"))
"""A network of two layers that hands on what each of them gives."""
HEADS = 2


class NASBenchGraphSpace(ChoiceSpace):
    """Four operations on graphs, each of nine, in one of nine arrangements: 59,049 architectures.

    The space of NAS-Bench-Graph (Qin et al. 2022, "NAS-Bench-Graph: Benchmarking Graph Neural
    Architecture Search"), whose networks label the nodes of one large graph. Those that `network` builds have
    the same layers, between a linear layer in front and one of the operations that nothing reads, but take
    the mean over the nodes, so that they answer once for each of many graphs.

    Text: ``"shape=0112, node 1=gcn, node 2=gat, node 3=skip, node 4=fc"``, where the shape says what each
    node reads, 0 the input.

    Actions, observations and variables are those of `ChoiceSpace`.

    Args:
        input_shape: shape of one example, a graph packed as `nas_gym.tasks.GraphInputs` tells.
        outputs: number of values that a network gives for one example, such as one per class.
        node_features: features of a node.
        edge_kinds: kinds of edges, which the networks take for one.
        channels: channels of every operation, an even number.

    Raises:
        NASGymError: for a bad option, or examples that are no packed graphs.
    """

    name = "nasbench_graph"
    takes = ("node_features", "edge_kinds")
    choices: Mapping[str, Sequence[Any]] = MappingProxyType(
        {"shape": SHAPES, **{f"node {node}": OPERATIONS for node in NODES}}
    )

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        node_features: int | None = None,
        edge_kinds: int = 1,
        channels: int = 32,
    ) -> None:
        super().__init__(input_shape, outputs)
        if len(self.input_shape) != 2 or self.input_shape[0] != (node_features or 0) + self.input_shape[1]:
            raise ConfigError(
                f"the nasbench_graph space needs graphs, (features + nodes, nodes), whose features the task "
                f"tells, not examples of shape {self.input_shape}: choose a task of graphs, or another space"
            )
        self._packing = Packing(
            whole("node_features of the nasbench_graph space", node_features),
            whole("edge_kinds of the nasbench_graph space", edge_kinds),
        )
        self.channels = whole("channels of the nasbench_graph space", channels)
        if self.channels % HEADS:
            raise ConfigError(f"channels of the nasbench_graph space must be even, not {channels}")

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "node_features": self._packing.features,
            "edge_kinds": self._packing.kinds,
            "channels": self.channels,
        }

    def drawing(self, architecture: Choices) -> Drawing:
        draft = self.draft(architecture)
        words = f"linear layer of {self.channels} channels"
        states = [draft.box(label="linear", words=words, layer="input")]
        reads = [int(digit) for digit in architecture["shape"]]
        for node, source in zip(NODES, reads, strict=True):
            name = f"node {node}"
            operation = architecture[name]
            states.append(
                draft.box(
                    name,
                    words=f"{name}: {WORDS[operation]}",
                    mark="" if operation in ("fc", "skip") else "neighbours",
                    reads=[states[source]],
                )
            )
        leaves = [states[node] for node in NODES if node not in reads]
        draft.box(label="mean", words="mean over the nodes of the graph", reads=leaves)
        draft.note("shape", words=architecture["shape"])
        return draft.end()

    def members(self) -> dict[str, Choices]:
        """Return chains of four layers of one operation, by the names of the ``graph`` space, and ``jk``.

        The last is a jumping knowledge network (Xu et al. 2018): two layers of ``gcn``, of which the answer
        is read side by side.
        """
        chains = {
            AS_LAYERS.get(operation, operation): (CHAIN, (operation,) * len(NODES))
            for operation in OPERATIONS
            if operation not in ("fc", "skip")
        }
        found = {**chains, "jk": JUMPING}
        return {
            name: Choices((("shape", shape), *((f"node {node}", of[node - 1]) for node in NODES)))
            for name, (shape, of) in found.items()
        }

    def network(self, architecture: Choices) -> Network:
        builder = NetworkBuilder(self.input_shape)
        layers = MessageLayers(builder, self._packing, "plain_edges", HEADS)
        mask = builder.node_features(builder.input, 1)
        features = builder.node_features(builder.input, self._packing.features)
        states = [builder.conv(features, self.channels, 1, bias=True, layer="input")]
        reads = [int(digit) for digit in architecture["shape"]]
        for node, source in zip(NODES, reads, strict=True):
            operation, layer = architecture[f"node {node}"], str(node + 1)
            state = states[source]
            if operation != "skip":
                made = layers.append(state, self.channels, AS_LAYERS.get(operation, operation), layer)
                state = builder.activation(made, "relu", layer=layer)
            states.append(state)
        leaves = [states[node] for node in NODES if node not in reads]
        read = [builder.readout(leaf, mask, "mean", layer="output") for leaf in leaves]
        # The sum of linear layers of the vectors is one of all of them side by side.
        answers = [
            builder.linear(vector, self.outputs, bias=not place, layer="output")
            for place, vector in enumerate(read)
        ]
        return builder.build(builder.add(*answers, layer="output"))
