"""The live graph of a network for message passing: what its operations do, and which feeds which.

A node is an operation that has weights, reads windows, or joins several values; activations, normalisations
and the like are told by the node that reads through them. Numbers of a node say what its operation does. No
name and no numbering enters, and the order of nodes and of edges means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nas_agents.pretrained.readings import (
    behaviour,
    is_weighted,
    is_window,
    live_nodes,
    merged_sums,
    reach,
    size_of,
)
from nas_gym.networks import Activation, MaxPool, Network, Node

NODE_FEATURES = (
    "parameters",
    "flops",
    "free of weights",
    "receptive field",
    "mixes positions",
    "mixes channels",
    "linear",
    "halving",
    "joined values",
    "channels",
    "positions",
    "nonlinearity before",
    "saturation before",
    "normalised before",
    "output",
)
"""What is read of an operation, in order. Sizes are logarithms, the rest are shares or counts."""
ROUNDS = 2
"""Rounds of messages. The pieces that tell classes of networks apart reach as far, and one further."""
NODES = 16.0
"""Nodes that a sum over a graph is told in."""


class Graph(NamedTuple):
    """The live graph of one network.

    Attributes:
        nodes: float32 (nodes, `NODE_FEATURES`).
        sources: int32 (edges,), the node that an edge leaves.
        targets: int32 (edges,), the node that it enters.
    """

    nodes: np.ndarray
    sources: np.ndarray
    targets: np.ndarray


class GraphBatch(NamedTuple):
    """Several graphs as one.

    Attributes:
        nodes: float32 (nodes, `NODE_FEATURES`).
        sources: int64 (edges,).
        targets: int64 (edges,).
        owners: int64 (nodes,), the number of the graph that a node belongs to.
        graphs: number of graphs.
    """

    nodes: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    owners: np.ndarray
    graphs: int


NO_GRAPH = Graph(np.zeros((0, len(NODE_FEATURES)), np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32))
"""The graph of an architecture whose space builds no networks, or whose output is cut off."""


class _Passed(NamedTuple):
    """What a value went through on its way to a node: the strongest bend, flat ends, a normalisation."""

    nonlinearity: float
    saturation: float
    normalised: float


UNCHANGED = _Passed(0.0, 0.0, 0.0)


def read_graph(network: Network) -> Graph:
    """Return the live graph of a network."""
    nodes = network.nodes
    used = live_nodes(nodes)
    merged = merged_sums(nodes, used)
    sources: dict[int, list[tuple[int, _Passed]]] = {}
    rows: list[np.ndarray] = []
    edges: list[tuple[int, int]] = []
    for number in used:
        node = nodes[number]
        before = [each for source in node.inputs for each in sources.get(source, ())]
        joins = len(before) != 1 and number not in merged
        if joins or is_weighted(node) or is_window(node) or number == len(nodes) - 1:
            row = len(rows)
            rows.append(_features(nodes, number, [passed for _, passed in before]))
            edges.extend((source, row) for source, _ in before)
            sources[number] = [(row, UNCHANGED)]
        elif node.operation.sums:
            sources[number] = before
        else:
            sources[number] = [(source, _after(node, passed)) for source, passed in before]
    if not rows:
        return NO_GRAPH
    ends = np.array(edges, dtype=np.int32).reshape(-1, 2)
    return Graph(np.array(rows, dtype=np.float32), ends[:, 0].copy(), ends[:, 1].copy())


def joined_graphs(graphs: Sequence[Graph]) -> GraphBatch:
    """Return several graphs as one."""
    sizes = np.array([len(graph.nodes) for graph in graphs], dtype=np.int64)
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    counts = [len(graph.sources) for graph in graphs]
    shift = np.repeat(firsts, counts)
    return GraphBatch(
        np.concatenate([NO_GRAPH.nodes, *(graph.nodes for graph in graphs)]),
        np.concatenate([NO_GRAPH.sources, *(graph.sources for graph in graphs)]).astype(np.int64) + shift,
        np.concatenate([NO_GRAPH.targets, *(graph.targets for graph in graphs)]).astype(np.int64) + shift,
        np.repeat(np.arange(len(graphs), dtype=np.int64), sizes),
        len(graphs),
    )


def _after(node: Node, passed: _Passed) -> _Passed:
    """Return what a value went through when it has gone through a node, too."""
    if isinstance(node.operation, Activation):
        own = behaviour(node.function)
        return _Passed(
            max(passed.nonlinearity, own.nonlinearity),
            max(passed.saturation, own.saturation),
            passed.normalised,
        )
    return passed._replace(normalised=1.0) if node.operation.normalises else passed


def _features(nodes: Sequence[Node], number: int, before: Sequence[_Passed]) -> np.ndarray:
    node = nodes[number]
    passed = np.mean(before, axis=0) if before else np.array(UNCHANGED)
    field = math.log2(1 + reach(nodes, number))
    own = _own(node)
    last = float(number == len(nodes) - 1)
    return np.array([*own[:3], field, *own[3:7], max(0, len(before) - 1), *own[7:], *passed, last])


@lru_cache(maxsize=100_000)
def _of_kind(
    parameters: int, flops: int, kernel: int, groups: int, stride: int, shape: tuple[int, ...]
) -> tuple[float, ...]:
    weighted = min(parameters, flops) > 0
    return (
        math.log1p(parameters),
        math.log1p(flops),
        float(not weighted),
        float(kernel > 1),
        float(weighted and groups == 1),
        math.log2(stride),
        math.log2(max(1, shape[0])),
        math.log2(max(1, math.prod(shape[1:]))),
    )


def _own(node: Node) -> tuple[float, ...]:
    """Return what a node does by itself, in the order of `NODE_FEATURES` but for what is around it."""
    parameters, flops = size_of(node)
    made = _of_kind(parameters, flops, node.kernel, node.groups, node.stride, node.shape)
    # A largest value of a window is not a linear function of it.
    linear = float(not isinstance(node.operation, MaxPool | Activation))
    return (*made[:5], linear, *made[5:])
