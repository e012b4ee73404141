"""Spaces of layers in a row and choices for the whole network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from gymnasium import spaces

from nas_gym.search_spaces.base import KEEP, Edit, SearchSpace
from nas_gym.search_spaces.chain import chain_edits, chain_variables, layer_distance
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.layered.architecture import Layer, Layered, layer_text, parse
from nas_gym.search_spaces.mixed_radix import MixedRadix
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.variables import Variable, by_name


class LayeredSpace(SearchSpace[Layered]):
    """A space of 1 to `max_layers` layers, each a width and a name, and choices for the whole network.

    Text: the choices for the whole, a colon, and the layers, ``"plain, batch_norm: relu-128 > relu-32"``.

    Actions, in order: keep; add a layer (for each gap, each choice); remove a layer; swap the width of a
    layer; swap its name; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer, and ``wholes``,
    MultiDiscrete, what is chosen for the whole.

    A subclass sets `input_shape`, `outputs`, `max_layers`, `widths`, `names` and `wholes`, then calls
    `_set_form`.

    Attributes:
        max_layers: most layers.
        widths: the widths of a layer to choose from.
        names: the names of a layer to choose from, such as activations.
        wholes: the choices for the whole by aspect.
        choices: all layers.
        aspect: what the name of a layer is.
    """

    aspect: str
    max_layers: int
    widths: tuple[int, ...]
    names: tuple[str, ...]
    wholes: Mapping[str, Sequence[str]]
    choices: tuple[Layer, ...]

    @abstractmethod
    def layer_words(self, layer: Layer) -> str:
        """Return a layer in words."""

    @abstractmethod
    def whole_words(self, word: str) -> str:
        """Return a choice for the whole in words."""

    @abstractmethod
    def whole_layer(self, aspect: str, word: str) -> str:
        """Return the layer of the nodes that stand for a choice for the whole, "" where none do."""

    def _set_form(self) -> None:
        """Set what follows from the choices: actions, variables, observations and the size."""
        self.choices = tuple((width, name) for name in self.names for width in self.widths)
        self._by_text = {layer_text(choice): choice for choice in self.choices}
        self._numbers = {choice: place for place, choice in enumerate(self.choices)}
        aspects = {"width": self.widths, self.aspect: self.names}
        labels = [layer_text(choice) for choice in self.choices]
        shift = len(self.wholes)  # a box for each of them stands before the layers
        layers = [
            replace(edit, place=tuple(place + shift for place in edit.place))
            for edit in chain_edits(self.max_layers, labels, aspects)
        ]
        swaps = [
            Edit("swap", f"swap {aspect} to {choice}", aspect, (box,), choice)
            for box, (aspect, choices) in enumerate(self.wholes.items(), start=1)
            for choice in choices
        ]
        self.actions = (KEEP, *layers, *swaps)
        sizes = [len(choices) for choices in self.wholes.values()]
        self._heads = MixedRadix(sizes)
        self._chains = [MixedRadix([len(self.choices)] * depth) for depth in range(1, self.max_layers + 1)]
        self._chain_count = sum(chains.size for chains in self._chains)
        self.size = self._heads.size * self._chain_count
        whole_variables = [Variable.of_whole(aspect, choices) for aspect, choices in self.wholes.items()]
        self.variables = by_name([*whole_variables, *chain_variables(self.max_layers, aspects)])
        self.observation_space = spaces.Dict(
            {
                "layers": spaces.MultiDiscrete([1 + len(self.choices)] * self.max_layers),
                "wholes": spaces.MultiDiscrete(sizes),
            }
        )
        self._codes = {word: code for code, word in enumerate(w for ws in self.wholes.values() for w in ws)}
        self.num_box_codes = 2 + len(self.choices) + len(self._codes)
        self.num_link_codes = 1

    def smallest(self) -> Layered:
        return Layered(tuple(choices[0] for choices in self.wholes.values()), (self.choices[0],))

    def parse(self, text: str) -> Layered:
        return parse(self.name, text, self.wholes, self.choices, self.max_layers)

    def edited(self, architecture: Layered, action: int) -> Layered | None:
        edit = self.actions[action]
        if edit.kind == "keep":
            return architecture
        if edit.aspect in self.wholes:
            return self._swapped(architecture, edit)
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
        width, name = layers[position]
        swapped: Layer = (int(edit.value), name) if edit.aspect == "width" else (width, edit.value)
        if swapped == layers[position]:
            return None
        return replace(architecture, layers=(*layers[:position], swapped, *layers[position + 1 :]))

    def _swapped(self, architecture: Layered, edit: Edit) -> Layered | None:
        place = edit.place[0] - 1
        if architecture.wholes[place] == edit.value:
            return None
        words = architecture.wholes
        return replace(architecture, wholes=(*words[:place], edit.value, *words[place + 1 :]))

    def index(self, architecture: Layered) -> int:
        depth = len(architecture.layers)
        chain = self._chains[depth - 1].number([self._numbers[layer] for layer in architecture.layers])
        chain += sum(chains.size for chains in self._chains[: depth - 1])
        return self._heads.number(self._digits(architecture)) * self._chain_count + chain

    def architecture(self, index: int) -> Layered:
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is not in range({self.size})")
        head, index = divmod(index, self._chain_count)
        words = tuple(
            choices[digit]
            for choices, digit in zip(self.wholes.values(), self._heads.digits(head), strict=True)
        )
        for chains in self._chains:
            if index < chains.size:
                break
            index -= chains.size
        return Layered(words, tuple(self.choices[digit] for digit in chains.digits(index)))

    def _digits(self, architecture: Layered) -> list[int]:
        pairs = zip(self.wholes.values(), architecture.wholes, strict=True)
        return [choices.index(word) for choices, word in pairs]

    def encode(self, architecture: Layered) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values |= dict(zip(self.wholes, self._digits(architecture), strict=True))
        values["depth"] = len(architecture.layers) - 1
        for layer, (width, name) in enumerate(architecture.layers, start=1):
            values[f"layer {layer} width"] = self.widths.index(width)
            values[f"layer {layer} {self.aspect}"] = self.names.index(name)
        return values

    def decode(self, values: Mapping[str, int]) -> Layered:
        """Return the architecture of an assignment; variables of layers beyond the depth are ignored."""
        words = tuple(choices[values[aspect]] for aspect, choices in self.wholes.items())
        layers = tuple(
            (self.widths[values[f"layer {n} width"]], self.names[values[f"layer {n} {self.aspect}"]])
            for n in range(1, values["depth"] + 2)
        )
        return Layered(words, layers)

    def active_variables(self, architecture: Layered) -> frozenset[str]:
        """Return what is chosen for the whole, the depth, and the variables of the layers up to it."""
        layers = range(1, len(architecture.layers) + 1)
        of_layers = {f"layer {layer} {aspect}" for layer in layers for aspect in ("width", self.aspect)}
        return frozenset({"depth", *self.wholes} | of_layers)

    def observe(self, architecture: Layered) -> dict[str, np.ndarray]:
        layers = np.zeros(self.max_layers, dtype=np.int64)
        layers[: len(architecture.layers)] = [1 + self._numbers[layer] for layer in architecture.layers]
        return {"layers": layers, "wholes": np.array(self._digits(architecture), dtype=np.int64)}

    def sketch(self, architecture: Layered) -> Sketch:
        labels = tuple(map(layer_text, architecture.layers))
        codes = [2 + len(self.choices) + self._codes[word] for word in architecture.wholes]
        codes += [2 + self._numbers[layer] for layer in architecture.layers]
        links = tuple((box, box + 1, "") for box in range(len(codes) + 1))
        kinds = [self.names.index(name) for _, name in architecture.layers]
        first, *rest = numbered_layers(labels)
        chosen = zip(self.wholes, architecture.wholes, strict=True)
        parts = [self.whole_layer(aspect, word) for aspect, word in chosen]
        return Sketch(
            ("input", *architecture.wholes, *labels, "output"),
            links,
            (0, *codes, 1),
            (0,) * len(links),
            (None, *(None for _ in self.wholes), *kinds, None),
            (first, *parts, *rest),
        )

    def describe(self, architecture: Layered) -> Description:
        told = list(map(self.layer_words, architecture.layers))
        chain, shift = describe_chain(told), len(self.wholes)
        heads = [self.whole_words(word) for word in architecture.wholes]
        parts: dict[tuple[int, ...], str] = {(box,): words for box, words in enumerate(heads, start=1)}
        parts |= {tuple(place + shift for place in at): words for at, words in chain.parts.items()}
        return Description(f"{chain.words}; with {', '.join(heads[:-1])} and {heads[-1]}", parts)

    def least_edits(self, one: Layered, goal: Layered) -> int:
        pairs = zip(one.wholes, goal.wholes, strict=True)
        return sum(here != there for here, there in pairs) + layer_distance(one.layers, goal.layers, _swaps)

    def edit_distance(self, one: Layered, other: Layered, most: int) -> int:
        # The order of edits that keeps the depth in range always exists: remove, swap, then add.
        return min(self.least_edits(one, other), most + 1)


def _swaps(layer: tuple[int, str], other: tuple[int, str]) -> int:
    """Return how many swaps make a layer another one."""
    return (layer[0] != other[0]) + (layer[1] != other[1])
