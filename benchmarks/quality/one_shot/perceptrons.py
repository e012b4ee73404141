"""A search space of perceptrons of one depth and one width, so that it has a mixture of its candidates."""

from __future__ import annotations

from typing import ClassVar

from nas_gym import ChoiceSpace, Network, NetworkBuilder
from nas_gym.search_spaces import Choices

WIDTH = 24
LAYERS = 5
INNER = {"narrow": 4, "wide": 48}


class Perceptrons(ChoiceSpace):
    """Five layers of width 24, each one of five blocks that keep the width: 3,125 networks."""

    name = "perceptrons:Perceptrons"
    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        f"layer {layer}": ("skip", "relu", "tanh", *INNER) for layer in range(1, LAYERS + 1)
    }

    def network(self, architecture: Choices) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node = builder.linear(builder.flatten(builder.input), WIDTH, layer="stem")
        for layer, block in architecture.values:
            if block in INNER:
                node = builder.linear(node, INNER[block], layer=f"{layer} inner")
                node = builder.activation(node, "relu", layer=layer)
                node = builder.linear(node, WIDTH, layer=layer)
            elif block != "skip":
                node = builder.activation(builder.linear(node, WIDTH, layer=layer), block, layer=layer)
        return builder.build(builder.linear(node, self.outputs, layer="head"))
