"""What networks of one form have in common, worked out once for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nas_gym.networks import Network, Node, Operation, Shape
from nas_gym.training.program.reduced_graph import Graph, graph_of

Key = tuple[object, ...]
Numbers = NDArray[np.int64]
NOT_KNOWN = -1


@dataclass(frozen=True, slots=True)
class Kind:
    """Nodes of one operation and equal sizes.

    Attributes:
        node: one of them.
        read: shapes of what it reads, where they are not all that of its first input; else ().
        traits: all of it that decides which nodes of a network are computed, in the bits of a number.
        drawn: random numbers that its first values take; `NOT_KNOWN` if drawn in a way of its own.
    """

    node: Node
    read: tuple[Shape, ...]
    traits: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Form:
    """All that decides how the values of a network are read; equal for networks of any sizes.

    Attributes:
        key: the form.
        network: a network of this form, which is no part of it.
        to_input: whether gradients must reach the input, too.
    """

    key: Key
    network: Network = field(compare=False)
    to_input: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """What networks of one form have in common; a column for each computed node, in order.

    Attributes:
        numbers: number of the node in the network.
        reached: for each of its inputs whether a gradient must reach it.
        inputs: how many values the node reads.
        readers: how many times it is read.
        trainable: 1 where a gradient must reach it.
        sources: for every input of every node its column, and `places`, as which of its readers.
        targets: for every node the columns of what reads it.
        following: the column of the first reader; that after the last for none, and for itself.
        remaining: nodes of the longest path from each to the output.
        output: the column of the output.
    """

    numbers: Numbers
    reached: list[tuple[bool, ...]]
    inputs: Numbers
    readers: Numbers
    trainable: Numbers
    sources: Numbers
    places: Numbers
    targets: Numbers
    following: Numbers
    remaining: Numbers
    output: Numbers


@dataclass
class Template:
    """Networks of one form.

    Attributes:
        columns: what they have in common.
        members: position of every member of this form.
        kinds: for each of them the kind of every node of the network, by number.
    """

    columns: Columns
    members: list[int] = field(default_factory=list)
    kinds: list[list[int]] = field(default_factory=list)


class Templates:
    """The networks of a chunk by their form.

    Args:
        networks: network of each member.
        to_input: whether gradients must reach the inputs, too.

    Attributes:
        kinds: the kinds of all nodes.
    """

    def __init__(self, networks: Iterable[Network], *, to_input: bool = False) -> None:
        self.kinds: list[Kind] = []
        self._numbers: dict[Key, int] = {}
        self._found: dict[Key, Template] = {}
        for m, network in enumerate(networks):
            kinds = [self._kind(node, network.nodes) for node in network.nodes]
            form = self._form(network, kinds)
            template = self._found.get(form)
            if template is None:
                template = self._found[form] = Template(columns_of(Form(form, network, to_input)))
            template.members.append(m)
            template.kinds.append(kinds)

    def __iter__(self) -> Iterator[Template]:
        return iter(self._found.values())

    def _kind(self, node: Node, nodes: Sequence[Node]) -> int:
        read = _read(node, nodes) if len(node.inputs) > 1 else ()
        options = repr(node.options) if node.options else ""
        sizes = (node.kernel, node.stride, node.groups, node.bias, options)
        key: Key = (type(node.operation), node.function, node.input_shape, node.shape, *sizes, read)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.kinds)
            self.kinds.append(Kind(node, read, _traits(node), _drawn(node)))
        return number

    def _form(self, network: Network, kinds: list[int]) -> Key:
        """All that `graph_of` reads: of sizes only which are equal, since equal nodes may be merged."""
        first: dict[int, int] = {}
        form: list[object] = []
        for node, kind in zip(network.nodes, kinds, strict=True):
            equal = first.setdefault(kind, len(first)) if node.operation.mergeable else 0
            form += (node.inputs, self.kinds[kind].traits, equal)
        return tuple(form)


@lru_cache(maxsize=1024)
def columns_of(form: Form) -> Columns:
    """Return what networks of a form have in common."""
    graph = graph_of(form.network, to_input=form.to_input)
    nodes = list(graph.nodes.values())
    column = {number: place for place, number in enumerate(graph.nodes)}
    readers = [graph.consumers[number] for number in graph.nodes]
    none = len(nodes)
    return Columns(
        numbers=_array(list(graph.nodes)),
        reached=[node.reached for node in nodes],
        inputs=_array([len(node.inputs) for node in nodes]),
        readers=_array([len(each) for each in readers]),
        trainable=_array([int(number in graph.trainable) for number in graph.nodes]),
        sources=_array([column[source] for node in nodes for source in node.inputs]),
        places=_array(_places(graph)),
        targets=_array([column[number] for each in readers for number, _ in each]),
        following=_array([*(column[each[0][0]] if each else none for each in readers), none]),
        remaining=_array(_remaining(graph)),
        output=_array([column[graph.output]]),
    )


def _places(graph: Graph) -> list[int]:
    """For every input of every node the place of the node among the readers of that input."""
    read = dict.fromkeys(graph.nodes, 0)
    places = []
    for node in graph.nodes.values():
        for source in node.inputs:
            places.append(read[source])
            read[source] += 1
    return places


def _remaining(graph: Graph) -> list[int]:
    """Return for every node how many lie on the longest path from it to the output, itself not counted."""
    found: dict[int, int] = {}
    for number in reversed(graph.nodes):
        found[number] = max((1 + found[reader] for reader, _ in graph.consumers[number]), default=0)
    return [found[number] for number in graph.nodes]


def _array(numbers: list[int]) -> Numbers:
    return np.array(numbers, dtype=np.int64)


def _read(node: Node, nodes: Sequence[Node]) -> tuple[Shape, ...]:
    """Return the shapes of what a node reads, () where they are alike."""
    shapes = tuple(nodes[index].shape for index in node.inputs)
    return () if all(shape == node.input_shape for shape in shapes) else shapes


def _traits(node: Node) -> int:
    operation = node.operation
    own = (operation.gives_zeros, operation.sums, operation.mergeable)
    traits = (operation.is_identity(node), bool(node.parameter_shapes), *own)
    return sum(1 << bit for bit, holds in enumerate(traits) if holds)


def _drawn(node: Node) -> int:
    shapes, operation = node.parameter_shapes, node.operation
    if shapes and type(operation).initial is not Operation.initial:
        return NOT_KNOWN
    ranges = {name: operation.initial_range(node, name) for name in shapes}
    return sum(math.prod(shapes[name]) for name, (low, high) in ranges.items() if low != high)
