"""The space of transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym._checks import number
from nas_gym.errors import ConfigError
from nas_gym.networks import ACTIVATIONS, Network, Shape
from nas_gym.search_spaces.base import KEEP, SearchSpace
from nas_gym.search_spaces.chain import ChainNumbering, chain_edits, chain_variables, layer_distance
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.drawing import Draft, Drawing, MarkKind
from nas_gym.search_spaces.options import distinct, names, whole, wholes
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.transformer.architecture import (
    KINDS,
    NORMS,
    PLAIN,
    Block,
    Transformer,
    Value,
    every_block,
    of_kind,
    qkv_value,
    qkv_width,
    swaps_between,
)
from nas_gym.search_spaces.transformer.front import LAYER, Front, stride_of
from nas_gym.search_spaces.transformer.network import Answers, transformer_network
from nas_gym.search_spaces.variables import Variable, by_name

if TYPE_CHECKING:
    from gymnasium import spaces

POSITIONS = ("sines", "trained")


class TransformerSpace(SearchSpace[Transformer]):
    """Chains of 1 to `max_layers` blocks over a sequence: of tokens, of patches, or of frames.

    Tokens are embedded. An image is cut into patches by a convolution (ViT, Dosovitskiy et al. 2021), and a
    signal is shortened to frames by several (wav2vec 2.0, Baevski et al. 2020). Numbers that tell the
    positions apart are added. Each block normalises its input and adds its result to it:

    - ``attention-4-conv3-rms``: attention of 4 heads with RMS norm, and a convolution of width 3 within each
      channel of queries, keys and values as in Primer (So et al. 2021), without ``attention-4-plain-rms``;
    - ``feedforward-64-relu2-layer``: two layers at each position, 64 units with the square of relu between
      them, and layer norm;
    - ``convolution-5-gelu-layer``: a convolution of width 5 within each channel, and two layers across them;
    - ``identity``: nothing, as in NAS-BERT (Xu et al. 2021).

    A layer norm and a linear layer follow, for one answer on the mean over the tokens (an encoder), for an
    answer at each position there. Where the task says so the network is causal (a decoder): no answer depends
    on later tokens. Nothing depends on the padding behind a text.

    Text: ``"attention-4-plain-layer > feedforward-64-gelu-layer"``.

    Actions, in order: keep; add a block (for each gap, each choice); remove a block; swap its kind, heads,
    convolution of queries, keys and values (``qkv``), norm, width, activation or kernel. A block of
    another kind keeps what both kinds have and takes the first choice of the rest.

    Observation: ``blocks`` and each aspect, MultiDiscrete([1 + choices] * max_layers), 0 = nothing there.

    Args:
        input_shape: (length,) of codes, (channels, length) or (channels, height, width) of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        vocabulary: codes of tokens, with the padding; None for signals and images.
        lengths: lengths of the sequences of an example, of which there can be one here.
        positions: answers of an example, one for each position; None for one of the whole.
        causal: whether no answer may depend on later positions.
        max_layers: most blocks.
        channels: channels of the sequence.
        blocks: kinds of blocks to choose from.
        heads: numbers of heads to choose from, divisors of `channels`.
        qkv: widths of the convolutions of queries, keys and values to choose from, odd, 0 for none.
        norms: norms to choose from, ``"layer"`` and ``"rms"``.
        widths: units of feed-forward blocks to choose from.
        activations: the activations to choose from, of `nas_gym.networks.ACTIVATIONS`.
        kernels: widths of convolutions to choose from, odd.
        position_encoding: ``"sines"``, or ``"trained"`` for numbers that are learned.
        stride: what a position spans on each side of a signal or an image, a power of 2; None for the least
            that leaves at most 50 positions.
        dropout: rate of dropout behind each block.

    Raises:
        NASGymError: for a bad option, or examples of another kind.
    """

    name = "transformer"
    takes = ("vocabulary", "lengths", "positions", "causal")

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        vocabulary: int | None = None,
        lengths: Sequence[int] = (),
        positions: int | None = None,
        causal: bool = False,
        max_layers: int = 4,
        channels: int = 16,
        blocks: Sequence[str] = tuple(KINDS),
        heads: Sequence[int] = (2, 4),
        qkv: Sequence[int] = (0, 3),
        norms: Sequence[str] = tuple(NORMS),
        widths: Sequence[int] = (32, 64),
        activations: Sequence[str] = ("relu", "relu2", "gelu"),
        kernels: Sequence[int] = (5,),
        position_encoding: str = "sines",
        stride: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self.max_layers = whole("max_layers of the transformer space", max_layers)
        self.channels = whole("channels of the transformer space", channels)
        self.kinds = names("blocks of the transformer space", "block of the transformer space", blocks, KINDS)
        self._values: dict[str, tuple[Value, ...]] = {
            "heads": _heads(heads, self.channels),
            "qkv": tuple(qkv_value(width) for width in _widths("qkv", qkv, least=0)),
            "norm": names("norms of the transformer space", "norm of the transformer space", norms, NORMS),
            "width": wholes("widths of the transformer space", widths),
            "activation": names(
                "activations of the transformer space",
                "activation in the transformer space",
                activations,
                ACTIVATIONS,
            ),
            "kernel": _widths("kernels", kernels, least=1),
        }
        if position_encoding not in POSITIONS:
            raise ConfigError(
                f"position_encoding of the transformer space must be {' or '.join(map(repr, POSITIONS))}, "
                f"not {position_encoding!r}"
            )
        self._told = {"vocabulary": vocabulary, "lengths": list(lengths), "positions": positions}
        self._stride = stride
        codes = self._codes(vocabulary, list(lengths))
        self._front = Front(
            self.channels, codes, 1 if codes else stride_of(stride, self.input_shape), position_encoding
        )
        rate = number(dropout)
        if rate is None or not 0 <= rate < 1:
            raise ConfigError(f"dropout of the transformer space must be in [0, 1), not {dropout!r}")
        self._answers = Answers(outputs, self._positions(positions), bool(causal), rate)
        self._set_form()

    def _codes(self, vocabulary: int | None, lengths: list[int]) -> int | None:
        """Return the codes of tokens, None for other examples, which are checked."""
        sides = len(self.input_shape)
        if vocabulary is None and sides in (2, 3):
            return None
        if vocabulary is None or sides != 1:
            raise ConfigError(
                "the transformer space needs tokens, signals (channels, length) or images (channels, "
                f"height, width), not input shape {self.input_shape}: use search_space='mlp' or 'tabular'"
            )
        if len(lengths) > 1:
            raise ConfigError(
                f"the transformer space reads one sequence, an example has {len(lengths)}: pass "
                "search_space='seq2seq'"
            )
        return whole("vocabulary of the transformer space", vocabulary)

    def _positions(self, positions: int | None) -> int:
        """Return the answers of an example, one for each position; 0 for one of the whole."""
        if positions is None:
            return 0
        count = whole("positions of the transformer space", positions)
        if len(self.input_shape) != 1 or self.input_shape[0] != count or self.outputs % count:
            raise ConfigError(
                f"the transformer space gives an answer at each position of a sequence, {count} are asked of "
                f"input shape {self.input_shape} with {self.outputs} outputs: pass search_space='seq2seq'"
            )
        return count

    def _set_form(self) -> None:
        """Set what follows from the choices: actions, variables, observations and the size."""
        used = {aspect for kind in self.kinds for aspect in KINDS[kind]}
        self.aspects = {aspect: values for aspect, values in self._values.items() if aspect in used}
        self.choices = tuple(every_block(self.kinds, self._values))
        self._by_text = {str(block): block for block in self.choices}
        self._numbers = {block: place for place, block in enumerate(self.choices)}
        aspects = self._all_aspects()
        self.actions = (KEEP, *chain_edits(self.max_layers, list(self._by_text), aspects))
        self._numbering = ChainNumbering(self.choices, self.max_layers)
        self.size = self._numbering.size
        self.variables = by_name(chain_variables(self.max_layers, aspects))
        self.num_box_codes = 2 + len(self.choices)
        self.num_link_codes = 1

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        return spaces.Dict(
            {
                _plural(aspect): spaces.MultiDiscrete([1 + len(values)] * self.max_layers)
                for aspect, values in self._all_aspects().items()
            }
        )

    def _all_aspects(self) -> dict[str, Sequence[object]]:
        return {"block": self.kinds, **self.aspects}

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **self._told,
            "causal": self._answers.causal,
            "max_layers": self.max_layers,
            "channels": self.channels,
            "blocks": list(self.kinds),
            "heads": list(self._values["heads"]),
            "qkv": [qkv_width(str(value)) for value in self._values["qkv"]],
            "norms": list(self._values["norm"]),
            "widths": list(self._values["width"]),
            "activations": list(self._values["activation"]),
            "kernels": list(self._values["kernel"]),
            "position_encoding": self._front.positions,
            "stride": self._stride,
            "dropout": self._answers.dropout,
        }

    def smallest(self) -> Transformer:
        return Transformer((self.choices[0],))

    def parse(self, text: str) -> Transformer:
        parts = [part.strip() for part in text.split(">")]
        for part in parts:
            if part not in self._by_text:
                known = [str(next(b for b in self.choices if b.kind == kind)) for kind in self.kinds]
                raise ConfigError(
                    f"architecture {text!r} has no valid block {part!r}: write blocks joined by ' > ', each "
                    f"like {' or '.join(map(repr, known))}"
                )
        if len(parts) > self.max_layers:
            raise ConfigError(
                f"architecture {text!r} has {len(parts)} blocks, the transformer space at most "
                f"{self.max_layers}: remove blocks or raise max_layers"
            )
        return Transformer(tuple(self._by_text[part] for part in parts))

    def edited(self, architecture: Transformer, action: int) -> Transformer | None:
        edit, blocks = self.actions[action], architecture.blocks
        if edit.kind == "keep":
            return architecture
        position = edit.place[0] - (edit.kind != "remove")
        if edit.kind == "add":
            if len(blocks) == self.max_layers or position > len(blocks):
                return None
            return Transformer((*blocks[:position], self._by_text[edit.value], *blocks[position:]))
        if position >= len(blocks) or (edit.kind == "remove" and len(blocks) == 1):
            return None
        if edit.kind == "remove":
            return Transformer((*blocks[:position], *blocks[position + 1 :]))
        swapped = self._swapped(blocks[position], edit.aspect, edit.value)
        if swapped is None or swapped == blocks[position]:
            return None
        return Transformer((*blocks[:position], swapped, *blocks[position + 1 :]))

    def _swapped(self, block: Block, aspect: str, word: str) -> Block | None:
        if aspect == "block":
            return of_kind(word, block, self._values)
        if aspect not in KINDS[block.kind]:
            return None
        value = next(value for value in self._values[aspect] if str(value) == word)
        chosen = block.chosen | {aspect: value}
        return Block(block.kind, tuple(chosen.values()))

    def index(self, architecture: Transformer) -> int:
        return self._numbering.number(architecture.blocks)

    def architecture(self, index: int) -> Transformer:
        return Transformer(self._numbering.layers(index))

    def encode(self, architecture: Transformer) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values["depth"] = len(architecture.blocks) - 1
        for layer, block in enumerate(architecture.blocks, start=1):
            values[f"layer {layer} block"] = self.kinds.index(block.kind)
            for aspect, value in block.chosen.items():
                values[f"layer {layer} {aspect}"] = self._values[aspect].index(value)
        return values

    def decode(self, values: Mapping[str, int]) -> Transformer:
        """Return the architecture of an assignment; variables that are not active are ignored."""
        blocks = []
        for layer in range(1, values["depth"] + 2):
            kind = self.kinds[values[f"layer {layer} block"]]
            chosen = (self._values[aspect][values[f"layer {layer} {aspect}"]] for aspect in KINDS[kind])
            blocks.append(Block(kind, tuple(chosen)))
        return Transformer(tuple(blocks))

    def active_variables(self, architecture: Transformer) -> frozenset[str]:
        """Return the depth, and of each block the kind and what is chosen for that."""
        found = {"depth"}
        for layer, block in enumerate(architecture.blocks, start=1):
            found |= {f"layer {layer} {aspect}" for aspect in ("block", *KINDS[block.kind])}
        return frozenset(found)

    def observe(self, architecture: Transformer) -> dict[str, np.ndarray]:
        found = {
            _plural(aspect): np.zeros(self.max_layers, dtype=np.int64) for aspect in ("block", *self.aspects)
        }
        for layer, block in enumerate(architecture.blocks):
            found["blocks"][layer] = 1 + self.kinds.index(block.kind)
            for aspect, value in block.chosen.items():
                found[_plural(aspect)][layer] = 1 + self._values[aspect].index(value)
        return found

    def sketch(self, architecture: Transformer) -> Sketch:
        labels = tuple(map(str, architecture.blocks))
        codes = tuple(2 + self._numbers[block] for block in architecture.blocks)
        links = tuple((box, box + 1, "") for box in range(len(labels) + 1))
        kinds = (None, *(self.kinds.index(block.kind) for block in architecture.blocks), None)
        boxes, layers = ("input", *labels, "output"), numbered_layers(labels)
        return Sketch(boxes, links, (0, *codes, 1), (0,) * len(links), kinds, layers)

    def describe(self, architecture: Transformer) -> Description:
        return describe_chain([block.words for block in architecture.blocks])

    def drawing(self, architecture: Transformer) -> Drawing:
        draft = Draft(self.sketch(architecture), self.describe(architecture).parts)
        made = self._front.words(self.input_shape)
        before = draft.box(label="positions", words=f"{made}, with their positions", layer=LAYER)
        attends: MarkKind = "causal" if self._answers.causal else "self-attention"
        for box, block in enumerate(architecture.blocks, start=1):
            layer = draft.box(box, mark=attends if block.kind == "attention" else "")
            if block.kind != "identity":
                draft.link(before, layer, "sum")
            before = layer
        words = "layer norm" if self._answers.positions else "layer norm, and the mean over the positions"
        draft.box(label="layer_norm" if self._answers.positions else "mean", words=words, layer="output")
        return draft.end()

    def value_words(self, variable: Variable, value: str) -> str:
        """Return a norm, or a convolution of queries, keys and values, in words."""
        match variable.aspect:
            case "norm":
                return NORMS[value]
            case "qkv":
                return f"width {qkv_width(value)}" if value != PLAIN else "none"
        return super().value_words(variable, value)

    def isomorphism_class(self, architecture: Transformer) -> str:
        """Return the text without blocks that do nothing."""
        return str(Transformer(tuple(each for each in architecture.blocks if each.kind != "identity")))

    def least_edits(self, one: Transformer, goal: Transformer) -> int:
        return layer_distance(one.blocks, goal.blocks, lambda a, b: swaps_between(a, b, self._values))

    def members(self) -> dict[str, Transformer]:
        """Return small ones: a BERT or GPT of tokens, a ViT of images, a wav2vec of signals, and a Primer."""
        if self._front.codes is not None:
            name = "gpt" if self._answers.causal else "bert"
        else:
            name = "vit" if len(self.input_shape) == 3 else "wav2vec"
        heads, width = self._values["heads"][-1], self._values["width"][-1]
        pair = (Block("attention", (heads, PLAIN, "layer")), Block("feedforward", (width, "gelu", "layer")))
        primer = (
            Block("attention", (heads, qkv_value(3), "layer")),
            Block("feedforward", (width, "relu2", "layer")),
        )
        found = {name: Transformer(pair * 2), "primer": Transformer(primer * 2)}
        return {
            each: member
            for each, member in found.items()
            if len(member.blocks) <= self.max_layers and all(b in self._numbers for b in member.blocks)
        }

    def network(self, architecture: Transformer) -> Network:
        return transformer_network(architecture, self.input_shape, self._front, self._answers)


def _plural(aspect: str) -> str:
    """Return the name of the observation, and the option, of an aspect."""
    return aspect if aspect in ("heads", "qkv") else f"{aspect}s"


def _heads(heads: Sequence[int], channels: int) -> tuple[int, ...]:
    given = wholes("heads of the transformer space", heads)
    for each in given:
        if channels % each:
            raise ConfigError(
                f"heads of the transformer space must divide its {channels} channels, {each} does not"
            )
    return given


def _widths(option: str, values: Sequence[int], least: int) -> tuple[int, ...]:
    """Return odd widths of convolutions, 0 among them where that is the least."""
    what = f"{option} of the transformer space"
    given = distinct(what, values)
    for each in given:
        if not (each == least == 0) and whole(f"each of the {what}", each) % 2 == 0:
            raise ConfigError(f"{what} must be odd, not {each}")
    return tuple(int(each) for each in given)
