"""The part of a network that training computes: without aliases, duplicates and dead nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from nas_gym.networks import Network, Node, Operation

Signature = str


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node that is computed.

    Attributes:
        number: its number in the network, the one its parameters are named by.
        node: the operation.
        inputs: numbers of the nodes it reads, aliases resolved.
        signature: what nodes must share to run in one kernel.
    """

    number: int
    node: Node
    inputs: tuple[int, ...]
    signature: Signature


@dataclass(frozen=True)
class Graph:
    """The computed nodes of a network in topological order; nodes that nothing reads are left out.

    Attributes:
        nodes: by number.
        output: number of the node that gives the network's outputs.
        consumers: for each node, the (number, input position) of its readers, in order.
        trainable: numbers of the nodes that a gradient must reach.
        future: for each node a key that sorts nodes with a like continuation together.
        drawn: for each node the random numbers that initial weights of earlier nodes of the network
            take; None where an operation draws them in a way of its own.
    """

    nodes: dict[int, GraphNode]
    output: int
    consumers: dict[int, list[tuple[int, int]]]
    trainable: frozenset[int]
    future: dict[int, str]
    drawn: dict[int, int] | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """What nodes of one operation and equal sizes have in common.

    Attributes:
        signature: the operation and its sizes, as a text.
        is_identity: see `Operation.is_identity`.
        trains: whether there are parameters.
        drawn: the random numbers that first values take; None if drawn in a way of its own.
    """

    signature: Signature
    is_identity: bool
    trains: bool
    drawn: int | None


class GraphBuilder:
    """Builds the graphs of several networks, and works out once what they have in common.

    Texts that are equal are one object, so that they are compared and hashed fast.
    """

    def __init__(self) -> None:
        self._graphs: dict[int, tuple[Network, Graph]] = {}
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._texts: dict[tuple[object, ...], str] = {}

    def graph(self, network: Network) -> Graph:
        """Resolve aliases, merge equal parameter-free nodes and drop what the output does not need."""
        # The network is kept, so that its identity stays its own.
        found = self._graphs.get(id(network))
        if found is None:
            found = self._graphs[id(network)] = network, self._build(network)
        return found[1]

    def _build(self, network: Network) -> Graph:
        alias: dict[int, int] = {}
        merged: dict[tuple[Signature, tuple[int, ...]], int] = {}
        kept: dict[int, tuple[Node, tuple[int, ...], _Kind]] = {}
        drawn: dict[int, int] | None = {}
        total = 0
        for number, node in enumerate(network.nodes):
            operation = node.operation
            inputs = () if operation.gives_zeros else tuple([alias[index] for index in node.inputs])
            if operation.sums:
                some = tuple(index for index in inputs if not kept[index][0].operation.gives_zeros)
                inputs = some or inputs[:1]
            kind = self._kind(node, len(inputs))
            if kind.drawn is None:
                drawn = None
            elif drawn is not None:
                drawn[number] = total
                total += kind.drawn
            if kind.is_identity or (operation.sums and len(inputs) == 1):
                alias[number] = inputs[0]
                continue
            if operation.mergeable:
                alias[number] = merged.setdefault((kind.signature, inputs), number)
                if alias[number] != number:
                    continue
            alias[number] = number
            kept[number] = node, inputs, kind
        return self._finished(kept, alias[len(network.nodes) - 1], drawn)

    def _finished(
        self,
        kept: dict[int, tuple[Node, tuple[int, ...], _Kind]],
        output: int,
        drawn: dict[int, int] | None,
    ) -> Graph:
        live = {output}
        for number in reversed(kept):
            if number in live:
                live.update(kept[number][1])
        nodes: dict[int, GraphNode] = {}
        consumers: dict[int, list[tuple[int, int]]] = {}
        trainable: set[int] = set()
        for number, (node, inputs, kind) in kept.items():
            if number not in live:
                continue
            consumers[number] = []
            for position, index in enumerate(inputs):
                consumers[index].append((number, position))
            reached = tuple([index in trainable for index in inputs])
            if kind.trains or True in reached:
                trainable.add(number)
            # A gradient is needed for all inputs of a group or for none.
            signature = self._text(kind.signature, reached)
            nodes[number] = GraphNode(number, node, inputs, signature)
        future: dict[int, str] = {}
        for number in reversed(nodes):
            after = consumers[number]
            future[number] = (
                self._text(nodes[after[0][0]].signature, future[after[0][0]]) if after else ""
            )
        return Graph(nodes, output, consumers, frozenset(trainable), future, drawn)

    def _text(self, *parts: object) -> str:
        found = self._texts.get(parts)
        if found is None:
            found = self._texts[parts] = f"{parts[0]} {parts[1]}"
        return found

    def _kind(self, node: Node, inputs: int) -> _Kind:
        options = repr(node.options) if node.options else ""
        sizes = (node.kernel, node.stride, node.groups, node.bias, options, inputs)
        key = (type(node.operation), node.function, node.input_shape, node.shape, *sizes)
        found = self._kinds.get(key)
        if found is None:
            found = self._kinds[key] = _kind_of(node, inputs)
        return found


def graph_of(network: Network) -> Graph:
    """Return the graph of one network."""
    return GraphBuilder().graph(network)


def graphs_of(networks: Iterable[Network]) -> list[Graph]:
    """Return the graph of each network; equal ones that are one object have one graph."""
    builder = GraphBuilder()
    return [builder.graph(network) for network in networks]


def _kind_of(node: Node, inputs: int) -> _Kind:
    operation, shapes = node.operation, node.parameter_shapes
    return _Kind(_signature(node, inputs), operation.is_identity(node), bool(shapes), _drawn(node))


def _drawn(node: Node) -> int | None:
    if type(node.operation).initial is not Operation.initial and node.parameter_shapes:
        return None
    ranges = {name: node.operation.initial_range(node, name) for name in node.parameter_shapes}
    return sum(math.prod(node.parameter_shapes[name]) for name, (low, high) in ranges.items() if low != high)


def _signature(node: Node, inputs: int) -> Signature:
    sizes = (node.kernel, node.stride, node.groups, node.bias, *node.options)
    return repr((node.operation, node.function, node.input_shape, node.shape, *sizes, inputs))
