"""Weights that networks share: one array for each place in a search space, operation and shape.

A supernet holds the weights of all networks of a search space at once (Pham et al. 2018, "Efficient Neural
Architecture Search via Parameter Sharing"; Bender et al. 2018). A network is a path through it: its nodes
take the arrays of their places. Nodes that normalise do so by the statistics of the batch, in training and
after it, and without a scale and a shift of their own: running statistics would be those of a mixture of
networks.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from nas_gym.errors import ConfigError
from nas_gym.networks.graph import Network
from nas_gym.networks.mixture import Blend, Mixture, branches
from nas_gym.networks.operations.base import Node, Shape, filled
from nas_gym.networks.operations.shared_linear import SharedLinear
from nas_gym.networks.operations.truncate import Truncate

Noise = Callable[[int, Sequence[int]], Tensor]


class Supernet:
    """The shared weights of a search space, made as networks ask for them.

    The first values of an array follow from the seed and its name alone, not from which network asked first.

    Args:
        seed: seed of the first values.
        device: where they are.

    Attributes:
        arrays: the trainable arrays by name.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed, self._device = seed, device
        self.arrays: dict[str, Tensor] = {}
        self._constants: dict[tuple[int, str], Tensor] = {}

    def names(self, network: Network, slots: Sequence[str]) -> list[dict[str, str]]:
        """Return the names of the arrays of each node, making those that are not there yet.

        Args:
            network: the network.
            slots: the place of each node, see `nas_gym.search_spaces.SearchSpace.slots`.

        Raises:
            NASGymError: if a node with weights has no place.
        """
        check_places(network, slots)
        found: list[dict[str, str]] = []
        alike: defaultdict[str, list[Mapping[int, int]]] = defaultdict(list)
        for node, slot, branch in zip(network.nodes, slots, branches(network), strict=True):
            shapes = _shared_shapes(node)
            if not shapes:
                found.append({})
                continue
            # Of all shapes: a bias is of the weights beside it, and its first values follow from theirs, too.
            kind = f"{slot}: {_kind(node)} {' '.join(map(str, shapes.values()))}"
            # No path has nodes of two candidates of one mixture.
            twin = 1 + sum(_together(branch, other) for other in alike[kind])
            alike[kind].append(branch)
            names = {name: f"{kind} {twin} {name}" for name in shapes}
            for name, whole in names.items():
                if whole not in self.arrays:
                    self.arrays[whole] = self._first(node, name, whole)
            found.append(names)
        return found

    def forward(
        self,
        network: Network,
        names: Sequence[Mapping[str, str]],
        x: Tensor,
        noise: Noise | None = None,
        *,
        blends: Mapping[str, Blend] | None = None,
        arrays: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Return the outputs of a network for a batch by the shared weights, (batch, outputs).

        Args:
            network: the network.
            names: as `names` gives them.
            x: (batch, *input_shape).
            noise: draws the noise of a node in training, as `NetworkModule.noise`; None after training.
            blends: of a network of mixtures, the weights of the candidates of each variable.
            arrays: what to take in place of the shared weights, by their names; None for these.
        """
        blends, arrays = blends or {}, self.arrays if arrays is None else arrays
        values: dict[int, Tensor] = {0: x}
        for number, node in running(network, names, blends).items():
            if isinstance(node.operation, Mixture):
                values[number] = _blended(node, values, blends[node.option("variable")])
                continue
            own = {name: arrays[whole] for name, whole in names[number].items()}
            # Zeros only need to know the size of the batch.
            inputs = [x] if node.operation.gives_zeros else [values[place] for place in node.inputs]
            values[number] = self.compute(number, node, inputs, own, noise)
        return values[len(network.nodes) - 1]

    def compute(
        self,
        number: int,
        node: Node,
        inputs: Sequence[Tensor],
        arrays: dict[str, Tensor],
        noise: Noise | None,
    ) -> Tensor:
        """Return the result of one node; see `forward`."""
        operation = node.operation
        if operation.normalises:
            return operation.forward(node, inputs, self._untrained(node), True)
        if operation.noisy and noise is not None:
            arrays["noise"] = noise(number, (len(inputs[0]), *node.shape))
        buffers = {name: filled(*buffer).to(self._device) for name, buffer in operation.buffers(node).items()}
        return operation.forward(node, inputs, arrays | buffers, noise is not None)

    def _first(self, node: Node, name: str, whole: str) -> Tensor:
        digest = hashlib.sha256(f"{self._seed} {whole}".encode()).digest()
        generator = torch.Generator(device="cpu").manual_seed(int.from_bytes(digest[:7], "big"))
        return node.operation.initial(node, name, generator).to(self._device).requires_grad_(True)

    def _untrained(self, node: Node) -> dict[str, Tensor]:
        """Return the first values of a node that normalises, and statistics that nothing reads."""
        arrays = {}
        for name, shape in node.parameter_shapes.items():
            low, _ = node.operation.initial_range(node, name)
            arrays[name] = self._constant(shape, low)
        for name, (shape, value) in node.operation.buffers(node).items():
            arrays[name] = filled(shape, value).to(self._device)
        return arrays

    def _constant(self, shape: Sequence[int], value: float) -> Tensor:
        key = (shape[0], str((tuple(shape), value)))
        if key not in self._constants:
            self._constants[key] = filled(tuple(shape), value).to(self._device)
        return self._constants[key]


def check_places(network: Network, slots: Sequence[str]) -> None:
    """Check that all nodes whose weights are shared have a place.

    Raises:
        NASGymError: for the first that has none.
    """
    for node, slot in zip(network.nodes, slots, strict=True):
        if not slot and _shared_shapes(node):
            raise ConfigError(
                f"operation {node.operation!r} has no place in the search space, so that networks cannot "
                "share its weights: pass layer= where the network is built, or define slots of the space"
            )


def needed(network: Network, blends: Mapping[str, Blend] | None = None) -> list[int]:
    """Return the numbers of the nodes that the output needs, in order, without the input.

    Args:
        network: the network.
        blends: of a network of mixtures, which candidates run; without them all do.
    """
    found = {len(network.nodes) - 1}
    for number in reversed(range(len(network.nodes))):
        node = network.nodes[number]
        if number in found and not node.operation.gives_zeros:
            found.update(_inputs_that_run(node, blends))
    return sorted(found - {0})


def running(
    network: Network, names: Sequence[Mapping[str, str]], blends: Mapping[str, Blend] | None = None
) -> dict[int, Node]:
    """Return the nodes that a forward pass computes, by number, each as large as it is then.

    Of layers of several widths that share a matrix, a candidate that runs alone has no more than its own
    units, and the layer after it reads no others. Where several run, the first and widest is computed, and
    the narrower ones are its first units.

    Args:
        network: the network.
        names: names of the arrays of each node, as `Supernet.names` gives them.
        blends: which candidates of each variable run; without them all do.
    """
    numbers = needed(network, blends)
    found = {number: network.nodes[number] for number in numbers}
    if not any(isinstance(node.operation, SharedLinear) for node in found.values()):
        return found
    shapes = [node.shape for node in network.nodes]
    first: dict[tuple[Any, ...], int] = {}  # the first layer that reads the same by the same matrix
    for number, node in found.items():
        if isinstance(node.operation, Mixture):
            shape = max(
                (shapes[place] for place in _inputs_that_run(node, blends)), key=lambda shape: shape[0]
            )
            node = replace(node, input_shape=shape, shape=shape)
        elif isinstance(node.operation, SharedLinear):
            widest = first.setdefault((node.inputs, *names[number].values()), number)
            if widest != number and shapes[widest][0] >= node.shape[0]:
                node = _first_units(node, widest, shapes[widest])
            else:
                node = replace(node, input_shape=shapes[node.inputs[0]])
        found[number], shapes[number] = node, node.shape
    return found


def _inputs_that_run(node: Node, blends: Mapping[str, Blend] | None) -> Iterator[int]:
    """Return the inputs of a node that are computed."""
    runs = None
    if blends and isinstance(node.operation, Mixture):
        runs = blends[node.option("variable")].runs
    return iter(node.inputs) if runs is None else (node.inputs[choice] for choice in runs)


def _first_units(node: Node, wide: int, shape: Shape) -> Node:
    """Return the node that takes the result of a layer from a wider one."""
    return Node(Truncate(), (wide,), shape, node.shape, node.parts, options=(("kept", node.shape[0]),))


def _blended(node: Node, values: Mapping[int, Tensor], blend: Blend) -> Tensor:
    """Return the value of a mixture."""
    runs = range(len(node.inputs)) if blend.runs is None else blend.runs
    inputs = [values[place] if choice in runs else None for choice, place in enumerate(node.inputs)]
    total = node.operation.forward(node, inputs, {"weights": blend.weights}, training=True)  # type: ignore[arg-type]
    if blend.constant:
        left_out = [choice for choice in range(len(inputs)) if choice not in runs]
        total = total + blend.weights[left_out].sum()
    return total


def _together(one: Mapping[int, int], other: Mapping[int, int]) -> bool:
    """Return whether a path may have two nodes of these branches, see `nas_gym.networks.mixture.branches`."""
    return all(other.get(mixture, choice) == choice for mixture, choice in one.items())


def _shared_shapes(node: Node) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays of a node that are shared: none of what normalises."""
    return {} if node.operation.normalises else node.parameter_shapes


def _kind(node: Node) -> str:
    """Return what nodes of one place must have in common to share arrays, beside the shapes of these."""
    options = [f"{name}={value}" for name, value in node.options]
    sizes = [f"{node.kernel}/{node.stride}/{node.groups}"] if node.kernel > 1 or node.stride > 1 else []
    return " ".join([node.operation.name, *sizes, *options])
