"""A space of one's own, found by its import path."""

from __future__ import annotations

from nas_gym.networks import Network, NetworkBuilder
from nas_gym.search_spaces import Choices, ChoiceSpace


class OwnSpace(ChoiceSpace):
    """A hidden layer of some width, activation and number of repeats."""

    name = "tests.helpers.own_space:OwnSpace"
    choices = {"width": (4, 8), "activation": ("relu", "tanh", "silu"), "repeats": (1, 2)}  # noqa: RUF012

    def network(self, architecture: Choices) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node = builder.flatten(builder.input)
        for _ in range(architecture["repeats"]):
            node = builder.activation(builder.linear(node, architecture["width"]), architecture["activation"])
        return builder.build(builder.linear(node, self.outputs))
