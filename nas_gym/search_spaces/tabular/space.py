"""The space of perceptrons for tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym._checks import number
from nas_gym.errors import ConfigError
from nas_gym.networks import ACTIVATIONS, Network, Shape
from nas_gym.search_spaces.base import KEEP, Edit, SearchSpace
from nas_gym.search_spaces.chain import chain_edits, chain_variables, layer_distance
from nas_gym.search_spaces.description import Description, activation_words, describe_chain
from nas_gym.search_spaces.mixed_radix import MixedRadix
from nas_gym.search_spaces.options import distinct, names, whole, wholes
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.tabular.architecture import Layer, Tabular, layer_text, parse
from nas_gym.search_spaces.tabular.network import Columns, Sizes, build_network
from nas_gym.search_spaces.variables import Variable, by_name

NUMBERS = ("plain", "periodic", "piecewise")
CATEGORIES = ("one_hot", "embedded")
NORMALISATIONS = ("no_norm", "batch_norm", "layer_norm")
SHORTCUTS = ("chain", "residual")
EMBEDDINGS = ("periodic", "piecewise", "embedded")
"""What has nodes of its own, whose layer is named by the aspect."""
IN_WORDS = {
    "plain": "numbers as they are",
    "periodic": "numbers with sines and cosines of them",
    "piecewise": "numbers cut into intervals",
    "one_hot": "a feature for each category",
    "embedded": "trained embeddings of categories",
    "no_norm": "no normalisation",
    "batch_norm": "batch normalisation",
    "layer_norm": "layer normalisation",
    "chain": "no shortcuts",
    "residual": "shortcuts between layers of one width",
}


class TabularSpace(SearchSpace[Tabular]):
    """Perceptrons of 1 to `max_layers` hidden layers for the rows of a table.

    A layer is a linear layer, a normalisation, an activation and dropout. Chosen for the whole network are:

    - numbers: ``plain``, ``periodic`` (with trained sines and cosines) or ``piecewise`` (linear in
      intervals), where there are any (Gorishniy, Rubachev and Babenko 2022);
    - categories: ``one_hot`` or ``embedded``, where a column has at least five;
    - normalisation: ``no_norm``, ``batch_norm`` or ``layer_norm``;
    - dropout: ``dropout_0``, ``dropout_0.1``, ...;
    - shortcuts: ``chain`` or ``residual``, where the input of a layer is added to its result if both have
      one width (Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data").

    What is a number and what a category follows from `columns`, the widths of the columns among the features.
    The task knows them, and `make_search_space` passes them on where the options do not name them. They are
    then options of the space, like any other: stored results are found by them, and a saved network needs
    no task to be built again. Without them every feature is a number.

    Text: ``"plain, embedded, batch_norm, dropout_0.1, residual: relu-128 > relu-32"``.

    Actions, in order: keep; add a layer (for each gap, each choice); remove a layer; swap the width of a
    layer; swap its activation; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer, and ``wholes``,
    MultiDiscrete, what is chosen for the whole.

    Args:
        input_shape: shape of one example, which is flattened.
        outputs: number of values that a network gives for one example, such as one per class.
        columns: features of each column, 1 for a number, more for the one-hot form of a category; () for
            numbers alone.
        max_layers: most hidden layers.
        widths: the widths to choose from.
        activations: the activations to choose from, of `nas_gym.networks.ACTIVATIONS`.
        numbers: embeddings of numbers to choose from.
        categories: forms of categories to choose from.
        normalisations: normalisations to choose from.
        dropouts: rates of dropout to choose from, in [0, 1).
        shortcuts: shortcuts to choose from.
        frequencies: frequencies of each number in a periodic embedding.
        bins: intervals of each number in a piecewise linear one, at least 2.
        embedding: most numbers for a category in an embedding.

    Raises:
        NASGymError: for a bad option.
    """

    name = "tabular"
    takes = ("columns",)

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        columns: Sequence[int] = (),
        max_layers: int = 3,
        widths: Sequence[int] = (32, 128),
        activations: Sequence[str] = ("relu", "tanh", "silu", "identity"),
        numbers: Sequence[str] = NUMBERS,
        categories: Sequence[str] = CATEGORIES,
        normalisations: Sequence[str] = NORMALISATIONS,
        dropouts: Sequence[float] = (0.0, 0.1, 0.3),
        shortcuts: Sequence[str] = SHORTCUTS,
        frequencies: int = 8,
        bins: int = 8,
        embedding: int = 8,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self.columns = _columns(columns, math.prod(input_shape))
        self.max_layers = whole("max_layers of the tabular space", max_layers)
        self.widths = wholes("widths of the tabular space", widths)
        self.activations = names(
            "activations of the tabular space", "activation in the tabular space", activations, ACTIVATIONS
        )
        self._sizes = _sizes(frequencies, bins, embedding)
        given = {"numbers": numbers, "categories": categories, "normalisations": normalisations}
        given["shortcuts"] = shortcuts
        known = (NUMBERS, CATEGORIES, NORMALISATIONS, SHORTCUTS)
        self._given: dict[str, tuple[Any, ...]] = {
            option: names(f"{option} of the tabular space", f"of the {option}", values, choices)
            for (option, values), choices in zip(given.items(), known, strict=True)
        }
        self._given["dropouts"] = _rates(dropouts)
        self._places = Columns.of(self.columns or (1,) * math.prod(input_shape))
        self.wholes = self._wholes()
        self.choices = tuple((width, activation) for activation in self.activations for width in self.widths)
        self._by_text = {layer_text(choice): choice for choice in self.choices}
        self._numbers = {choice: place for place, choice in enumerate(self.choices)}
        self._set_form()

    def _wholes(self) -> dict[str, tuple[str, ...]]:
        """Return what can be chosen for the whole network, by aspect."""
        found: dict[str, tuple[str, ...]] = {}
        if self._places.numbers:
            found["numbers"] = self._given["numbers"]
        if self._places.large:
            found["categories"] = self._given["categories"]
        found["normalisation"] = self._given["normalisations"]
        found["dropout"] = tuple(f"dropout_{rate:g}" for rate in self._given["dropouts"])
        found["shortcuts"] = self._given["shortcuts"]
        return found

    def _set_form(self) -> None:
        """Set what follows from the choices: actions, variables, observations and the size."""
        aspects = {"width": self.widths, "activation": self.activations}
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

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "max_layers": self.max_layers,
            "widths": list(self.widths),
            "activations": list(self.activations),
            **{option: list(values) for option, values in self._given.items()},
            "frequencies": self._sizes.frequencies,
            "bins": self._sizes.bins,
            "embedding": self._sizes.embedding,
        }

    def smallest(self) -> Tabular:
        return Tabular(tuple(choices[0] for choices in self.wholes.values()), (self.choices[0],))

    def parse(self, text: str) -> Tabular:
        return parse(text, self.wholes, self.choices, self.max_layers)

    def edited(self, architecture: Tabular, action: int) -> Tabular | None:
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
        width, activation = layers[position]
        swapped: Layer = (int(edit.value), activation) if edit.aspect == "width" else (width, edit.value)
        if swapped == layers[position]:
            return None
        return replace(architecture, layers=(*layers[:position], swapped, *layers[position + 1 :]))

    def _swapped(self, architecture: Tabular, edit: Edit) -> Tabular | None:
        place = edit.place[0] - 1
        if architecture.wholes[place] == edit.value:
            return None
        words = architecture.wholes
        return replace(architecture, wholes=(*words[:place], edit.value, *words[place + 1 :]))

    def index(self, architecture: Tabular) -> int:
        depth = len(architecture.layers)
        chain = self._chains[depth - 1].number([self._numbers[layer] for layer in architecture.layers])
        chain += sum(chains.size for chains in self._chains[: depth - 1])
        return self._heads.number(self._digits(architecture)) * self._chain_count + chain

    def architecture(self, index: int) -> Tabular:
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
        return Tabular(words, tuple(self.choices[digit] for digit in chains.digits(index)))

    def _digits(self, architecture: Tabular) -> list[int]:
        pairs = zip(self.wholes.values(), architecture.wholes, strict=True)
        return [choices.index(word) for choices, word in pairs]

    def encode(self, architecture: Tabular) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values |= dict(zip(self.wholes, self._digits(architecture), strict=True))
        values["depth"] = len(architecture.layers) - 1
        for layer, (width, activation) in enumerate(architecture.layers, start=1):
            values[f"layer {layer} width"] = self.widths.index(width)
            values[f"layer {layer} activation"] = self.activations.index(activation)
        return values

    def decode(self, values: Mapping[str, int]) -> Tabular:
        """Return the architecture of an assignment; variables of layers beyond the depth are ignored."""
        words = tuple(choices[values[aspect]] for aspect, choices in self.wholes.items())
        layers = tuple(
            (self.widths[values[f"layer {n} width"]], self.activations[values[f"layer {n} activation"]])
            for n in range(1, values["depth"] + 2)
        )
        return Tabular(words, layers)

    def active_variables(self, architecture: Tabular) -> frozenset[str]:
        """Return what is chosen for the whole, the depth, and the variables of the layers up to it."""
        layers = range(1, len(architecture.layers) + 1)
        of_layers = {f"layer {layer} {aspect}" for layer in layers for aspect in ("width", "activation")}
        return frozenset({"depth", *self.wholes} | of_layers)

    def observe(self, architecture: Tabular) -> dict[str, np.ndarray]:
        layers = np.zeros(self.max_layers, dtype=np.int64)
        layers[: len(architecture.layers)] = [1 + self._numbers[layer] for layer in architecture.layers]
        return {"layers": layers, "wholes": np.array(self._digits(architecture), dtype=np.int64)}

    def sketch(self, architecture: Tabular) -> Sketch:
        labels = tuple(map(layer_text, architecture.layers))
        codes = [2 + len(self.choices) + self._codes[word] for word in architecture.wholes]
        codes += [2 + self._numbers[layer] for layer in architecture.layers]
        links = tuple((box, box + 1, "") for box in range(len(codes) + 1))
        kinds = [self.activations.index(activation) for _, activation in architecture.layers]
        first, *rest = numbered_layers(labels)
        chosen = zip(self.wholes, architecture.wholes, strict=True)
        embeddings = [aspect if word in EMBEDDINGS else "" for aspect, word in chosen]
        return Sketch(
            ("input", *architecture.wholes, *labels, "output"),
            links,
            (0, *codes, 1),
            (0,) * len(links),
            (None, *(None for _ in self.wholes), *kinds, None),
            (first, *embeddings, *rest),
        )

    def describe(self, architecture: Tabular) -> Description:
        told = [
            f"{width} units with {activation_words(activation)}" for width, activation in architecture.layers
        ]
        chain, shift = describe_chain(told), len(self.wholes)
        heads = [_words(word) for word in architecture.wholes]
        parts: dict[tuple[int, ...], str] = {(box,): words for box, words in enumerate(heads, start=1)}
        parts |= {tuple(place + shift for place in at): words for at, words in chain.parts.items()}
        return Description(f"{chain.words}; with {', '.join(heads[:-1])} and {heads[-1]}", parts)

    def least_edits(self, one: Tabular, goal: Tabular) -> int:
        pairs = zip(one.wholes, goal.wholes, strict=True)
        return sum(here != there for here, there in pairs) + layer_distance(one.layers, goal.layers, _swaps)

    def edit_distance(self, one: Tabular, other: Tabular, most: int) -> int:
        # The order of edits that keeps the depth in range always exists: remove, swap, then add.
        return min(self.least_edits(one, other), most + 1)

    def network(self, architecture: Tabular) -> Network:
        chosen = dict(zip(self.wholes, architecture.wholes, strict=True))
        return build_network(
            self.input_shape, self.outputs, self._places, self._sizes, chosen, architecture.layers
        )


def _words(word: str) -> str:
    if word in IN_WORDS:
        return IN_WORDS[word]
    rate = float(word.rpartition("_")[2])
    return f"dropout of {100 * rate:g}%" if rate else "no dropout"


def _swaps(layer: tuple[int, str], other: tuple[int, str]) -> int:
    """Return how many swaps make a layer another one."""
    return (layer[0] != other[0]) + (layer[1] != other[1])


def _columns(columns: Sequence[int], features: int) -> tuple[int, ...]:
    given = tuple(whole("each of the columns of the tabular space", width) for width in columns)
    if given and sum(given) != features:
        raise ConfigError(
            f"columns of the tabular space have {sum(given)} features together, an example has {features}: "
            "pass the width of every column, or leave columns out"
        )
    return given


def _rates(dropouts: Sequence[float]) -> tuple[float, ...]:
    rates = [number(rate) for rate in distinct("dropouts of the tabular space", dropouts)]
    checked = tuple(rate for rate in rates if rate is not None and 0 <= rate < 1)
    if len(checked) < len(rates):
        raise ConfigError(f"dropouts of the tabular space must be rates in [0, 1), not {list(dropouts)!r}")
    distinct("dropouts of the tabular space, as six digits show them,", [f"{rate:g}" for rate in checked])
    return checked


def _sizes(frequencies: int, bins: int, embedding: int) -> Sizes:
    sizes = Sizes(
        whole("frequencies of the tabular space", frequencies),
        whole("bins of the tabular space", bins),
        whole("embedding of the tabular space", embedding),
    )
    if sizes.bins < 2:
        raise ConfigError("bins of the tabular space must be at least 2, not 1")
    return sizes
