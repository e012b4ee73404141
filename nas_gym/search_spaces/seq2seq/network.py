"""The network of an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas_gym.networks import Network, NetworkBuilder

FEED_FORWARD = 2
"""How many times as wide as a transformer's layer the feed-forward part inside is."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """The encoder of a network.

    Attributes:
        kind: ``"gru"``, ``"lstm"``, ``"rnn"``, ``"both_ways"``, a GRU in each direction, or
            ``"transformer"``.
        layers: number of its layers.
    """

    kind: str
    layers: int


@dataclass(frozen=True, slots=True)
class DecoderLayer:
    """A layer of the decoder.

    Attributes:
        kind: ``"gru"``, ``"lstm"``, ``"rnn"`` or ``"transformer"``.
        attends: to ``"none"``, the ``"last"`` or ``"all"`` layers of the encoder.
    """

    kind: str
    attends: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """What all layers share: numbers of each token, and heads of each attention; codes and lengths."""

    width: int
    heads: int
    vocabulary: int
    lengths: tuple[int, int]


def build_network(sizes: Sizes, encoder: Encoder, decoder: Sequence[DecoderLayer], outputs: int) -> Network:
    """Return the network of an encoder and a decoder.

    Both embed tokens by themselves. What the encoder says, in the mean over the tokens of the source, is
    added to every input of the decoder; attention adds what a position asks for.
    """
    source, positions = sizes.lengths
    builder = NetworkBuilder((source + positions,))
    parts = _Parts(builder, sizes)
    codes = builder.select(builder.input, range(source))
    mask = builder.padding_mask(codes)
    node = parts.embedding(codes, "encoder", placed=encoder.kind == "transformer")
    memories = []
    for _ in range(encoder.layers):
        if encoder.kind == "transformer":
            node = parts.self_attention(node, mask, layer="encoder")
            node = parts.feed_forward(node, layer="encoder")
        else:
            node = parts.recurrent(node, encoder.kind, mask, layer="encoder")
        memories.append(node)
    summary = builder.linear(builder.masked_mean(node, mask), sizes.width, layer="summary")
    answered = builder.select(builder.input, range(source, source + positions))
    # Nothing is asked behind the end of an answer, so that the decoder needs no mask.
    node = parts.embedding(
        answered, "decoder embedding", placed=any(one.kind == "transformer" for one in decoder)
    )
    node = builder.add(node, builder.spread(summary, positions, layer="summary"), layer="summary")
    for number, one in enumerate(decoder, start=1):
        layer = f"{number} {one.kind}-{one.attends}"
        asked = {"none": [], "last": memories[-1:], "all": memories}[one.attends]
        if one.kind == "transformer":
            node = parts.self_attention(node, None, layer=layer, causal=True)
            if asked:
                asking = builder.channel_norm(node, "layer", layer=layer)
                node = builder.add(node, *parts.attended(asking, asked, mask, layer), layer=layer)
            node = parts.feed_forward(node, layer=layer)
        else:
            node = parts.recurrent(node, one.kind, None, layer=layer)
            if asked:  # Luong, Pham and Manning 2015, equation 5
                own = builder.conv(node, sizes.width, 1, bias=True, layer=layer)
                mixed = builder.add(own, *parts.attended(node, asked, mask, layer), layer=layer)
                node = builder.activation(mixed, "tanh", layer=layer)
    names = outputs // positions
    logits = builder.conv(node, names, 1, bias=True, layer="output")
    return builder.build(builder.flatten(logits, layer="output"))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Appends what encoders and decoders are made of."""

    builder: NetworkBuilder
    sizes: Sizes

    def embedding(self, codes: int, layer: str, *, placed: bool) -> int:
        node = self.builder.embedding(codes, self.sizes.width, codes=self.sizes.vocabulary, layer=layer)
        return self.builder.positions(node, "sines", layer=layer) if placed else node

    def recurrent(self, node: int, kind: str, mask: int | None, *, layer: str) -> int:
        """Append a recurrent layer, or one in each direction, and add what it reads (Wu et al. 2016)."""
        both = kind == "both_ways"
        ways = [
            self.builder.recurrent(
                node, "gru" if both else kind, self.sizes.width, mask=mask, reverse=reverse, layer=layer
            )
            for reverse in (False, True)[: 1 + both]
        ]
        return self.builder.add(node, *ways, layer=layer)

    def self_attention(self, node: int, mask: int | None, *, layer: str, causal: bool = False) -> int:
        normal = self.builder.channel_norm(node, "layer", layer=layer)
        q, k, v = (self._pointwise(normal, layer) for _ in range(3))
        found = self.builder.attention(q, k, v, mask, heads=self.sizes.heads, causal=causal, layer=layer)
        return self.builder.add(node, self._pointwise(found, layer), layer=layer)

    def attended(self, node: int, memories: Sequence[int], mask: int, layer: str) -> list[int]:
        """Append what each position of `node` finds in each layer of the encoder."""
        found = []
        for memory in memories:
            q, k, v = (self._pointwise(each, layer) for each in (node, memory, memory))
            mixed = self.builder.attention(q, k, v, mask, heads=self.sizes.heads, layer=layer)
            found.append(self._pointwise(mixed, layer))
        return found

    def feed_forward(self, node: int, *, layer: str) -> int:
        normal = self.builder.channel_norm(node, "layer", layer=layer)
        inside = self.builder.conv(normal, FEED_FORWARD * self.sizes.width, 1, bias=True, layer=layer)
        inside = self.builder.activation(inside, "relu", layer=layer)
        return self.builder.add(node, self._pointwise(inside, layer), layer=layer)

    def _pointwise(self, node: int, layer: str) -> int:
        return self.builder.conv(node, self.sizes.width, 1, bias=True, layer=layer)
