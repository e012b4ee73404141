"""The spaces that landscapes for training are drawn on; no published benchmark has one of them.

The options of each differ from those of the spaces that the policy is judged on: cells have four of the five
operations or another graph, chains other layers, perceptrons other widths and activations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces import Choices, ChoiceSpace, SearchSpace, make_search_space

SIGNAL, IMAGE = (1, 40), (3, 16, 16)
OUTPUTS = 10
CONVOLUTIONS = {"conv1": 1, "conv3": 3, "conv5": 5}


class EdgeSpace(ChoiceSpace):
    """Cells of any graph with an operation on each edge, stacked twice with a halving in between.

    Args:
        input_shape: (channels, length) of one example.
        outputs: number of values that a network gives.
        edges: (from, to) of each edge, from < to; the last node is the output of a cell.
        operations: what may be on an edge: ``zero``, ``same``, ``mean``, ``max``, ``sep3`` or a
            convolution of `CONVOLUTIONS`.
    """

    name = "nas_agents.pretrained.training.spaces:EdgeSpace"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        edges: Sequence[Sequence[int]],
        operations: Sequence[str],
    ) -> None:
        self.edges = tuple((int(source), int(target)) for source, target in edges)
        self.operations = tuple(operations)
        self.choices: Mapping[str, Sequence[Any]] = {
            f"edge {source}-{target}": self.operations for source, target in self.edges
        }
        super().__init__(input_shape, outputs)

    def config(self) -> dict[str, Any]:
        edges = [list(edge) for edge in self.edges]
        return {"name": self.name, "edges": edges, "operations": list(self.operations)}

    def network(self, architecture: Choices) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node = builder.batch_norm(builder.conv(builder.input, 8, 3))
        node = self._cell(builder, node, architecture)
        node = builder.batch_norm(builder.conv(builder.activation(node, "relu"), 16, 3, stride=2))
        node = builder.activation(self._cell(builder, node, architecture), "relu")
        return builder.build(builder.linear(builder.global_avg_pool(node), self.outputs))

    def isomorphism_class(self, architecture: Choices) -> str:
        """Return what the output computes, sums in order of their texts."""
        values = ["x"]
        for target in range(1, max(end for _, end in self.edges) + 1):
            terms = []
            for (source, end), (_, operation) in zip(self.edges, architecture.values, strict=True):
                if end == target and operation != "zero" and values[source]:
                    same = operation == "same"
                    terms.append(values[source] if same else f"{operation}({values[source]})")
            values.append(
                "" if not terms else terms[0] if len(terms) == 1 else f"[{'+'.join(sorted(terms))}]"
            )
        return values[-1]

    def _cell(self, builder: NetworkBuilder, node: int, architecture: Choices) -> int:
        nodes = [node]
        for target in range(1, max(end for _, end in self.edges) + 1):
            terms = [
                _operation(builder, nodes[source], str(operation))
                for (source, end), (_, operation) in zip(self.edges, architecture.values, strict=True)
                if end == target and operation != "zero"
            ]
            nodes.append(builder.add(*terms) if terms else builder.zero(node, builder.shape(node)))
        return nodes[-1]


class BlockSpace(ChoiceSpace):
    """Chains of residual blocks, in stages of two that halve the sides.

    Args:
        input_shape: (channels, height, width) or (channels, length) of one example.
        outputs: number of values that a network gives.
        layers: number of blocks.
        blocks: what may be in a layer: ``none`` or ``<expansion>x<kernel>``, an inverted bottleneck.
    """

    name = "nas_agents.pretrained.training.spaces:BlockSpace"

    def __init__(self, input_shape: Shape, outputs: int, *, layers: int, blocks: Sequence[str]) -> None:
        self.layers, self.blocks = layers, tuple(blocks)
        self.choices: Mapping[str, Sequence[Any]] = {
            f"layer {layer}": self.blocks for layer in range(1, layers + 1)
        }
        super().__init__(input_shape, outputs)

    def config(self) -> dict[str, Any]:
        return {"name": self.name, "layers": self.layers, "blocks": list(self.blocks)}

    def network(self, architecture: Choices) -> Network:
        builder, width = NetworkBuilder(self.input_shape), 8
        node = builder.batch_norm(builder.conv(builder.input, width, 3))
        for layer, (_, block) in enumerate(architecture.values):
            if layer and layer % 2 == 0:
                width *= 2
                node = builder.batch_norm(builder.conv(node, width, 1, stride=2))
            if block != "none":
                expansion, kernel = map(int, str(block).split("x"))
                inner = builder.activation(builder.conv(node, width * expansion, 1), "relu")
                inner = builder.conv(inner, width * expansion, kernel, groups=width * expansion)
                inner = builder.batch_norm(builder.conv(builder.activation(inner, "relu"), width, 1))
                node = builder.add(node, inner)
        return builder.build(builder.linear(builder.global_avg_pool(node), self.outputs))


class ShapeSpace(ChoiceSpace):
    """Convolutional networks by depth, width, kernel, activation, normalisation, pooling and shortcuts."""

    name = "nas_agents.pretrained.training.spaces:ShapeSpace"
    choices: Mapping[str, Sequence[Any]] = {
        "depth": (1, 2, 3, 5),
        "width": (4, 8, 16, 32),
        "kernel": (1, 3, 5, 7),
        "function": ("relu", "tanh", "gelu", "identity"),
        "normed": ("no", "yes"),
        "pool": ("none", "max", "avg"),
        "shortcut": ("no", "yes"),
    }

    def network(self, architecture: Choices) -> Network:
        chosen = dict(architecture.values)
        builder = NetworkBuilder(self.input_shape)
        node = builder.conv(builder.input, chosen["width"], 1)
        for _ in range(chosen["depth"]):
            inner = builder.conv(node, chosen["width"], chosen["kernel"])
            inner = builder.batch_norm(inner) if chosen["normed"] == "yes" else inner
            inner = builder.activation(inner, chosen["function"])
            if chosen["pool"] != "none":
                inner = builder.pool(inner, chosen["pool"], 3, stride=1)
            node = builder.add(node, inner) if chosen["shortcut"] == "yes" else inner
        return builder.build(builder.linear(builder.global_avg_pool(node), self.outputs))


def _operation(builder: NetworkBuilder, node: int, operation: str) -> int:
    channels = builder.shape(node)[0]
    if operation == "same":
        return node
    if operation in ("mean", "max"):
        return builder.pool(node, "avg" if operation == "mean" else "max", 3, stride=1)
    node = builder.activation(node, "relu")
    if operation == "sep3":
        node = builder.conv(builder.conv(node, channels, 3, groups=channels), channels, 1)
    else:
        node = builder.conv(node, channels, CONVOLUTIONS[operation])
    return builder.batch_norm(node)


def _cell(*operations: str, **options: Any) -> dict[str, Any]:
    return {"name": "cell", "operations": ["none", *operations], **options}


def _edges(edges: str, *operations: str) -> dict[str, Any]:
    pairs = [list(map(int, pair)) for pair in edges.split()]
    return {"name": EdgeSpace.name, "edges": pairs, "operations": list(operations)}


SPACES: dict[str, tuple[dict[str, Any], Shape]] = {
    "cell-a": (_cell("skip_connect", "nor_conv_1x1", "nor_conv_3x3"), SIGNAL),
    "cell-b": (_cell("skip_connect", "nor_conv_3x3", "avg_pool_3x3"), IMAGE),
    "cell-c": (_cell("nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", channels=[16]), IMAGE),
    "cell-d": (_cell("avg_pool_3x3", "skip_connect", "nor_conv_1x1"), SIGNAL),
    "edges-a": (_edges("01 02 12 13 23", "zero", "same", "conv3", "sep3", "max"), SIGNAL),
    "edges-b": (_edges("01 02 12 14 23 34", "same", "conv1", "conv5", "zero"), SIGNAL),
    "edges-c": (_edges("01 12 23 02 13", "conv3", "mean", "conv1", "same"), SIGNAL),
    "edges-d": (_edges("01 02 03 13 23", "zero", "conv5", "conv3", "mean", "same"), SIGNAL),
    "blocks-a": ({"name": BlockSpace.name, "layers": 6, "blocks": ["none", "2x3", "4x5"]}, IMAGE),
    "blocks-b": (
        {"name": BlockSpace.name, "layers": 5, "blocks": ["4x3", "none", "2x7", "4x7", "2x3"]},
        IMAGE,
    ),
    "blocks-c": ({"name": BlockSpace.name, "layers": 7, "blocks": ["6x3", "2x5", "none"]}, IMAGE),
    "shapes": ({"name": ShapeSpace.name}, IMAGE),
    "mlp-a": (
        {"name": "mlp", "max_layers": 3, "widths": [8, 32, 128], "activations": ["relu", "tanh", "gelu"]},
        SIGNAL,
    ),
    "mlp-b": (
        {
            "name": "mlp",
            "max_layers": 5,
            "widths": [32],
            "activations": ["silu", "relu", "sigmoid", "identity"],
        },
        SIGNAL,
    ),
    "mlp-c": (
        {
            "name": "mlp",
            "max_layers": 2,
            "widths": [4, 12, 48, 200],
            "activations": ["elu", "relu", "sigmoid", "tanh", "identity"],
        },
        SIGNAL,
    ),
    "mlp-d": (
        {"name": "mlp", "max_layers": 4, "widths": [10, 60], "activations": ["tanh", "relu", "elu"]},
        SIGNAL,
    ),
    "mlp-e": (
        {"name": "mlp", "max_layers": 3, "widths": [6, 20, 64, 180], "activations": ["relu", "sigmoid"]},
        SIGNAL,
    ),
    "conv-a": (
        {
            "name": "conv",
            "max_layers": 3,
            "operations": ["conv3", "sep3", "avg_pool"],
            "channels": [8, 24],
            "activations": ["relu"],
        },
        SIGNAL,
    ),
    "conv-b": (
        {
            "name": "conv",
            "max_layers": 4,
            "operations": ["conv5", "max_pool"],
            "channels": [8],
            "activations": ["gelu"],
        },
        SIGNAL,
    ),
}
"""Spaces by name: what makes them, and the shape of an example."""
UNSEEN: dict[str, tuple[dict[str, Any], Shape]] = {
    "edges-unseen": (_edges("01 12 02 23 34", "conv3", "zero", "same", "mean", "sep3"), SIGNAL),
    "blocks-unseen": ({"name": BlockSpace.name, "layers": 6, "blocks": ["none", "3x3", "3x5", "6x3"]}, IMAGE),
    "mlp-unseen": (
        {
            "name": "mlp",
            "max_layers": 3,
            "widths": [16, 96],
            "activations": ["relu", "elu", "tanh", "sigmoid"],
        },
        SIGNAL,
    ),
}
"""Spaces that landscapes for checking the policy are drawn on, which it was not trained on."""


def training_space(name: str) -> SearchSpace[Any]:
    """Return one of `SPACES` or `UNSEEN`."""
    spec, shape = (SPACES | UNSEEN)[name]
    return make_search_space(spec, shape, OUTPUTS)
