"""The space of transformers for tables, whose tokens are the columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import ACTIVATIONS, GATES, Network, Shape
from nas_gym.search_spaces.description import activation_words
from nas_gym.search_spaces.drawing import Drawing
from nas_gym.search_spaces.layered.chain import HeadedChain, HeadedChainSpace, Layer
from nas_gym.search_spaces.options import names, rates, whole, wholes
from nas_gym.search_spaces.tabular.columns import checked_columns, least_bins
from nas_gym.search_spaces.tabular.ft_network import LAYER, TokenColumns, TokenSizes, ft_network

NUMBERS = ("plain", "periodic", "piecewise")
ANSWERS = ("answer_token", "mean_token")
IN_WORDS = {
    "plain": "tokens of numbers as they are",
    "periodic": "tokens of numbers with sines and cosines of them",
    "piecewise": "tokens of numbers cut into intervals",
    "answer_token": "an answer from a token of its own",
    "mean_token": "an answer from the mean of the tokens",
    "glu": "a gated linear unit",
    "reglu": "ReGLU",
    "geglu": "GEGLU",
    "swiglu": "SwiGLU",
}


class FTTransformerSpace(HeadedChainSpace):
    """FT-Transformers of 1 to `max_layers` blocks for the rows of a table.

    Every column becomes a token: the value of a number times a trained vector plus a bias, the trained
    vector of a category plus a bias (Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular
    Data"). A block is ``heads_4-reglu-32``: attention of 4 heads between the columns, and a feed-forward
    part of 32 units with an activation or a gate (``glu``, ``reglu``, ``geglu``, ``swiglu``; Shazeer 2020),
    each added to its input. Chosen for the whole network are:

    - numbers: ``plain``, or behind the ``periodic`` or ``piecewise`` linear forms of the ``tabular`` space,
      where there are any (Gorishniy, Rubachev and Babenko 2022);
    - answer: read from a token that stands for no column, ``answer_token`` (as published), or from the
      mean, ``mean_token``;
    - dropout in the feed-forward parts: ``dropout_0``, ``dropout_0.1``, ...

    What is a number and what a category follows from `columns`, as in the ``tabular`` space.

    Text: ``"plain, answer_token, dropout_0.1: heads_4-reglu-32 > heads_4-reglu-32"``.

    Actions, in order: keep; add a block (for each gap, each block); remove a block; swap the heads of a
    block; swap its activation; swap its width; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no block, and ``wholes``,
    MultiDiscrete, what is chosen for the whole.

    Args:
        input_shape: shape of one example, which is flattened.
        outputs: number of values that a network gives for one example, such as one per class.
        columns: features of each column, 1 for a number, more for the one-hot form of a category; () for
            numbers alone.
        max_layers: most blocks.
        channels: numbers of a token.
        heads: numbers of heads to choose from, divisors of `channels`.
        activations: the activations to choose from, of `nas_gym.networks.ACTIVATIONS` and `GATES`.
        widths: units of feed-forward parts to choose from, those of a gate counted behind it.
        numbers: forms of numbers to choose from.
        answers: what the answer is read from, to choose from.
        dropouts: rates of dropout to choose from, in [0, 1).
        frequencies: frequencies of each number in a periodic form.
        bins: intervals of each number in a piecewise linear one, at least 2.

    Raises:
        NASGymError: for a bad option.
    """

    name = "ft_transformer"
    takes = ("columns",)

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        columns: Sequence[int] = (),
        max_layers: int = 3,
        channels: int = 16,
        heads: Sequence[int] = (2, 4),
        activations: Sequence[str] = ("reglu", "swiglu", "gelu"),
        widths: Sequence[int] = (16, 32),
        numbers: Sequence[str] = NUMBERS,
        answers: Sequence[str] = ANSWERS,
        dropouts: Sequence[float] = (0.0, 0.1, 0.3),
        frequencies: int = 8,
        bins: int = 8,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        features = math.prod(input_shape)
        of = f"of the {self.name} space"
        self.columns = checked_columns(self.name, columns, features)
        self._sizes = TokenSizes(
            whole(f"channels {of}", channels),
            whole(f"frequencies {of}", frequencies),
            least_bins(self.name, bins),
        )
        self._options: dict[str, tuple[Any, ...]] = {
            "heads": self._divisors(heads),
            "activations": names(
                f"activations {of}", f"activation {of}", activations, (*ACTIVATIONS, *GATES)
            ),
            "widths": wholes(f"widths {of}", widths),
            "numbers": names(f"numbers {of}", "of the numbers", numbers, NUMBERS),
            "answers": names(f"answers {of}", "of the answers", answers, ANSWERS),
            "dropouts": rates(f"dropouts {of}", dropouts),
        }
        self._places = TokenColumns.of(self.columns or (1,) * features)
        chosen = {"numbers": self._options["numbers"]} if self._places.numbers else {}
        chosen["answer"] = self._options["answers"]
        chosen["dropout"] = tuple(f"dropout_{rate:g}" for rate in self._options["dropouts"])
        aspects = {
            "heads": tuple(f"heads_{count}" for count in self._options["heads"]),
            "activation": self._options["activations"],
            "width": tuple(map(str, self._options["widths"])),
        }
        self.set_form(chosen, aspects, whole(f"max_layers {of}", max_layers))

    def _divisors(self, heads: Sequence[int]) -> tuple[int, ...]:
        given = wholes(f"heads of the {self.name} space", heads)
        for each in given:
            if self._sizes.channels % each:
                raise ConfigError(
                    f"heads of the {self.name} space must divide its {self._sizes.channels} channels, {each} "
                    "does not"
                )
        return given

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "columns": list(self.columns),
            "max_layers": self.max_layers,
            "channels": self._sizes.channels,
            **{option: list(values) for option, values in self._options.items()},
            "frequencies": self._sizes.frequencies,
            "bins": self._sizes.bins,
        }

    def members(self) -> dict[str, HeadedChain]:
        """Return the published form, as far as the options have what it is made of.

        ``ft_transformer`` has most blocks, but 3 at most, of most heads and ReGLU of the largest width, its
        answer from a token of its own, and a dropout of 10% or the least there is (Gorishniy et al. 2021);
        ``ft_transformer_piecewise`` has it behind piecewise linear numbers (Gorishniy et al. 2022).
        """
        dropouts = self.wholes["dropout"]
        rate = f"dropout_{min(self._options['dropouts']):g}"
        asked = {
            "answer": "answer_token",
            "dropout": "dropout_0.1" if "dropout_0.1" in dropouts else rate,
        }
        block = (f"heads_{max(self._options['heads'])}", "reglu", str(max(self._options["widths"])))
        found = {}
        for name, numbers in (("ft_transformer", "plain"), ("ft_transformer_piecewise", "piecewise")):
            chosen = {"numbers": numbers, **asked}
            there = all(chosen[aspect] in choices for aspect, choices in self.wholes.items())
            told = "numbers" in self.wholes or numbers == "plain"
            if there and told and block in self.choices:
                words = tuple(chosen[aspect] for aspect in self.wholes)
                found[name] = HeadedChain(words, (block,) * min(3, self.max_layers))
        return found

    def whole_words(self, aspect: str, word: str) -> str:
        if aspect == "dropout":
            rate = float(word.partition("_")[2])
            return f"dropout of {100 * rate:g}%" if rate else "no dropout"
        return IN_WORDS[word]

    def layer_words(self, layer: Layer) -> str:
        heads, activation, width = layer
        count = heads.rpartition("_")[2]
        told = IN_WORDS.get(activation) or activation_words(activation)
        return f"attention with {count} head{'s' * (count != '1')} and {width} units with {told}"

    def whole_layer(self, aspect: str, word: str) -> str:
        return LAYER if aspect == "numbers" else ""

    def drawing(self, architecture: HeadedChain) -> Drawing:
        draft = self.draft(architecture)
        if "numbers" in self.wholes:
            before = draft.box("numbers")
        else:
            before = draft.box(label=LAYER, words="a token for each column", layer=LAYER)
        for number in draft.layers:
            layer = draft.box(number, mark="self-attention")
            draft.link(before, layer, "sum")
            before = layer
        draft.box("answer")
        draft.note("dropout")
        return draft.end()

    def network(self, architecture: HeadedChain) -> Network:
        blocks = [
            (int(heads.rpartition("_")[2]), activation, int(width))
            for heads, activation, width in architecture.layers
        ]
        chosen = self.chosen(architecture)
        return ft_network(self.input_shape, self.outputs, self._places, self._sizes, chosen, blocks)
