"""Several networks as one, which answers with their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nas_gym.networks.graph import Network
from nas_gym.networks.module import NetworkModule
from nas_gym.networks.operations.average import Average
from nas_gym.networks.operations.base import Node


def ensemble_of(networks: Sequence[Network], of: str) -> Network:
    """Return a network whose output is the mean of what networks give for the same input.

    Args:
        networks: networks of one input shape and one output shape; of a single one, it is returned.
        of: ``"probabilities"``, whose logarithms are given, or ``"values"``; see `Average`.
    """
    if len(networks) == 1:
        return networks[0]
    nodes, outputs = [networks[0].nodes[0]], []
    for number, network in enumerate(networks, start=1):
        before = len(nodes) - 1
        nodes += [
            replace(
                node,
                inputs=tuple(index + before if index else 0 for index in node.inputs),
                parts=(f"network {number}", *node.parts),
            )
            for node in network.nodes[1:]
        ]
        outputs.append(len(nodes) - 1)
    shape = networks[0].output_shape
    return Network((*nodes, Node(Average(), tuple(outputs), shape, shape, options=(("of", of),))))


def ensemble_module(modules: Sequence[NetworkModule], of: str) -> NetworkModule:
    """Return `ensemble_of` trained networks with their weights, in evaluation mode."""
    if len(modules) == 1:
        return modules[0]
    state, before = {}, 0
    for module in modules:
        for name, array in module.state_dict().items():
            number, _, rest = name.partition("_")
            state[f"{int(number) + before}_{rest}"] = array
        before += len(module.network.nodes) - 1
    joined = NetworkModule(ensemble_of([module.network for module in modules], of))
    joined.load_state_dict(state)
    return joined.eval()
