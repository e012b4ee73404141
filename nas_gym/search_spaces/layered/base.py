"""What spaces of layers in a row with choices for the whole have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nas_gym.search_spaces.base import KEEP, Edit, SearchSpace
from nas_gym.search_spaces.chain import ChainNumbering, chain_edits, chain_variables, layer_distance
from nas_gym.search_spaces.drawing import Draft
from nas_gym.search_spaces.mixed_radix import MixedRadix
from nas_gym.search_spaces.variables import Variable, by_name

if TYPE_CHECKING:
    from gymnasium import spaces

H = TypeVar("H", bound=Any)
"""Architectures: frozen dataclasses with ``wholes``, a word for each aspect of the whole, and ``layers``."""


class HeadedSpace(SearchSpace[H]):
    """Layers in a row, each a value for each of some aspects, behind what is chosen for the whole network.

    Actions, in order: keep; add a layer (for each gap, each layer); remove a layer; swap an aspect of a
    layer; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer, and ``wholes``,
    MultiDiscrete, what is chosen for the whole.

    Attributes:
        max_layers: most layers.
        wholes: the choices for the whole by aspect.
        choices: all layers.
    """

    max_layers: int
    wholes: Mapping[str, Sequence[str]]
    choices: tuple[Any, ...]

    @abstractmethod
    def _made(self, wholes: tuple[str, ...], layers: tuple[Any, ...]) -> H:
        """Return an architecture of its parts."""

    @abstractmethod
    def _with_value(self, layer: Any, edit: Edit) -> Any:
        """Return a layer after the swap of one of its aspects."""

    def _set_edits(self, by_text: Mapping[str, Any], aspects: Mapping[str, Sequence[object]]) -> None:
        """Set what follows from the choices: actions, variables, observations and the size.

        Args:
            by_text: all layers, in the order of `choices`, by their texts.
            aspects: the choices of each aspect of a layer.
        """
        self._by_text = dict(by_text)
        self._numbers = {choice: place for place, choice in enumerate(self.choices)}
        shift = len(self.wholes)  # a box for each of them stands before the layers
        layers = [
            replace(edit, place=tuple(place + shift for place in edit.place))
            for edit in chain_edits(self.max_layers, list(self._by_text), aspects)
        ]
        swaps = [
            Edit("swap", f"swap {aspect} to {choice}", aspect, (box,), choice)
            for box, (aspect, choices) in enumerate(self.wholes.items(), start=1)
            for choice in choices
        ]
        self.actions = (KEEP, *layers, *swaps)
        sizes = [len(choices) for choices in self.wholes.values()]
        self._heads = MixedRadix(sizes)
        self._chains = ChainNumbering(self.choices, self.max_layers)
        self.size = self._heads.size * self._chains.size
        whole_variables = [Variable.of_whole(aspect, choices) for aspect, choices in self.wholes.items()]
        self.variables = by_name([*whole_variables, *chain_variables(self.max_layers, aspects)])
        self.num_box_codes = 2 + len(self.choices) + sum(sizes)
        self.num_link_codes = 1

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        sizes = [len(choices) for choices in self.wholes.values()]
        return spaces.Dict(
            {
                "layers": spaces.MultiDiscrete([1 + len(self.choices)] * self.max_layers),
                "wholes": spaces.MultiDiscrete(sizes),
            }
        )

    def smallest(self) -> H:
        return self._made(tuple(choices[0] for choices in self.wholes.values()), (self.choices[0],))

    def edited(self, architecture: H, action: int) -> H | None:
        edit = self.actions[action]
        if edit.kind == "keep":
            return architecture
        if edit.aspect in self.wholes:
            return self._with_whole(architecture, edit)
        layers, shift = architecture.layers, len(self.wholes)
        position = edit.place[0] - shift - (edit.kind != "remove")
        if edit.kind == "add":
            if len(layers) == self.max_layers or position > len(layers):
                return None
            added = self._by_text[edit.value]
            return replace(architecture, layers=(*layers[:position], added, *layers[position:]))
        if position >= len(layers) or (edit.kind == "remove" and len(layers) == 1):
            return None
        if edit.kind == "remove":
            return replace(architecture, layers=(*layers[:position], *layers[position + 1 :]))
        swapped = self._with_value(layers[position], edit)
        if swapped == layers[position]:
            return None
        return replace(architecture, layers=(*layers[:position], swapped, *layers[position + 1 :]))

    def _with_whole(self, architecture: H, edit: Edit) -> H | None:
        place, words = edit.place[0] - 1, architecture.wholes
        if words[place] == edit.value:
            return None
        return replace(architecture, wholes=(*words[:place], edit.value, *words[place + 1 :]))

    def draft(self, architecture: H) -> Draft:
        """Return a drawing in the making, in which a subclass says where choices for the whole act."""
        return Draft(self.sketch(architecture), self.describe(architecture).parts, self.wholes)

    def index(self, architecture: H) -> int:
        head = self._heads.number(self._digits(architecture))
        return head * self._chains.size + self._chains.number(architecture.layers)

    def architecture(self, index: int) -> H:
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is not in range({self.size})")
        head, chain = divmod(index, self._chains.size)
        pairs = zip(self.wholes.values(), self._heads.digits(head), strict=True)
        words = tuple(choices[digit] for choices, digit in pairs)
        return self._made(words, self._chains.layers(chain))

    def _digits(self, architecture: H) -> list[int]:
        pairs = zip(self.wholes.values(), architecture.wholes, strict=True)
        return [choices.index(word) for choices, word in pairs]

    def observe(self, architecture: H) -> dict[str, np.ndarray]:
        layers = np.zeros(self.max_layers, dtype=np.int64)
        layers[: len(architecture.layers)] = [1 + self._numbers[layer] for layer in architecture.layers]
        return {"layers": layers, "wholes": np.array(self._digits(architecture), dtype=np.int64)}

    def least_edits(self, one: H, goal: H) -> int:
        pairs = zip(one.wholes, goal.wholes, strict=True)
        of_whole: int = sum(here != there for here, there in pairs)
        return of_whole + layer_distance(one.layers, goal.layers, _swaps)

    def edit_distance(self, one: H, other: H, most: int) -> int:
        # The order of edits that keeps the depth in range always exists: remove, swap, then add.
        return min(self.least_edits(one, other), most + 1)


def _swaps(layer: Sequence[object], other: Sequence[object]) -> int:
    """Return how many swaps make a layer another one."""
    return sum(here != there for here, there in zip(layer, other, strict=True))
