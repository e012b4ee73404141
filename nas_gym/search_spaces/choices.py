"""Spaces of independent choices: the short way to a search space of one's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from nas_gym.errors import NASGymError
from nas_gym.network import Shape
from nas_gym.search_spaces.base import KEEP, Edit, SearchSpace, Sketch


@dataclass(frozen=True, slots=True)
class Choices:
    """One value for each choice of a space; ``architecture["width"]`` reads one."""

    values: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.values)

    def __getitem__(self, name: str) -> Any:
        return dict(self.values)[name]


class ChoiceSpace(SearchSpace[Choices]):
    """All combinations of named choices; an edit swaps the value of one of them.

    A subclass states its `choices` and builds the `network` of an architecture:

    ```python
    class Widths(ChoiceSpace):
        name = "my_module:Widths"
        choices = {"width": (8, 64), "activation": ("relu", "tanh")}

        def network(self, architecture):
            builder = NetworkBuilder(self.input_shape)
            node = builder.linear(builder.flatten(builder.input), architecture["width"])
            node = builder.activation(node, architecture["activation"])
            return builder.build(builder.linear(node, self.num_classes))
    ```

    Actions, in order: keep; for each choice and each of its values, swap to it. The text is like
    ``"width=8, activation=relu"``; the smallest architecture has the first value of every choice.

    Observation: ``choices``, MultiDiscrete, the number of each value.

    Attributes:
        name: ``"module:Class"``, so that configurations and other processes can build it again.
        choices: the values of each choice, at least one, all different as text.
    """

    choices: ClassVar[Mapping[str, Sequence[Any]]]

    def __init__(self, input_shape: Shape, num_classes: int) -> None:
        self.input_shape, self.num_classes = tuple(input_shape), num_classes
        self.variables = {name: tuple(map(str, values)) for name, values in self.choices.items()}
        for name, words in self.variables.items():
            if not words or len(set(words)) != len(words):
                raise NASGymError(f"values of the choice {name!r} must be at least one and all different")
        self.size = math.prod(len(words) for words in self.variables.values())
        self.actions = (
            KEEP,
            *(
                Edit("swap", f"swap {name} to {word}", name, (box,), word)
                for box, (name, words) in enumerate(self.variables.items(), start=1)
                for word in words
            ),
        )
        sizes = [len(words) for words in self.variables.values()]
        self.observation_space = spaces.Dict({"choices": spaces.MultiDiscrete(sizes)})
        self.num_box_codes, self.num_link_codes = 2 + max(sizes), 1

    def config(self) -> dict[str, Any]:
        return {"name": self.name}

    def smallest(self) -> Choices:
        return self.architecture(0)

    def parse(self, text: str) -> Choices:
        parts = dict(part.strip().partition("=")[::2] for part in text.split(","))
        known = all(parts.get(name) in words for name, words in self.variables.items())
        if not known or len(parts) != len(self.variables):
            form = ", ".join(f"{name}={'|'.join(words)}" for name, words in self.variables.items())
            raise NASGymError(f"architecture {text!r} does not fit this space: write it as {form}")
        return self.decode({name: words.index(parts[name]) for name, words in self.variables.items()})

    def edited(self, architecture: Choices, action: int) -> Choices | None:
        if action == 0:
            return architecture
        edit = self.actions[action]
        values = self.encode(architecture)
        number = self.variables[edit.aspect].index(edit.value)
        return None if values[edit.aspect] == number else self.decode(values | {edit.aspect: number})

    def index(self, architecture: Choices) -> int:
        index = 0
        for name, number in self.encode(architecture).items():
            index = index * len(self.choices[name]) + number
        return index

    def architecture(self, index: int) -> Choices:
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is not in range({self.size})")
        values: dict[str, int] = {}
        for name in reversed(tuple(self.choices)):
            index, values[name] = divmod(index, len(self.choices[name]))
        return self.decode(values)

    def encode(self, architecture: Choices) -> dict[str, int]:
        return {name: self.variables[name].index(str(value)) for name, value in architecture.values}

    def decode(self, values: Mapping[str, int]) -> Choices:
        return Choices(tuple((name, options[values[name]]) for name, options in self.choices.items()))

    def observe(self, architecture: Choices) -> dict[str, np.ndarray]:
        return {"choices": np.array(list(self.encode(architecture).values()), dtype=np.int64)}

    def sketch(self, architecture: Choices) -> Sketch:
        labels = [f"{name}-{value}" for name, value in architecture.values]
        codes = [2 + number for number in self.encode(architecture).values()]
        links = tuple((box, box + 1, "") for box in range(len(labels) + 1))
        return Sketch(("input", *labels, "output"), links, (0, *codes, 1), (0,) * len(links))
