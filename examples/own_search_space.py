"""How do I write a search space? State the choices and the network that they make.

On the command line, in this folder:
``nas-gym search --agent q-learning --search-space own_search_space:Bottleneck --task digits``
"""

from __future__ import annotations

import gymnasium as gym
from nas_agents import LocalSearch

from nas_gym import ChoiceSpace, Network, NetworkBuilder  # importing nas_gym registers NAS-v0
from nas_gym.search_spaces import Choices


class Bottleneck(ChoiceSpace):
    """A wide layer, a narrow one, and an optional connection around both."""

    name = "own_search_space:Bottleneck"
    choices = {  # noqa: RUF012 - read only
        "wide": (32, 64, 128),
        "narrow": (2, 4, 8, 16),
        "activation": ("relu", "tanh", "silu"),
        "around": ("no", "yes"),
    }

    def network(self, architecture: Choices) -> Network:
        builder = NetworkBuilder(self.input_shape)
        flat = builder.flatten(builder.input)
        node = builder.activation(builder.linear(flat, architecture["wide"]), architecture["activation"])
        node = builder.activation(builder.linear(node, architecture["narrow"]), architecture["activation"])
        node = builder.linear(node, self.outputs)
        if architecture["around"] == "yes":
            node = builder.add(node, builder.linear(flat, self.outputs))
        return builder.build(node)


def main(store: str = "memory") -> None:
    env = gym.make("NAS-v0", search_space="own_search_space:Bottleneck", task="digits", store=store)
    result = LocalSearch().search(env, budget=25, seed=0)
    for evaluation in sorted(result.evaluations, key=lambda evaluation: -evaluation.score)[:5]:
        print(f"{evaluation.score:.4f}  {evaluation.architecture}")


if __name__ == "__main__":
    main()
