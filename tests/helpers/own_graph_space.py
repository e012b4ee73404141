"""A space of one's own with edits of its own: a row of bricks that are added, removed and swapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym.errors import NASGymError
from nas_gym.networks import Network, NetworkBuilder
from nas_gym.search_spaces import KEEP, Edit, SearchSpace, Sketch, Variable

KINDS = ("small", "large_wide")
MOST = 4


@dataclass(frozen=True)
class Wall:
    """A row of bricks."""

    bricks: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.bricks)


class Walls(SearchSpace[Wall]):
    """Rows of 1 to 4 bricks; edits add one at the end, remove the last one, or swap any."""

    name = "tests.helpers.own_graph_space:Walls"

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        self.input_shape, self.outputs = input_shape, outputs
        self._all = [Wall(row) for count in range(1, MOST + 1) for row in product(KINDS, repeat=count)]
        self.size = len(self._all)
        numbers = range(1, MOST + 1)
        counted = Variable("bricks", tuple(map(str, numbers)), aspect="depth")
        bricks = [Variable.at("brick", (number,), KINDS) for number in numbers]
        self.variables = {variable.name: variable for variable in (counted, *bricks)}
        self.actions = (
            KEEP,
            *(
                Edit("add", f"add {kind} as brick {number}", "brick", (number,), kind)
                for number in numbers[1:]
                for kind in KINDS
            ),
            *(
                Edit("remove", f"remove brick {number}", "brick", (number - 1, number))
                for number in numbers[1:]
            ),
            *(
                Edit("swap", f"swap brick {number} to {kind}", "brick", (number,), kind)
                for number in numbers
                for kind in KINDS
            ),
        )
        self.observation_space = spaces.Dict({"bricks": spaces.MultiDiscrete([1 + len(KINDS)] * MOST)})
        self.num_box_codes, self.num_link_codes = 2 + len(KINDS), 1

    def config(self) -> dict[str, Any]:
        return {"name": self.name}

    def smallest(self) -> Wall:
        return self._all[0]

    def parse(self, text: str) -> Wall:
        wall = Wall(tuple(text.split("/")))
        if wall not in self._all:
            raise NASGymError(f"{text!r} is not a wall: join 1 to {MOST} of {', '.join(KINDS)} by '/'")
        return wall

    def edited(self, architecture: Wall, action: int) -> Wall | None:
        bricks, edit = architecture.bricks, self.actions[action]
        if edit.kind == "keep":
            return architecture
        if edit.kind == "add":
            return Wall((*bricks, edit.value)) if len(bricks) == edit.place[0] - 1 else None
        if edit.kind == "remove":
            return Wall(bricks[:-1]) if len(bricks) == edit.place[1] else None
        number = edit.place[0]
        if number > len(bricks) or bricks[number - 1] == edit.value:
            return None
        return Wall((*bricks[: number - 1], edit.value, *bricks[number:]))

    def index(self, architecture: Wall) -> int:
        return self._all.index(architecture)

    def architecture(self, index: int) -> Wall:
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is not in range({self.size})")
        return self._all[index]

    def encode(self, architecture: Wall) -> dict[str, int]:
        numbers = [KINDS.index(brick) for brick in architecture.bricks]
        codes = [len(numbers) - 1, *numbers, *[0] * (MOST - len(numbers))]
        return dict(zip(self.variables, codes, strict=True))

    def decode(self, values: Mapping[str, int]) -> Wall:
        count, *bricks = (values[name] for name in self.variables)
        return Wall(tuple(KINDS[number] for number in bricks[: count + 1]))

    def active_variables(self, architecture: Wall) -> frozenset[str]:
        return frozenset(list(self.variables)[: 1 + len(architecture.bricks)])

    def observe(self, architecture: Wall) -> dict[str, np.ndarray]:
        seen = [1 + KINDS.index(brick) for brick in architecture.bricks]
        return {"bricks": np.array(seen + [0] * (MOST - len(seen)), dtype=np.int64)}

    def sketch(self, architecture: Wall) -> Sketch:
        bricks = architecture.bricks
        links = tuple((box, box + 1, "") for box in range(len(bricks) + 1))
        codes = (0, *(2 + KINDS.index(brick) for brick in bricks), 1)
        return Sketch(("input", *bricks, "output"), links, codes, (0,) * len(links))

    def network(self, architecture: Wall) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node = builder.flatten(builder.input)
        for number, brick in enumerate(architecture.bricks, start=1):
            width = 4 if brick == "small" else 8
            node = builder.activation(builder.linear(node, width, layer=str(number)), "relu")
        return builder.build(builder.linear(node, self.outputs, layer="output"))


def score(architecture: Wall) -> float:
    """Return a score that large bricks raise."""
    return 0.4 + 0.1 * architecture.bricks.count("large_wide") + 0.02 * len(architecture.bricks)
