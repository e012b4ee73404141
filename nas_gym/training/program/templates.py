"""What networks of one form have in common, worked out once for all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nas_gym.networks import Network, Node, Operation
from nas_gym.training.program.reduced_graph import Graph, graph_of

Key = tuple[object, ...]
NOT_KNOWN = -1


@dataclass(frozen=True, slots=True)
class Kind:
    """Nodes of one operation and equal sizes.

    Attributes:
        node: one of them.
        form: number of all that decides which nodes of a network are computed, sizes aside.
        drawn: random numbers that its first values take; `NOT_KNOWN` if drawn in a way of its own.
    """

    node: Node
    form: int
    drawn: int


@dataclass
class Template:
    """Networks of one form: equal operations in all that decides how values are read, of any sizes.

    Attributes:
        graph: the graph of one of them; those of the others differ in sizes and functions alone.
        members: position of every member of this form.
        kinds: for each of them the kind of every node of the network, by number.
    """

    graph: Graph
    members: list[int] = field(default_factory=list)
    kinds: list[list[int]] = field(default_factory=list)


class Templates:
    """The networks of a chunk by their form.

    Args:
        networks: network of each member.

    Attributes:
        kinds: the kinds of all nodes.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self.kinds: list[Kind] = []
        self._numbers: dict[Key, int] = {}
        self._forms: dict[tuple[bool, ...], int] = {}
        self._found: dict[Key, Template] = {}
        for m, network in enumerate(networks):
            kinds = [self._kind(node) for node in network.nodes]
            form = self._form(network, kinds)
            template = self._found.get(form)
            if template is None:
                template = self._found[form] = Template(graph_of(network))
            template.members.append(m)
            template.kinds.append(kinds)

    def __iter__(self) -> Iterator[Template]:
        return iter(self._found.values())

    def _kind(self, node: Node) -> int:
        options = repr(node.options) if node.options else ""
        sizes = (node.kernel, node.stride, node.groups, node.bias, options)
        key: Key = (type(node.operation), node.function, node.input_shape, node.shape, *sizes)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.kinds)
            form = self._forms.setdefault(_form_of(node), len(self._forms))
            self.kinds.append(Kind(node, form, _drawn(node)))
        return number

    def _form(self, network: Network, kinds: list[int]) -> Key:
        """All that `graph_of` reads: of sizes only which are equal, since equal nodes may be merged."""
        first: dict[int, int] = {}
        form: list[object] = []
        for node, kind in zip(network.nodes, kinds, strict=True):
            equal = first.setdefault(kind, len(first)) if node.operation.mergeable else 0
            form += (node.inputs, self.kinds[kind].form, equal)
        return tuple(form)


def _form_of(node: Node) -> tuple[bool, ...]:
    operation = node.operation
    traits = (operation.gives_zeros, operation.sums, operation.mergeable)
    return (operation.is_identity(node), bool(node.parameter_shapes), *traits)


def _drawn(node: Node) -> int:
    shapes, operation = node.parameter_shapes, node.operation
    if shapes and type(operation).initial is not Operation.initial:
        return NOT_KNOWN
    ranges = {name: operation.initial_range(node, name) for name in shapes}
    return sum(math.prod(shapes[name]) for name, (low, high) in ranges.items() if low != high)
