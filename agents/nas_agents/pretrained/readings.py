"""What the network of an architecture does, as numbers that no name and no numbering enters.

They are read off the graph of the network by dynamic programming along its paths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from nas_gym.networks import ACTIVATIONS, Activation, Network, Node

READINGS = (
    "parameters",
    "flops",
    "connected",
    "longest path",
    "shortest path",
    "mean path",
    "paths",
    "weighted operations",
    "receptive field",
    "widest kernel share",
    "local means",
    "halvings",
    "sums",
    "plain shortcuts",
    "narrowest",
    "widest",
    "first width",
    "last width",
    "nonlinear",
    "saturating",
    "linear",
)
"""The readings of a network, in order. Sizes are logarithms, shares are in [0, 1], the others are counts."""
MOST_PATHS = 1e12
_SIZES: dict[tuple[Any, ...], tuple[int, int]] = {}


class Behaviour(NamedTuple):
    """What a function of one number does: how far from a line it is, and whether its ends are flat."""

    nonlinearity: float
    saturation: float


class _Ways(NamedTuple):
    """The ways from the input to a node: in weighted operations, and what they see."""

    longest: int
    shortest: int
    total: float
    ways: float
    field: float


def read_network(network: Network) -> np.ndarray:
    """Return the readings of a network, float64 (`READINGS`,)."""
    nodes = network.nodes
    used = live_nodes(nodes)
    sizes = {number: size_of(nodes[number]) for number in used}
    ways: dict[int, _Ways] = {}
    for number in used:
        ways[number] = _through(nodes, number, ways, step=min(sizes[number]) > 0)
    live = [nodes[number] for number in used]
    weights = [number for number in used if min(sizes[number]) > 0]
    weighted = [nodes[number] for number in weights]
    widths = [math.log2(node.shape[0]) for node in weighted[:-1]] or [0.0]
    functions = [node for node in live if isinstance(node.operation, Activation)]
    behaviours = [behaviour(node.function) for node in functions] or [Behaviour(0.0, 0.0)]
    last = ways.get(len(nodes) - 1, _Ways(0, 0, 0.0, 1.0, 1.0))
    parameters = sum(sizes[number][0] for number in weights)
    wide = sum(sizes[number][0] for number in weights if nodes[number].kernel > 1)
    merged = merged_sums(nodes, used)
    sums = [number for number in used if number not in merged and _joins(nodes, number, ways)]
    plain = sum(_joins_a_shortcut(nodes, number, ways) for number in sums)
    return np.array(
        [
            math.log(1 + parameters),
            math.log(1 + sum(sizes[number][1] for number in weights)),
            float(len(nodes) - 1 in ways),
            last.longest,
            last.shortest,
            last.total / last.ways,
            math.log(last.ways),
            len(weighted),
            math.log2(last.field),
            wide / max(1, parameters),
            sum(is_window(node) and node.stride == 1 for node in live),
            sum(node.stride > 1 for node in live),
            len(sums),
            plain,
            min(widths),
            max(widths),
            widths[0],
            widths[-1],
            float(np.mean([one.nonlinearity for one in behaviours])),
            float(np.mean([one.saturation for one in behaviours])),
            float(np.mean([one.nonlinearity < 1e-9 for one in behaviours])),
        ]
    )


def live_nodes(nodes: Sequence[Node]) -> list[int]:
    """Return the nodes that the output depends on and that depend on the input, in order."""
    return _used(nodes, _fed(nodes))


def is_weighted(node: Node) -> bool:
    """Return whether a node multiplies by weights."""
    return min(size_of(node)) > 0


def is_window(node: Node) -> bool:
    """Return whether a node reads windows without weights, as pools do."""
    return node.kernel > 1 and not size_of(node)[0]


def _fed(nodes: Sequence[Node]) -> set[int]:
    """Return the nodes whose values depend on the input."""
    fed = {0}
    for number, node in enumerate(nodes):
        if not node.operation.gives_zeros and any(source in fed for source in node.inputs):
            fed.add(number)
    return fed


def _used(nodes: Sequence[Node], fed: set[int]) -> list[int]:
    """Return the nodes between the input and the output, in order."""
    needed: set[int] = {len(nodes) - 1} & fed
    for number in range(len(nodes) - 1, -1, -1):
        if number in needed:
            needed.update(source for source in nodes[number].inputs if source in fed)
    return sorted(needed)


def _through(nodes: Sequence[Node], number: int, ways: dict[int, _Ways], *, step: bool) -> _Ways:
    node = nodes[number]
    before = [ways[source] for source in node.inputs if source in ways]
    if not before:
        return _Ways(0, 0, 0.0, 1.0, 1.0)
    count = min(MOST_PATHS, sum(one.ways for one in before))
    mean = sum(one.total for one in before) / sum(one.ways for one in before)
    return _Ways(
        max(one.longest for one in before) + step,
        min(one.shortest for one in before) + step,
        (mean + step) * count,
        count,
        max(one.field for one in before) + reach(nodes, number),
    )


def merged_sums(nodes: Sequence[Node], used: Sequence[int]) -> set[int]:
    """Return the sums that only another sum reads, or that have one term: they are no sums of their own."""
    alive, readers = set(used), dict[int, list[int]]()
    for number in used:
        for source in nodes[number].inputs:
            readers.setdefault(source, []).append(number)
    sums = {number for number in used if nodes[number].operation.sums}
    return {
        number
        for number in sums
        if (len(readers.get(number, ())) == 1 and readers[number][0] in sums)
        or sum(source in alive for source in nodes[number].inputs) == 1
    }


def _joins(nodes: Sequence[Node], number: int, ways: dict[int, _Ways]) -> bool:
    """Return whether a node sums several values that depend on the input of the network."""
    node = nodes[number]
    return node.operation.sums and sum(source in ways for source in node.inputs) > 1


def _joins_a_shortcut(nodes: Sequence[Node], number: int, ways: dict[int, _Ways]) -> bool:
    """Return whether a sum adds branches of unequal depth, as a residual block does."""
    depths = {ways[source].longest for source in nodes[number].inputs if source in ways}
    return len(depths) > 1 or ways[number].shortest < ways[number].longest


def reach(nodes: Sequence[Node], number: int) -> float:
    """Return by how many positions of the input a node widens what it sees."""
    node = nodes[number]
    return (node.kernel - 1) * _side(nodes[0]) / _side_in(node) if node.kernel > 1 else 0.0


def size_of(node: Node) -> tuple[int, int]:
    """Return the parameters and FLOPs of a node; nodes alike but for their inputs are counted once."""
    key = (
        type(node.operation),
        node.input_shape,
        node.shape,
        node.kernel,
        node.stride,
        node.groups,
        node.bias,
        node.options,
    )
    if key not in _SIZES:
        _SIZES[key] = (node.parameters, node.flops)
    return _SIZES[key]


def _side(node: Node) -> int:
    return node.shape[-1] if len(node.shape) > 1 else 1


def _side_in(node: Node) -> int:
    return node.input_shape[-1] if len(node.input_shape) > 1 else 1


@lru_cache
def behaviour(function: str) -> Behaviour:
    """Return what an activation does, as measured on a grid."""
    import torch

    if function not in ACTIVATIONS:
        return Behaviour(0.5, 0.0)
    x = torch.linspace(-4, 4, 81, dtype=torch.float64)
    from nas_gym.networks import NetworkBuilder

    builder = NetworkBuilder((1,))
    node = builder.build(builder.activation(builder.input, function)).nodes[-1]
    y = Activation().forward(node, [x], {}, training=False).numpy()
    grid = x.numpy()
    line = np.polyval(np.polyfit(grid, y, 1), grid)
    slopes = np.gradient(y, grid)
    flat = np.abs(slopes[[0, -1]]) < 0.1 * np.abs(slopes).max()
    return Behaviour(float(np.std(y - line) / max(1e-9, np.std(y))), float(flat.mean()))
