"""The space of perceptrons for tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nas_gym._checks import number
from nas_gym.errors import ConfigError
from nas_gym.networks import ACTIVATIONS, Network, Shape
from nas_gym.search_spaces.description import activation_words
from nas_gym.search_spaces.drawing import Drawing
from nas_gym.search_spaces.layered.architecture import Layer, Layered
from nas_gym.search_spaces.layered.space import LayeredSpace
from nas_gym.search_spaces.options import distinct, names, whole, wholes
from nas_gym.search_spaces.tabular.columns import checked_columns, least_bins
from nas_gym.search_spaces.tabular.network import Columns, Sizes, build_network

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


class TabularSpace(LayeredSpace):
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
    aspect = "activation"

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
        self.columns = checked_columns(self.name, columns, math.prod(input_shape))
        self.max_layers = whole("max_layers of the tabular space", max_layers)
        self.widths = wholes("widths of the tabular space", widths)
        self.names = names(
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

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "max_layers": self.max_layers,
            "widths": list(self.widths),
            "activations": list(self.names),
            **{option: list(values) for option, values in self._given.items()},
            "frequencies": self._sizes.frequencies,
            "bins": self._sizes.bins,
            "embedding": self._sizes.embedding,
        }

    def layer_words(self, layer: Layer) -> str:
        width, activation = layer
        return f"{width} units with {activation_words(activation)}"

    def whole_words(self, word: str) -> str:
        if word in IN_WORDS:
            return IN_WORDS[word]
        rate = float(word.rpartition("_")[2])
        return f"dropout of {100 * rate:g}%" if rate else "no dropout"

    def whole_layer(self, aspect: str, word: str) -> str:
        return aspect if word in EMBEDDINGS else ""

    def drawing(self, architecture: Layered) -> Drawing:
        draft = self.draft(architecture)
        parts = [draft.box(name, reads=[0]) for name in ("numbers", "categories") if name in self.wholes]
        if self._places.small:
            words = "small columns: a feature for each category"
            parts.append(draft.box(label="one_hot", words=words, reads=[0]))
        before, width = -1, 0
        for box, (own, _) in zip(draft.layers, architecture.layers, strict=True):
            layer = draft.box(box, reads=None if width else parts)
            if own == width and "residual" in architecture.wholes:
                draft.link(before, layer, "sum")
            before, width = layer, own
        draft.note("normalisation", "dropout", "shortcuts")
        return draft.end()

    def members(self) -> dict[str, Layered]:
        """Return the perceptrons of Gorishniy et al., as far as the options have what they are made of.

        They are ``mlp``, layers alone, and ``resnet``, with batch normalisation and shortcuts (2021), and
        ``mlp_periodic``, the first one behind periodic numbers (2022). All have most layers of the largest
        width with relu, the least dropout there is and embedded categories where those can be chosen.
        """
        known = {
            "mlp": {"numbers": "plain", "normalisation": "no_norm", "shortcuts": "chain"},
            "resnet": {"numbers": "plain", "normalisation": "batch_norm", "shortcuts": "residual"},
            "mlp_periodic": {"numbers": "periodic", "normalisation": "no_norm", "shortcuts": "chain"},
        }
        layers = ((max(self.widths), "relu"),) * self.max_layers
        rate = min(self._given["dropouts"])
        found = {}
        for name, asked in known.items():
            chosen = {"categories": "embedded", "dropout": f"dropout_{rate:g}", **asked}
            words = tuple(chosen[aspect] for aspect in self.wholes)
            pairs = zip(words, self.wholes.values(), strict=True)
            periodic = chosen["numbers"] == "periodic" and "numbers" not in self.wholes
            if "relu" in self.names and not periodic and all(word in choices for word, choices in pairs):
                found[name] = Layered(words, layers)
        return found

    def network(self, architecture: Layered) -> Network:
        chosen = dict(zip(self.wholes, architecture.wholes, strict=True))
        return build_network(
            self.input_shape, self.outputs, self._places, self._sizes, chosen, architecture.layers
        )


def _rates(dropouts: Sequence[float]) -> tuple[float, ...]:
    rates = [number(rate) for rate in distinct("dropouts of the tabular space", dropouts)]
    checked = tuple(rate for rate in rates if rate is not None and 0 <= rate < 1)
    if len(checked) < len(rates):
        raise ConfigError(f"dropouts of the tabular space must be rates in [0, 1), not {list(dropouts)!r}")
    distinct("dropouts of the tabular space, as six digits show them,", [f"{rate:g}" for rate in checked])
    return checked


def _sizes(frequencies: int, bins: int, embedding: int) -> Sizes:
    return Sizes(
        whole("frequencies of the tabular space", frequencies),
        least_bins("tabular", bins),
        whole("embedding of the tabular space", embedding),
    )
