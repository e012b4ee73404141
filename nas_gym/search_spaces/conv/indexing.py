"""Counting and numbering the architectures of the conv space, exactly, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.search_spaces.conv.architecture import Conv, Layer, skip_pairs


class ConvIndex:
    """A bijection between architectures and ``range(size)``: by depth, then chain, then skips.

    Chains of one depth are in the lexicographic order of `choices`, skips in that of the binary
    number whose lowest bit is the first of `skip_pairs`.

    Args:
        choices: the possible layers.
        max_layers: most layers of a chain.
        max_pools: most pools of a chain.
    """

    def __init__(self, choices: Sequence[Layer], max_layers: int, max_pools: int) -> None:
        self._choices = tuple(choices)
        self._max_pools = max_pools
        self._before = {layer: _tally(choices[:number]) for number, layer in enumerate(choices)}
        self._chains = _count_chains(*_tally(choices), max_layers, max_pools)
        self._first = [0]
        for depth in range(1, max_layers + 1):
            chains = self._chains[depth][max_pools]
            self._first.append(self._first[-1] + (chains << len(skip_pairs(depth))))
        self.size = self._first[-1]

    def index(self, architecture: Conv) -> int:
        """Return the number of an architecture."""
        depth = len(architecture.layers)
        pairs = skip_pairs(depth)
        skips = sum(1 << bit for bit, pair in enumerate(pairs) if pair in architecture.skips)
        return self._first[depth - 1] + (self._rank(architecture.layers) << len(pairs)) + skips

    def architecture(self, index: int) -> Conv:
        """Return the architecture of a number.

        Raises:
            IndexError: if it is not in ``range(size)``.
        """
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} is not in range({self.size})")
        depth = next(depth for depth, first in enumerate(self._first) if index < first)
        pairs = skip_pairs(depth)
        rank, skips = divmod(index - self._first[depth - 1], 1 << len(pairs))
        chosen = frozenset(pair for bit, pair in enumerate(pairs) if skips >> bit & 1)
        return Conv(self._chain(depth, rank), chosen)

    def _rank(self, layers: Sequence[Layer]) -> int:
        rank, pools = 0, self._max_pools
        for layer, after in zip(layers, reversed(range(len(layers))), strict=True):
            convolutions_before, pools_before = self._before[layer]
            rank += convolutions_before * self._chains[after][pools]
            if pools:
                rank += pools_before * self._chains[after][pools - 1]
            pools -= layer.pools
        return rank

    def _chain(self, depth: int, rank: int) -> tuple[Layer, ...]:
        layers, pools = [], self._max_pools
        for after in reversed(range(depth)):
            for layer in self._choices:
                if layer.pools and not pools:
                    continue
                chains = self._chains[after][pools - layer.pools]
                if rank < chains:
                    break
                rank -= chains
            layers.append(layer)
            pools -= layer.pools
        return tuple(layers)


def _tally(layers: Sequence[Layer]) -> tuple[int, int]:
    """Return how many of the layers are convolutions and how many are pools."""
    pools = sum(layer.pools for layer in layers)
    return len(layers) - pools, pools


def _count_chains(convolutions: int, pools: int, max_layers: int, max_pools: int) -> list[list[int]]:
    """Return how many chains there are, by their length and the most pools they may have."""
    counts = [[1] * (max_pools + 1)]
    for _ in range(max_layers):
        shorter = counts[-1]
        counts.append(
            [
                convolutions * shorter[left] + (pools * shorter[left - 1] if left else 0)
                for left in range(max_pools + 1)
            ]
        )
    return counts
