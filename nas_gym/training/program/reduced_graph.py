"""The part of a network that training computes: without aliases, duplicates and dead nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nas_gym.networks import Network, Node, Shape

Signature = str


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node that is computed.

    Attributes:
        number: its number in the network, the one its parameters are named by.
        node: the operation.
        inputs: numbers of the nodes it reads, aliases resolved.
        reached: for each of them whether a gradient must reach it.
    """

    number: int
    node: Node
    inputs: tuple[int, ...]
    reached: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Graph:
    """The computed nodes of a network in topological order; nodes that nothing reads are left out.

    Attributes:
        nodes: by number.
        output: number of the node that gives the network's outputs.
        consumers: for each node, the (number, input position) of its readers, in order.
        trainable: numbers of the nodes that a gradient must reach.
    """

    nodes: dict[int, GraphNode]
    output: int
    consumers: dict[int, list[tuple[int, int]]]
    trainable: frozenset[int]


def graph_of(network: Network, *, to_input: bool = False) -> Graph:
    """Resolve aliases, merge equal parameter-free nodes and drop what the output does not need.

    Args:
        network: the network.
        to_input: whether a gradient must reach the input, too.
    """
    alias, kept = _reduced(network)
    return _finished(kept, alias[len(network.nodes) - 1], to_input)


def stand_ins(network: Network) -> dict[int, int]:
    """Return for every node the number of the one that is computed in its place, mostly itself."""
    return _reduced(network)[0]


def _reduced(network: Network) -> tuple[dict[int, int], dict[int, GraphNode]]:
    """Return for every node the one in its place, and those that are left."""
    alias: dict[int, int] = {}
    found: dict[tuple[Signature, tuple[int, ...]], int] = {}
    kept: dict[int, GraphNode] = {}
    for number, node in enumerate(network.nodes):
        inputs = tuple(alias[index] for index in node.inputs)
        if node.operation.gives_zeros:
            inputs = ()
        if node.operation.sums:
            some = tuple(index for index in inputs if not kept[index].node.operation.gives_zeros)
            inputs = some or inputs[:1]
        if _is_alias(node, inputs):
            alias[number] = inputs[0]
            continue
        if node.operation.mergeable:
            alias[number] = found.setdefault((signature(node), inputs), number)
            if alias[number] != number:
                continue
        alias[number] = number
        kept[number] = GraphNode(number, node, inputs)
    return alias, kept


def _is_alias(node: Node, inputs: Sequence[int]) -> bool:
    return node.operation.is_identity(node) or (node.operation.sums and len(inputs) == 1)


def signature(node: Node, reached: tuple[bool, ...] = (), read: tuple[Shape, ...] = ()) -> Signature:
    """Return what nodes must share to run in one kernel.

    A gradient is needed for all inputs of a group or for none, so what it reaches is a part of it; the
    shapes of what they read, where these differ from one input to the next, are another.
    """
    sizes = (node.kernel, node.stride, node.groups, node.bias, *node.options)
    return repr((node.operation, node.function, node.input_shape, node.shape, *sizes, reached, *read))


def _finished(kept: dict[int, GraphNode], output: int, to_input: bool) -> Graph:
    live = {output}
    for number in sorted(kept, reverse=True):
        if number in live:
            live.update(kept[number].inputs)
    nodes = {number: node for number, node in kept.items() if number in live}
    consumers: dict[int, list[tuple[int, int]]] = {number: [] for number in nodes}
    trainable: set[int] = set()
    for number, node in nodes.items():
        for position, index in enumerate(node.inputs):
            consumers[index].append((number, position))
        reached = tuple(index in trainable for index in node.inputs)
        if node.node.parameter_shapes or any(reached) or (to_input and not number):
            trainable.add(number)
        nodes[number] = replace(node, reached=reached)
    return Graph(nodes, output, consumers, frozenset(trainable))
