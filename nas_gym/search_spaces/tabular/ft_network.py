"""The network of a transformer over the columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from nas_gym.networks import GATES, Network, NetworkBuilder, Shape

LAYER = "tokens"
Block = tuple[int, str, int]
"""Heads of the attention; activation and units of the feed-forward part."""


@dataclass(frozen=True)
class TokenColumns:
    """Where the columns of a table lie among its features, each of which becomes a token.

    Attributes:
        numbers: places of the features that are numbers by themselves.
        categories: ranges (start, stop) of the features of columns of categories.
    """

    numbers: tuple[int, ...]
    categories: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, widths: Sequence[int]) -> TokenColumns:
        """Return the places of columns of so many features each, 1 for a number."""
        ranges = [(end - width, end) for width, end in zip(widths, accumulate(widths), strict=True)]
        numbers = tuple(start for start, stop in ranges if stop - start == 1)
        return cls(numbers, tuple(each for each in ranges if each[1] - each[0] > 1))


@dataclass(frozen=True)
class TokenSizes:
    """Sizes of what tokens are made of.

    Attributes:
        channels: numbers of a token.
        frequencies: of a periodic embedding of a number.
        bins: intervals of a piecewise linear one.
    """

    channels: int
    frequencies: int
    bins: int


def ft_network(
    input_shape: Shape,
    outputs: int,
    columns: TokenColumns,
    sizes: TokenSizes,
    chosen: Mapping[str, str],
    blocks: Sequence[Block],
) -> Network:
    """Return a network: tokens, blocks that add to them, and an answer from one token or from their mean.

    A block normalises its input, but the first attention reads the tokens as they are; a layer norm, relu
    and a linear layer give the answer (Gorishniy et al. 2021, section 3.3).

    Args:
        input_shape: shape of one example, which is flattened.
        outputs: numbers that the network gives for one example.
        columns: where the columns lie.
        sizes: sizes of tokens.
        chosen: the choice for the whole network of each aspect.
        blocks: heads, activation and units of each block.
    """
    builder = NetworkBuilder(input_shape)
    apart = chosen["answer"] == "answer_token"
    node = _tokens(builder, columns, sizes, chosen.get("numbers", "plain"), answer=apart)
    rate = float(chosen["dropout"].rpartition("_")[2])
    for number, block in enumerate(blocks, start=1):
        heads, activation, width = block
        layer = f"{number} heads_{heads}-{activation}-{width}"
        normal = node if number == 1 else builder.channel_norm(node, "layer", layer=layer)
        node = builder.add(node, _attention(builder, normal, heads, layer), layer=layer)
        normal = builder.channel_norm(node, "layer", layer=layer)
        node = builder.add(node, _feedforward(builder, normal, block, rate, layer), layer=layer)
    if apart:
        length = builder.shape(node)[1]
        last = [channel * length + length - 1 for channel in range(sizes.channels)]
        read = builder.select(builder.flatten(node, layer="output"), last, layer="output")
    else:
        read = builder.global_avg_pool(node, layer="output")
    read = builder.activation(builder.layer_norm(read, layer="output"), "relu", layer="output")
    return builder.build(builder.linear(read, outputs, layer="output"))


def _tokens(
    builder: NetworkBuilder, columns: TokenColumns, sizes: TokenSizes, form: str, *, answer: bool
) -> int:
    """Append a token for each number, then one for each column of categories, then one for the answer."""
    x, count, each = builder.flatten(builder.input, layer=LAYER), len(columns.numbers), 1
    categories = [place for start, stop in columns.categories for place in range(start, stop)]
    if form == "plain" or not count:
        features = builder.select(x, [*columns.numbers, *categories], layer=LAYER)
    else:
        numbers = builder.select(x, columns.numbers, layer=LAYER)
        if form == "periodic":
            made = builder.periodic(numbers, sizes.frequencies, layer=LAYER)
        else:
            made = builder.piecewise_linear(numbers, sizes.bins, layer=LAYER)
        each = builder.shape(made)[0] // count
        rest = [builder.select(x, categories, layer=LAYER)] if categories else []
        features = builder.concat(made, *rest, layer=LAYER)
    widths = [stop - start for start, stop in columns.categories]
    return builder.feature_tokens(
        features, sizes.channels, numbers=count, each=each, categories=widths, answer=answer, layer=LAYER
    )


def _attention(builder: NetworkBuilder, node: int, heads: int, layer: str) -> int:
    """Append what each token takes from all tokens."""
    channels = builder.shape(node)[0]
    q, k, v = (builder.conv(node, channels, 1, bias=True, layer=layer) for _ in range(3))
    mixed = builder.attention(q, k, v, heads=heads, layer=layer)
    return builder.conv(mixed, channels, 1, bias=True, layer=layer)


def _feedforward(builder: NetworkBuilder, node: int, block: Block, rate: float, layer: str) -> int:
    """Append two layers at each token by itself, of which a gate takes half of the first."""
    _, activation, width = block
    channels = builder.shape(node)[0]
    if activation in GATES:
        inside = builder.conv(node, 2 * width, 1, bias=True, layer=layer)
        inside = builder.gated(inside, activation, layer=layer)
    else:
        inside = builder.conv(node, width, 1, bias=True, layer=layer)
        inside = builder.activation(inside, activation, layer=layer)
    inside = builder.dropout(inside, rate, layer=layer)
    return builder.conv(inside, channels, 1, bias=True, layer=layer)
