"""Stacks of GRU, LSTM and plain recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.drawing import Drawing
from nas_gym.search_spaces.layered.chain import HeadedChain, HeadedChainSpace, Layer
from nas_gym.search_spaces.options import names, rates, whole, wholes
from nas_gym.search_spaces.recurrent.sequence import SequenceForm

KINDS = ("gru", "lstm", "rnn")
DIRECTIONS = ("forward", "both_ways")
READOUTS = ("last_state", "mean_state")
SHORTCUTS = ("chain", "residual")
IN_WORDS = {
    "gru": "gated recurrent units",
    "lstm": "units of long short-term memory",
    "rnn": "plain recurrent units",
    "forward": "layers that read forwards",
    "both_ways": "layers that read forwards and backwards",
    "last_state": "an answer from the last state",
    "mean_state": "an answer from the mean of all states",
    "chain": "no shortcuts",
    "residual": "shortcuts between layers of one width",
}


class RecurrentSpace(HeadedChainSpace):
    """Stacks of 1 to `max_layers` recurrent layers, each of a kind and a width, for tokens or signals.

    A layer is ``gru``, ``lstm`` or ``rnn``, the plain one of Elman. Chosen for the whole network are:

    - embedding, of tokens: how many numbers each has, ``embedding_16`` or ``embedding_32``;
    - direction: ``forward``, or ``both_ways``, where a layer is the sum of one that reads forwards and one
      that reads backwards; only forward where an answer must not see what follows;
    - readout, of one answer for the whole: ``last_state``, of both ends where layers go both ways, or
      ``mean_state``;
    - dropout behind every layer: ``dropout_0``, ``dropout_0.2``;
    - shortcuts: ``chain`` or ``residual``, where the input of a layer is added to its result if both have one
      width.

    Padding changes nothing: a state stays as it is where there are no tokens.

    Text: ``"embedding_32, forward, last_state, dropout_0, chain: gru-32 > lstm-64"``.

    Actions, in order: keep; add a layer (for each gap, each layer); remove a layer; swap the kind of a layer;
    swap its width; swap what is chosen for the whole.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer, and ``wholes``,
    MultiDiscrete, what is chosen for the whole.

    Args:
        input_shape: (length,) of tokens or (channels, length) of a signal.
        outputs: number of values that a network gives for one example.
        vocabulary: number of codes of tokens, from the task; 0 for signals.
        lengths: lengths of the sequences of an example of tokens, from the task.
        positions: answers of an example where there is one at each position, from the task; 0 for one.
        causal: whether an answer must not see what follows its position, from the task.
        max_layers: most layers.
        kinds: the kinds of layers to choose from.
        widths: the widths to choose from.
        embeddings: sizes of embeddings to choose from.
        dropouts: rates of dropout to choose from, in [0, 1).
        shortcuts: shortcuts to choose from.

    Raises:
        NASGymError: for a bad option, or examples that are neither tokens nor signals.
    """

    name = "recurrent"
    takes = ("vocabulary", "lengths", "positions", "causal")

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        vocabulary: int = 0,
        lengths: Sequence[int] = (),
        positions: int = 0,
        causal: bool = False,
        max_layers: int = 3,
        kinds: Sequence[str] = KINDS,
        widths: Sequence[int] = (16, 32, 64),
        embeddings: Sequence[int] = (16, 32),
        dropouts: Sequence[float] = (0.0, 0.2),
        shortcuts: Sequence[str] = SHORTCUTS,
    ) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs
        self.form = SequenceForm.of(self.name, input_shape, vocabulary, lengths, positions, causal)
        self.form.check(self.name, outputs)
        self.kinds = names("kinds of the recurrent space", "kind of the recurrent space", kinds, KINDS)
        self.widths = wholes("widths of the recurrent space", widths)
        self.embeddings = wholes("embeddings of the recurrent space", embeddings)
        self.dropouts = rates("dropouts of the recurrent space", dropouts)
        self.shortcuts = names("shortcuts of the recurrent space", "of the shortcuts", shortcuts, SHORTCUTS)
        found: dict[str, tuple[str, ...]] = {}
        if self.form.vocabulary:
            found["embedding"] = tuple(f"embedding_{size}" for size in self.embeddings)
        if not self.form.causal:
            found["direction"] = DIRECTIONS
        if not self.form.positions:
            found["readout"] = READOUTS
        found["dropout"] = tuple(f"dropout_{rate:g}" for rate in self.dropouts)
        found["shortcuts"] = self.shortcuts
        aspects = {"kind": self.kinds, "width": tuple(map(str, self.widths))}
        self.set_form(found, aspects, whole("max_layers of the recurrent space", max_layers))

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **self.form.config,
            "max_layers": self.max_layers,
            "kinds": list(self.kinds),
            "widths": list(self.widths),
            "embeddings": list(self.embeddings),
            "dropouts": list(self.dropouts),
            "shortcuts": list(self.shortcuts),
        }

    def members(self) -> dict[str, HeadedChain]:
        """Return a single layer of each kind, of the width in the middle, with nothing else."""
        width, wholes = str(self.widths[len(self.widths) // 2]), self.smallest().wholes
        return {kind: HeadedChain(wholes, ((kind, width),)) for kind in self.kinds}

    def whole_words(self, aspect: str, word: str) -> str:
        if aspect == "embedding":
            return f"{word.partition('_')[2]} numbers for each token"
        if aspect == "dropout":
            rate = float(word.partition("_")[2])
            return f"dropout of {100 * rate:g}%" if rate else "no dropout"
        return IN_WORDS[word]

    def layer_words(self, layer: Layer) -> str:
        kind, width = layer
        return f"{width} {IN_WORDS[kind]}"

    def whole_layer(self, aspect: str, word: str) -> str:
        return "embedding" if aspect == "embedding" else ""

    def drawing(self, architecture: HeadedChain) -> Drawing:
        draft, chosen = self.draft(architecture), self.chosen(architecture)
        before = draft.box("embedding") if "embedding" in chosen else 0
        width = int(chosen["embedding"].partition("_")[2]) if before else self.input_shape[0]
        for number, (_, own) in zip(draft.layers, architecture.layers, strict=True):
            layer = draft.box(number, mark="steps")
            # Of the last layer only its last state is left, which has another shape than what it reads.
            ends = number == draft.layers[-1] and chosen.get("readout") == "last_state"
            if chosen["shortcuts"] == "residual" and int(own) == width and not ends:
                draft.link(before, layer, "sum")
            before, width = layer, int(own)
        if "readout" in chosen:
            draft.box("readout")
        draft.note("direction", "dropout", "shortcuts")
        return draft.end()

    def network(self, architecture: HeadedChain) -> Network:
        chosen = self.chosen(architecture)
        builder = NetworkBuilder(self.input_shape)
        size = int(chosen.get("embedding", "_0").partition("_")[2])
        node, mask = self.form.begin(builder, size)
        both = chosen.get("direction") == "both_ways"
        ending = chosen.get("readout") == "last_state"
        for number, (kind, width) in enumerate(architecture.layers, start=1):
            layer, last = f"{number} {kind}-{width}", ending and number == len(architecture.layers)
            before = node
            ways = [
                builder.recurrent(node, kind, int(width), mask=mask, last=last, reverse=reverse, layer=layer)
                for reverse in (False, True)[: 1 + both]
            ]
            node = builder.add(*ways, layer=layer)
            node = builder.dropout(node, float(chosen["dropout"].partition("_")[2]), layer=layer)
            if chosen["shortcuts"] == "residual" and builder.shape(before) == builder.shape(node):
                node = builder.add(before, node, layer=layer)
        if chosen.get("readout") == "mean_state":
            node = builder.global_avg_pool(node) if mask is None else builder.masked_mean(node, mask)
        return builder.build(self.form.end(builder, node, self.outputs))
