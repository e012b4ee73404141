"""How do I write a search space? One hidden layer whose width doubles or halves.

On the command line: ``nas-gym search --agent q-learning --search-space own_search_space:WidthSpace``
in this folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from nas_agents import RandomSearch

import nas_gym
from nas_gym.network import Network, NetworkBuilder, Shape
from nas_gym.search_spaces import KEEP, Edit, SearchSpace, Sketch


@dataclass(frozen=True)
class Width:
    """An architecture: immutable, hashable, with a text that parses back."""

    power: int

    def __str__(self) -> str:
        return f"width-{2**self.power}"


class WidthSpace(SearchSpace[Width]):
    """Widths 2, 4, ... 2**powers."""

    name = "own_search_space:WidthSpace"

    def __init__(self, input_shape: Shape, num_classes: int, *, powers: int = 8) -> None:
        self.input_shape, self.num_classes, self.powers, self.size = input_shape, num_classes, powers, powers
        double, halve = ("double the width", "add", "2x"), ("halve the width", "remove", "")
        self.actions = (
            KEEP,
            *(Edit(kind, words, "width", (1,), value) for words, kind, value in (double, halve)),
        )
        self.variables = {"width": tuple(str(2**power) for power in range(1, powers + 1))}
        self.observation_space = spaces.Dict({"width": spaces.MultiDiscrete([powers])})
        self.num_box_codes, self.num_link_codes = powers + 2, 1

    def config(self) -> dict[str, object]:
        return {"name": self.name, "powers": self.powers}

    def smallest(self) -> Width:
        return Width(1)

    def parse(self, text: str) -> Width:
        known = {str(width): width for width in self}
        if text not in known:
            raise nas_gym.NASGymError(f"no architecture {text!r}: one of {', '.join(known)}")
        return known[text]

    def edited(self, architecture: Width, action: int) -> Width | None:
        power = architecture.power + (0, 1, -1)[action]
        return Width(power) if 1 <= power <= self.powers else None

    def index(self, architecture: Width) -> int:
        return architecture.power - 1

    def architecture(self, index: int) -> Width:
        return Width(index + 1)

    def encode(self, architecture: Width) -> dict[str, int]:
        return {"width": architecture.power - 1}

    def decode(self, values: Mapping[str, int]) -> Width:
        return Width(values["width"] + 1)

    def observe(self, architecture: Width) -> dict[str, np.ndarray]:
        return {"width": np.array([architecture.power - 1])}

    def sketch(self, architecture: Width) -> Sketch:
        boxes, links = ("input", str(architecture), "output"), ((0, 1, ""), (1, 2, ""))
        return Sketch(boxes, links, (0, 1 + architecture.power, 1), (0, 0))

    def network(self, architecture: Width) -> Network:
        builder = NetworkBuilder(self.input_shape)
        hidden = builder.linear(builder.flatten(builder.input), 2**architecture.power, layer="hidden")
        hidden = builder.activation(hidden, "relu", layer="hidden")
        return builder.build(builder.linear(hidden, self.num_classes))


def main(store: str = "memory") -> None:
    env = gym.make("NAS-v0", search_space={"name": "own_search_space:WidthSpace"}, task="digits", store=store)
    result = RandomSearch().search(env, budget=8, seed=0)
    for evaluation in sorted(result.evaluations, key=lambda evaluation: evaluation.parameters):
        print(f"{evaluation.architecture:10} {evaluation.parameters:6} parameters  {evaluation.accuracy:.4f}")


if __name__ == "__main__":
    main()
