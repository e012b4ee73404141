"""The network of mixtures of a search space, found by comparing the networks of its architectures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.networks import Mixture, Network, Node, chosen

if TYPE_CHECKING:
    from nas_gym.search_spaces.base import SearchSpace

CHECKED = 20
"""Architectures drawn at random whose networks have to be in the mixture as they are."""


@dataclass(frozen=True)
class Part:
    """What one variable changes of a network.

    Attributes:
        variable: its name.
        start: number of the first node that it may change.
        end: number of the first node after these, of the network that all parts are taken from.
        networks: the network of each choice, all else as it was.
        ends: the first node after the part in each of these.
        outputs: the node of each that the later ones read in place of the part.
    """

    variable: str
    start: int
    end: int
    networks: Sequence[Network]
    ends: Sequence[int]
    outputs: Sequence[int]


def mixture_of(space: SearchSpace[Any]) -> Network:
    """Return the one network of all architectures of a space whose variables change separate parts.

    The networks of the choices of a variable, all else equal, have the same first and last nodes; what
    lies between them are the candidates of the variable. Those that the space leaves outside, such as the
    depth of a chain, have one choice in it.

    Raises:
        NASGymError: if what one variable changes is not apart from what the others do, or if its candidates
            have results of several shapes.
    """
    outside = space.outside_mixture()
    base = _base(space) | outside
    parts = [
        _part(space, base, name)
        for name, variable in space.variables.items()
        if len(variable.choices) > 1 and name not in outside
    ]
    parts.sort(key=lambda part: part.start)
    for one, other in itertools.pairwise(parts):
        if other.start < one.end:
            raise refusal(space, f"{one.variable!r} and {other.variable!r} change the same operations")
    network = _joined(_network(space, base), parts)
    rng = np.random.default_rng(0)
    for _ in range(CHECKED):
        values = space.encode(space.sample(rng)) | outside
        if chosen(network, values) != chosen(_network(space, values), {}):
            raise refusal(space, "what some of its variables do depends on others")
    return network


def refusal(space: SearchSpace[Any], reason: str) -> ConfigError:
    """Return the error of a space that has no mixture."""
    return ConfigError(
        f"the {space.name} space has no mixture of its candidates, since {reason}: search it by paths "
        "(random-sharing, spos, enas), or define its mixture()"
    )


def no_partial(space: SearchSpace[Any]) -> ConfigError:
    """Return the error of a space whose mixture takes all channels."""
    return ConfigError(
        f"the {space.name} space has no mixture of a part of the channels: search it with another agent than "
        "pc-darts, or search the cell space"
    )


def _base(space: SearchSpace[Any]) -> dict[str, int]:
    """Return the assignment of one choice throughout that has the most nodes, so that few parts are empty."""
    most = max(len(variable.choices) for variable in space.variables.values())
    assignments = [
        {name: min(choice, len(variable.choices) - 1) for name, variable in space.variables.items()}
        for choice in range(most)
    ]
    return max(assignments, key=lambda values: len(_network(space, values).nodes))


def _network(space: SearchSpace[Any], values: dict[str, int]) -> Network:
    return space.network(space.decode(values))


def _part(space: SearchSpace[Any], base: dict[str, int], name: str) -> Part:
    count = len(space.variables[name].choices)
    networks = [_network(space, base | {name: choice}) for choice in range(count)]
    first = networks[base[name]].nodes
    start = min(_common_start(first, network.nodes) for network in networks)
    tail = min(_common_end(first, network.nodes, start) for network in networks)
    while tail >= 0:
        outputs = [_output(first, network.nodes, start, tail) for network in networks]
        known = [output for output in outputs if output is not None]
        if len(known) == count:
            break
        tail -= 1
    shapes = {network.nodes[output].shape for network, output in zip(networks, known, strict=True)}
    if len(shapes) > 1:
        raise refusal(space, f"the candidates of {name!r} have results of different shapes")
    end = len(first) - tail
    if known[base[name]] not in range(start, end):
        raise refusal(space, f"{name!r} has no operations of its own")
    return Part(name, start, end, networks, [len(network.nodes) - tail for network in networks], known)


def _common_start(one: Sequence[Node], other: Sequence[Node]) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _common_end(one: Sequence[Node], other: Sequence[Node], start: int) -> int:
    """Return how many of the last nodes are alike, their inputs aside."""
    most = min(len(one), len(other)) - start
    for place in range(1, most + 1):
        a, b = one[-place], other[-place]
        if len(a.inputs) != len(b.inputs) or replace(a, inputs=()) != replace(b, inputs=()):
            return place - 1
    return most


def _output(one: Sequence[Node], other: Sequence[Node], start: int, tail: int) -> int | None:
    """Return the node of `other` that its last nodes read where those of `one` read its part.

    None if there are several.
    """
    shift = len(other) - len(one)
    end, found = len(one) - tail, set()
    for node, twin in zip(one[end:], other[end + shift :], strict=True):
        for place, there in zip(node.inputs, twin.inputs, strict=True):
            if start <= place < end:
                found.add((place, there))
            elif there != (place if place < start else place + shift):
                return None
    if not tail:
        found.add((len(one) - 1, len(other) - 1))
    return found.pop()[1] if len(found) == 1 else None


def _joined(base: Network, parts: Sequence[Part]) -> Network:
    """Return the network with the candidates of each part side by side, and a mixture after them."""
    nodes: list[Node] = []
    new: dict[int, int] = {}
    place = 0
    for part in parts:
        place = _copied(base, range(place, part.start), nodes, new)
        ends = []
        for network, end, output in zip(part.networks, part.ends, part.outputs, strict=True):
            own = dict(new)
            _copied(network, range(part.start, end), nodes, own)
            ends.append(own[output])
        shape = part.networks[0].nodes[part.outputs[0]].shape
        options = (("variable", part.variable),)
        nodes.append(Node(Mixture(), tuple(ends), shape, shape, options=options))
        new.update(dict.fromkeys(range(part.start, part.end), len(nodes) - 1))
        place = part.end
    _copied(base, range(place, len(base.nodes)), nodes, new)
    return Network(tuple(nodes))


def _copied(network: Network, places: range, nodes: list[Node], new: dict[int, int]) -> int:
    """Append nodes of a network, and note in `new` where they are."""
    for place in places:
        node = network.nodes[place]
        new[place] = len(nodes)
        nodes.append(replace(node, inputs=tuple(new[each] for each in node.inputs)))
    return places.stop
