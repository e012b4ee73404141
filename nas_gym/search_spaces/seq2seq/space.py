"""The space of encoders and decoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, Shape
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.layered.chain import HeadedChain, HeadedChainSpace, Layer
from nas_gym.search_spaces.options import names, whole, wholes
from nas_gym.search_spaces.seq2seq.network import DecoderLayer, Encoder, Sizes, build_network

ENCODERS = ("gru", "lstm", "rnn", "both_ways", "transformer")
DECODERS = ("gru", "lstm", "rnn", "transformer")
ATTENDS = ("none", "last", "all")
IN_WORDS = {
    "gru": "gated recurrent units",
    "lstm": "long short-term memory",
    "rnn": "plain recurrent units",
    "both_ways": "gated recurrent units in both directions",
    "transformer": "transformer layers",
    "none": "no attention to the source",
    "last": "attention to the last layer of the encoder",
    "all": "attention to every layer of the encoder",
}

DRAWN = {
    "transformer": "transformer",
    "none": "no attention to the source",
    "last": "attention to the last layer",
    "all": "attention to every layer",
}
"""The same in fewer words, where a drawing has links to the layers of the encoder."""


class Seq2SeqSpace(HeadedChainSpace):
    """Encoders and decoders, recurrent or transformers, for translations: one sequence answers another.

    The encoder has one kind of layer, the decoder a chain of 1 to `max_layers` layers, each of a kind, and
    each with attention to no, the last or every layer of the encoder (as in HAT, Wang et al. 2020, "HAT:
    Hardware-Aware Transformers for Efficient Natural Language Processing", section 3.1, which joins the keys
    of several layers; here what is found in each is added up). Chosen for the whole network are:

    - width of every layer, ``width_32``;
    - encoder: ``gru_encoder``, ``lstm_encoder``, ``rnn_encoder``, ``both_ways_encoder`` (the sum of a GRU in
      each direction) or ``transformer_encoder``;
    - depth of the encoder, ``encoder_depth_1``;
    - heads of every attention, ``heads_2``.

    What a recurrent layer reads is added to its result (as in GNMT, Wu et al. 2016); without, two layers of
    LSTM learn or do not, as the seed has it. The mean of the encoder's result over the tokens of the source
    is added to every input of the decoder.
    Behind a recurrent layer of the decoder attention is that of Luong, Pham and Manning (2015); a transformer
    layer normalises first. The decoder reads the right answer shifted by one in training, its own where it
    predicts.

    Text: ``"width_32, gru_encoder, encoder_depth_1, heads_1: gru-last > transformer-all"``.

    Actions, in order: keep; add a layer to the decoder (for each gap, each layer); remove a layer; swap the
    kind of a layer; swap what it attends to; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer of the decoder, and
    ``wholes``, MultiDiscrete, what is chosen for the whole.

    Args:
        input_shape: (source + answer,) of tokens.
        outputs: number of values that a network gives for one example: names times positions.
        vocabulary: number of codes of tokens, from the task.
        lengths: lengths of the source and of the answer, from the task.
        positions: positions of the answer, from the task.
        causal: whether an answer must not see what follows its position, from the task; it never does.
        max_layers: most layers of the decoder.
        widths: the widths to choose from.
        encoders: the encoders to choose from, without ``_encoder``.
        encoder_depths: numbers of layers of the encoder to choose from.
        heads: numbers of heads to choose from; each must divide every width.
        decoders: kinds of layers of the decoder to choose from.
        attends: what they may attend to.

    Raises:
        NASGymError: for a bad option, or examples that are not two sequences of tokens with an answer at each
            position of the second.
    """

    name = "seq2seq"
    takes = ("vocabulary", "lengths", "positions", "causal")

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        vocabulary: int = 0,
        lengths: Sequence[int] = (),
        positions: int = 0,
        causal: bool = True,
        max_layers: int = 2,
        widths: Sequence[int] = (16, 32),
        encoders: Sequence[str] = ENCODERS,
        encoder_depths: Sequence[int] = (1, 2),
        heads: Sequence[int] = (1, 2, 4),
        decoders: Sequence[str] = DECODERS,
        attends: Sequence[str] = ATTENDS,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self.vocabulary, self.lengths = vocabulary, tuple(int(each) for each in lengths)
        self.positions, self.causal = positions, bool(causal)
        self._check_form()
        self.widths = wholes("widths of the seq2seq space", widths)
        self.encoders = names("encoders of the seq2seq space", "of the encoders", encoders, ENCODERS)
        self.encoder_depths = wholes("encoder_depths of the seq2seq space", encoder_depths)
        self.heads = wholes("heads of the seq2seq space", heads)
        self.decoders = names("decoders of the seq2seq space", "of the decoders", decoders, DECODERS)
        self.attends = names("attends of the seq2seq space", "of what to attend to", attends, ATTENDS)
        for width in self.widths:
            for count in self.heads:
                if width % count:
                    raise ConfigError(f"{count} heads do not divide the width {width}: pass others")
        found = {
            "width": tuple(f"width_{width}" for width in self.widths),
            "encoder": tuple(f"{kind}_encoder" for kind in self.encoders),
            "encoder depth": tuple(f"encoder_depth_{depth}" for depth in self.encoder_depths),
            "heads": tuple(f"heads_{count}" for count in self.heads),
        }
        aspects = {"kind": self.decoders, "attention": self.attends}
        self.set_form(found, aspects, whole("max_layers of the seq2seq space", max_layers))

    def _check_form(self) -> None:
        if not self.vocabulary or len(self.lengths) != 2 or self.positions != self.lengths[1]:
            raise ConfigError(
                "the seq2seq space reads two sequences of tokens, a source and what was answered so far, and "
                f"answers at each position of the second, and the task has input shape {self.input_shape}: "
                "pass a task such as 'dates' or of name 'translation', or another search_space"
            )
        if self.input_shape != (sum(self.lengths),) or self.outputs % self.positions:
            raise ConfigError(
                f"sequences of lengths {list(self.lengths)} have no input shape {self.input_shape} with "
                f"{self.outputs} outputs: pass those of the task"
            )

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "vocabulary": self.vocabulary,
            "lengths": list(self.lengths),
            "positions": self.positions,
            "causal": self.causal,
            "max_layers": self.max_layers,
            "widths": list(self.widths),
            "encoders": list(self.encoders),
            "encoder_depths": list(self.encoder_depths),
            "heads": list(self.heads),
            "decoders": list(self.decoders),
            "attends": list(self.attends),
        }

    def members(self) -> dict[str, HeadedChain]:
        """Return well-known architectures, as far as the options have what they are made of.

        They are ``cho2014``, a GRU without attention, ``luong2015``, an LSTM with attention, and
        ``transformer``, a layer of the one of Vaswani et al. (2017) on each side; all of them of the first
        width.
        """
        known = {
            "cho2014": ("gru", self.heads[0], ("gru", "none")),
            "luong2015": ("lstm", self.heads[0], ("lstm", "last")),
            "transformer": ("transformer", self.heads[-1], ("transformer", "last")),
        }
        found = {}
        for name, (encoder, heads, layer) in known.items():
            if encoder in self.encoders and layer in self.choices:
                depth = self.encoder_depths[0]
                words = (f"width_{self.widths[0]}", f"{encoder}_encoder", f"encoder_depth_{depth}")
                found[name] = HeadedChain((*words, f"heads_{heads}"), (layer,))
        return found

    def whole_words(self, aspect: str, word: str) -> str:
        number = word.rpartition("_")[2]
        match aspect:
            case "encoder":
                return f"an encoder of {IN_WORDS[word.removesuffix('_encoder')]}"
            case "encoder depth":
                return f"{number} layer{'s' * (number != '1')} of the encoder"
            case "heads":
                return f"{number} head{'s' * (number != '1')}"
            case _:
                return f"{number} numbers for each token"

    def layer_words(self, layer: Layer) -> str:
        kind, attends = layer
        return f"{IN_WORDS[kind]} with {IN_WORDS[attends]}"

    def whole_layer(self, aspect: str, word: str) -> str:
        return "encoder" if aspect == "encoder" else ""

    def drawing(self, architecture: HeadedChain) -> Drawing:
        draft = self.draft(architecture)
        memories = self._draw_encoder(draft, self.chosen(architecture))
        summary = draft.box(label="mean", words="mean over the source", layer="summary")
        before = draft.box(
            label="embedding", words="embedding of the answer so far", layer="decoder embedding", reads=[0]
        )
        draft.link(summary, before, "sum")
        for number, (kind, attends) in zip(draft.layers, architecture.layers, strict=True):
            words = f"{DRAWN.get(kind, IN_WORDS[kind])}, {DRAWN[attends]}"
            layer = draft.box(number, words=words, mark="causal" if kind == "transformer" else "steps")
            if kind == "transformer" or attends == "none":
                draft.link(before, layer, "sum")
            for memory in {"none": [], "last": memories[-1:], "all": memories}[attends]:
                draft.link(memory, layer, "attention")
            before = layer
        draft.note("width", "encoder depth", "heads")
        if any(kind != "transformer" and attends != "none" for kind, attends in architecture.layers):
            draft.remark("recurrent layer with attention", "what it reads is added before it attends")
        return draft.end()

    def _draw_encoder(self, draft: Draft, chosen: dict[str, str]) -> list[int]:
        """Append the boxes of the encoder and return those of its layers."""
        kind = chosen["encoder"].removesuffix("_encoder")
        before = draft.box(label="embedding", words="embedding of the source", layer="encoder")
        layers: list[int] = []
        for number in range(1, int(chosen["encoder depth"].rpartition("_")[2]) + 1):
            layer = draft.box(
                *([] if layers else ["encoder"]),
                label=chosen["encoder"],
                words=f"encoder layer {number}: {DRAWN.get(kind, IN_WORDS[kind])}",
                layer="encoder",
                mark="self-attention" if kind == "transformer" else "steps",
            )
            draft.link(before, layer, "sum")
            layers.append(layer)
            before = layer
        return layers

    def isomorphism_class(self, architecture: HeadedChain) -> str:
        """Return the text with attention to the last layer where the encoder has one layer alone.

        Where nothing attends to anything, and no layer is a transformer's, heads are the first number.
        """
        chosen, layers = self.chosen(architecture), architecture.layers
        if chosen["encoder depth"] == "encoder_depth_1" and "last" in self.attends:
            layers = tuple((kind, "last" if attends == "all" else attends) for kind, attends in layers)
        transformers = chosen["encoder"] == "transformer_encoder" or any(
            kind == "transformer" for kind, _ in layers
        )
        if not transformers and all(attends == "none" for _, attends in layers):
            chosen["heads"] = f"heads_{self.heads[0]}"
        return str(HeadedChain(tuple(chosen.values()), layers))

    def network(self, architecture: HeadedChain) -> Network:
        chosen = self.chosen(architecture)
        width, depth, heads = (
            int(chosen[aspect].rpartition("_")[2]) for aspect in ("width", "encoder depth", "heads")
        )
        sizes = Sizes(width, heads, self.vocabulary, (self.lengths[0], self.lengths[1]))
        encoder = Encoder(chosen["encoder"].removesuffix("_encoder"), depth)
        layers = [DecoderLayer(kind, attends) for kind, attends in architecture.layers]
        return build_network(sizes, encoder, layers, self.outputs)
