"""Several paths of a supernet computed together: what they have in common is computed once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from torch import Tensor

from nas_gym.networks.graph import Network
from nas_gym.networks.operations.base import Node
from nas_gym.networks.supernet import Supernet, needed

NamedPath = tuple[Network, Sequence[Mapping[str, str]]]
"""A network, and the names of the arrays of each of its nodes (see `Supernet.names`)."""


def outputs_together(supernet: Supernet, paths: Sequence[NamedPath], x: Tensor) -> list[Tensor]:
    """Return the outputs of several networks for a batch by the shared weights, each (batch, outputs).

    A node that does the same, with the same arrays, to the same values as a node of an earlier path is not
    computed again. To compute what differs side by side, too (grouped convolutions, or `torch.func.vmap`),
    was slower on a CPU than one after the other.

    Args:
        supernet: the shared weights.
        paths: the networks, none of which draws noise.
        x: (batch, *input_shape).
    """
    values: list[Tensor] = [x]
    known: dict[Hashable, int] = {}
    outputs = []
    for network, names in paths:
        places = {0: 0}
        for number in needed(network):
            node, own = network.nodes[number], names[number]
            # Zeros only need to know the size of the batch.
            inputs = (0,) if node.operation.gives_zeros else tuple(places[each] for each in node.inputs)
            key = (_what(node), inputs, tuple(own.values()))
            if key not in known:
                arrays = {name: supernet.arrays[whole] for name, whole in own.items()}
                values.append(supernet.compute(number, node, [values[each] for each in inputs], arrays, None))
                known[key] = len(values) - 1
            places[number] = known[key]
        outputs.append(values[places[len(network.nodes) - 1]])
    return outputs


def draws_noise(network: Network) -> bool:
    """Return whether a forward pass of training draws noise, so that no two paths compute the same."""
    return any(node.operation.noisy for node in network.nodes)


def _what(node: Node) -> Hashable:
    """Return what a node does, whatever it reads and wherever it stands."""
    sizes = (node.kernel, node.stride, node.groups, node.bias, node.function, repr(node.options))
    return node.operation.name, *sizes, node.input_shape, node.shape
