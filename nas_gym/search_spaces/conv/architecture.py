"""The architectures of the conv space: chains of layers with skip connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nas_gym.search_spaces.description import activation_words

POOLS = {"max_pool": "maximum pooling", "avg_pool": "average pooling"}
"""The pools, in words."""
Skip = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: a pool, or a convolution with its channels and activation."""

    operation: str
    channels: int = 0
    activation: str = ""

    @property
    def pools(self) -> bool:
        """Whether it halves every side."""
        return self.operation in POOLS

    @property
    def is_separable(self) -> bool:
        """Whether it convolves each channel by itself, then all of them by a width of 1."""
        return self.operation.startswith("sep")

    @property
    def kernel(self) -> int:
        """The width of a convolution."""
        return int(self.operation.removeprefix("conv").removeprefix("sep"))

    @property
    def words(self) -> str:
        """The layer as reports say it."""
        if self.pools:
            return POOLS[self.operation]
        kind = "separable convolution" if self.is_separable else "convolution"
        width, activation = self.kernel, activation_words(self.activation)
        return f"a {kind} of width {width} with {self.channels} channels and {activation}"

    def __str__(self) -> str:
        return self.operation if self.pools else f"{self.operation}-{self.channels}-{self.activation}"


@dataclass(frozen=True, slots=True)
class Conv:
    """A chain of layers; a skip (i, j) adds the output of layer i to that of layer j.

    Attributes:
        layers: from the input to the output, numbered from 1; 0 is the input.
        skips: pairs (i, j) with 0 <= i, i + 2 <= j <= depth.
    """

    layers: tuple[Layer, ...]
    skips: frozenset[Skip] = frozenset()

    def __str__(self) -> str:
        chain = " > ".join(map(str, self.layers))
        return chain + "".join(f" + skip {source}-{target}" for source, target in self.ordered_skips)

    @property
    def ordered_skips(self) -> list[Skip]:
        """The skips in the order of the text, by target, then source."""
        return sorted(self.skips, key=lambda skip: skip[::-1])

    @property
    def pools(self) -> int:
        """The number of pools."""
        return sum(layer.pools for layer in self.layers)

    def inserted(self, gap: int, layer: Layer) -> Conv:
        """Return this architecture with a layer after layer `gap`; skips stay between their two layers."""
        layers = (*self.layers[:gap], layer, *self.layers[gap:])
        return _renumbered(layers, ((i + (i > gap), j + (j > gap)) for i, j in self.skips))

    def removed(self, number: int) -> Conv:
        """Return this architecture without a layer, its skips, and those left with no layer to skip."""
        layers = (*self.layers[: number - 1], *self.layers[number:])
        kept = (skip for skip in self.skips if number not in skip)
        return _renumbered(layers, ((i - (i > number), j - (j > number)) for i, j in kept))

    def replaced(self, number: int, layer: Layer) -> Conv:
        """Return this architecture with another layer in the place of a layer."""
        return replace(self, layers=(*self.layers[: number - 1], layer, *self.layers[number:]))


def swaps_between(layer: Layer, other: Layer) -> int:
    """Return how many swaps make a layer another one; a pool becomes a convolution at once."""
    if layer.pools or other.pools:
        return int(layer != other) if layer.pools == other.pools else 1
    return (
        (layer.operation != other.operation)
        + (layer.channels != other.channels)
        + (layer.activation != other.activation)
    )


def skip_pairs(depth: int) -> tuple[Skip, ...]:
    """Return the skips that `depth` layers allow, by target, then source; fewer layers allow a prefix."""
    return tuple((source, target) for target in range(2, depth + 1) for source in range(target - 1))


def _renumbered(layers: tuple[Layer, ...], skips: Iterable[Skip]) -> Conv:
    return Conv(layers, frozenset((i, j) for i, j in skips if j >= i + 2))
