"""Spaces of a chain of layers with some choices for the whole network before it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from nas_gym.errors import ConfigError
from nas_gym.search_spaces.base import Edit
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.layered.base import HeadedSpace
from nas_gym.search_spaces.sketch import Sketch, numbered_layers

Layer = tuple[str, ...]
"""The value of each aspect of a layer, as a text without spaces, commas and hyphens."""


@dataclass(frozen=True, slots=True)
class HeadedChain:
    """A chain of layers behind what is chosen for the whole.

    Attributes:
        wholes: what is chosen for the whole network, in the order of the space's aspects.
        layers: the layers from the input to the output.
    """

    wholes: tuple[str, ...]
    layers: tuple[Layer, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.wholes)}: {' > '.join(map('-'.join, self.layers))}"


class HeadedChainSpace(HeadedSpace[HeadedChain]):
    """Chains of 1 to `max_layers` layers, each with some aspects, and choices for the whole network.

    A subclass calls `set_form` and builds the networks.

    Text: ``"dropout_0, residual: gru-32 > lstm-64"``.

    Actions, in order: keep; add a layer (for each gap, each layer); remove a layer; swap an aspect of a
    layer; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer, and ``wholes``,
    MultiDiscrete, what is chosen for the whole.
    """

    wholes: dict[str, tuple[str, ...]]
    aspects: dict[str, tuple[str, ...]]

    def set_form(
        self, wholes: Mapping[str, Sequence[str]], aspects: Mapping[str, Sequence[str]], max_layers: int
    ) -> None:
        """Set the choices, and what follows from them: actions, variables, observations and the size.

        Args:
            wholes: the choices for the whole network by aspect, at least one aspect; no word stands in two.
            aspects: the choices of each aspect of a layer; no word stands in two.
            max_layers: most layers.
        """
        self.wholes = {aspect: tuple(choices) for aspect, choices in wholes.items()}
        self.aspects = {aspect: tuple(choices) for aspect, choices in aspects.items()}
        self.max_layers = max_layers
        self.choices: tuple[Layer, ...] = tuple(product(*self.aspects.values()))
        self._set_edits({"-".join(choice): choice for choice in self.choices}, self.aspects)
        words = [(aspect, word) for aspect, choices in self.wholes.items() for word in choices]
        self._codes = {pair: code for code, pair in enumerate(words)}

    def _made(self, wholes: tuple[str, ...], layers: tuple[Layer, ...]) -> HeadedChain:
        return HeadedChain(wholes, layers)

    def _with_value(self, layer: Layer, edit: Edit) -> Layer:
        pairs = zip(self.aspects, layer, strict=True)
        return tuple(edit.value if aspect == edit.aspect else value for aspect, value in pairs)

    @abstractmethod
    def whole_words(self, aspect: str, word: str) -> str:
        """Return what is chosen for the whole in words ("dropout of 10%")."""

    @abstractmethod
    def layer_words(self, layer: Layer) -> str:
        """Return a layer in words ("32 units with a gate")."""

    def whole_layer(self, aspect: str, word: str) -> str:
        """Return the layer that nodes of what is chosen for the whole have; "" where there are none."""
        return ""

    def chosen(self, architecture: HeadedChain) -> dict[str, str]:
        """Return what is chosen for the whole network, by aspect."""
        return dict(zip(self.wholes, architecture.wholes, strict=True))

    def parse(self, text: str) -> HeadedChain:
        head, colon, chain = text.partition(":")
        words = tuple(word.strip() for word in head.split(","))
        if not colon or len(words) != len(self.wholes):
            example = HeadedChain(
                self.smallest().wholes, (self.choices[0], self.choices[-1])[: self.max_layers]
            )
            raise ConfigError(
                f"architecture {text!r} does not fit the {self.name} space: write {', '.join(self.wholes)}, "
                f"a colon and layers, like {str(example)!r}"
            )
        for word, (aspect, choices) in zip(words, self.wholes.items(), strict=True):
            if word not in choices:
                raise ConfigError(
                    f"architecture {text!r} has {word!r} for its {aspect}: write one of {', '.join(choices)}"
                )
        parts = [part.strip() for part in chain.split(">")]
        for part in parts:
            if part not in self._by_text:
                raise ConfigError(
                    f"architecture {text!r} has no valid layer {part!r}: write layers joined by ' > ', each "
                    f"of: {', '.join(self._by_text)}"
                )
        if len(parts) > self.max_layers:
            raise ConfigError(
                f"architecture {text!r} has {len(parts)} layers, the {self.name} space at most "
                f"{self.max_layers}: remove layers or raise max_layers"
            )
        return HeadedChain(words, tuple(self._by_text[part] for part in parts))

    def encode(self, architecture: HeadedChain) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values |= dict(zip(self.wholes, self._digits(architecture), strict=True))
        values["depth"] = len(architecture.layers) - 1
        for number, layer in enumerate(architecture.layers, start=1):
            for (aspect, choices), value in zip(self.aspects.items(), layer, strict=True):
                values[f"layer {number} {aspect}"] = choices.index(value)
        return values

    def decode(self, values: Mapping[str, int]) -> HeadedChain:
        """Return the architecture of an assignment; variables of layers beyond the depth are ignored."""
        words = tuple(choices[values[aspect]] for aspect, choices in self.wholes.items())
        layers = tuple(
            tuple(choices[values[f"layer {number} {aspect}"]] for aspect, choices in self.aspects.items())
            for number in range(1, values["depth"] + 2)
        )
        return HeadedChain(words, layers)

    def active_variables(self, architecture: HeadedChain) -> frozenset[str]:
        """Return what is chosen for the whole, the depth, and the variables of the layers up to it."""
        layers = range(1, len(architecture.layers) + 1)
        of_layers = {f"layer {layer} {aspect}" for layer in layers for aspect in self.aspects}
        return frozenset({"depth", *self.wholes} | of_layers)

    def sketch(self, architecture: HeadedChain) -> Sketch:
        labels = tuple(map("-".join, architecture.layers))
        chosen = self.chosen(architecture)
        codes = [2 + len(self.choices) + self._codes[pair] for pair in chosen.items()]
        codes += [2 + self._numbers[layer] for layer in architecture.layers]
        links = tuple((box, box + 1, "") for box in range(len(codes) + 1))
        kinds = [next(iter(self.aspects.values())).index(layer[0]) for layer in architecture.layers]
        first, *rest = numbered_layers(labels)
        heads = [self.whole_layer(aspect, word) for aspect, word in chosen.items()]
        return Sketch(
            ("input", *architecture.wholes, *labels, "output"),
            links,
            (0, *codes, 1),
            (0,) * len(links),
            (None, *(None for _ in self.wholes), *kinds, None),
            (first, *heads, *rest),
        )

    def describe(self, architecture: HeadedChain) -> Description:
        chain = describe_chain([self.layer_words(layer) for layer in architecture.layers])
        heads = [self.whole_words(aspect, word) for aspect, word in self.chosen(architecture).items()]
        parts: dict[tuple[int, ...], str] = {(box,): words for box, words in enumerate(heads, start=1)}
        shift = len(heads)
        parts |= {tuple(place + shift for place in at): words for at, words in chain.parts.items()}
        told = heads[0] if shift == 1 else f"{', '.join(heads[:-1])} and {heads[-1]}"
        return Description(f"{chain.words}; with {told}", parts)
