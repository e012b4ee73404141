"""Spaces of layers in a row and choices for the whole network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from nas_gym.search_spaces.base import Edit
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.layered.architecture import Layer, Layered, layer_text, parse
from nas_gym.search_spaces.layered.base import HeadedSpace
from nas_gym.search_spaces.sketch import Sketch, numbered_layers


class LayeredSpace(HeadedSpace[Layered]):
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

    def _made(self, wholes: tuple[str, ...], layers: tuple[Layer, ...]) -> Layered:
        return Layered(wholes, layers)

    def _with_value(self, layer: Layer, edit: Edit) -> Layer:
        width, name = layer
        return (int(edit.value), name) if edit.aspect == "width" else (width, edit.value)

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
        by_text = {layer_text(choice): choice for choice in self.choices}
        self._set_edits(by_text, {"width": self.widths, self.aspect: self.names})
        self._codes = {word: code for code, word in enumerate(w for ws in self.wholes.values() for w in ws)}

    def parse(self, text: str) -> Layered:
        return parse(self.name, text, self.wholes, self.choices, self.max_layers)

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
