"""The network of an architecture for tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.layered.architecture import Layer, layer_text

LEAST_EMBEDDED = 5
"""Categories from which a column has an embedding: of fewer it would hardly be smaller than one-hot."""


@dataclass(frozen=True)
class Columns:
    """Where the columns of a table lie among its features.

    Attributes:
        numbers: places of the features that are numbers by themselves.
        small: places of the features of columns of few categories.
        large: ranges (start, stop) of the features of columns that can have an embedding.
    """

    numbers: tuple[int, ...]
    small: tuple[int, ...]
    large: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, widths: Sequence[int]) -> Columns:
        """Return the places of columns of so many features each, 1 for a number."""
        ranges = [(end - width, end) for width, end in zip(widths, accumulate(widths), strict=True)]
        numbers = tuple(start for start, stop in ranges if stop - start == 1)
        sizes = [(start, stop) for start, stop in ranges if stop - start > 1]
        small = tuple(
            place for start, stop in sizes if stop - start < LEAST_EMBEDDED for place in range(start, stop)
        )
        return cls(numbers, small, tuple(each for each in sizes if each[1] - each[0] >= LEAST_EMBEDDED))


@dataclass(frozen=True)
class Sizes:
    """Sizes of embeddings.

    Attributes:
        frequencies: of a periodic embedding of a number.
        bins: intervals of a piecewise linear one.
        embedding: most numbers for a category.
    """

    frequencies: int
    bins: int
    embedding: int


def build_network(
    input_shape: Shape,
    outputs: int,
    columns: Columns,
    sizes: Sizes,
    chosen: Mapping[str, str],
    layers: Sequence[Layer],
) -> Network:
    """Return a network.

    A layer is a linear layer, a normalisation, an activation and dropout. With shortcuts its input is added
    to its result where they have one width.

    Args:
        input_shape: shape of one example, which is flattened.
        outputs: numbers that the network gives for one example.
        columns: where the columns lie.
        sizes: sizes of embeddings.
        chosen: the choice for the whole network of each aspect.
        layers: (width, activation) of each layer.
    """
    builder = NetworkBuilder(input_shape)
    node = -1
    for number, (width, activation) in enumerate(layers, start=1):
        layer = f"{number} {layer_text((width, activation))}"
        if number == 1:
            parts = _embedded(builder, columns, sizes, chosen)
            # The sum of linear layers of the parts is one of all of them side by side.
            made = [
                builder.linear(part, width, bias=not place, layer=layer) for place, part in enumerate(parts)
            ]
            inside = builder.add(*made, layer=layer)
        else:
            inside = builder.linear(node, width, layer=layer)
        if chosen["normalisation"] == "batch_norm":
            inside = builder.batch_norm(inside, layer=layer)
        if chosen["normalisation"] == "layer_norm":
            inside = builder.layer_norm(inside, layer=layer)
        inside = builder.activation(inside, activation, layer=layer)
        inside = builder.dropout(inside, float(chosen["dropout"].rpartition("_")[2]), layer=layer)
        shortcut = number > 1 and chosen["shortcuts"] == "residual" and builder.shape(node) == (width,)
        node = builder.add(node, inside, layer=layer) if shortcut else inside
    return builder.build(builder.linear(node, outputs, layer="output"))


def _embedded(
    builder: NetworkBuilder, columns: Columns, sizes: Sizes, chosen: Mapping[str, str]
) -> list[int]:
    """Return the nodes that stand for the columns: numbers, categories in one-hot form, embeddings."""
    x = builder.flatten(builder.input)
    numbers, categories = chosen.get("numbers", "plain"), chosen.get("categories", "one_hot")
    plain = list(columns.small)
    embeddings: list[int] = []
    for start, stop in columns.large:
        if categories == "one_hot":
            plain += range(start, stop)
        else:
            size = max(2, min(sizes.embedding, (stop - start + 1) // 2))
            column = builder.select(x, range(start, stop), layer="categories")
            embeddings.append(builder.category_embedding(column, size, layer="categories"))
    if numbers == "plain" or not columns.numbers:
        plain = sorted([*columns.numbers, *plain])
        return [*([builder.select(x, plain)] if plain else []), *embeddings]
    node = builder.select(x, columns.numbers, layer="numbers")
    if numbers == "periodic":
        node = builder.periodic(node, sizes.frequencies, layer="numbers")
    else:
        node = builder.piecewise_linear(node, sizes.bins, layer="numbers")
    return [node, *([builder.select(x, sorted(plain))] if plain else []), *embeddings]
