"""Results and gradients of many networks with fresh weights, computed side by side in fused kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nas_gym.networks import Activation, Network
from nas_gym.training.hardware.memory import Memory
from nas_gym.training.kernels.registry import is_fusible, kernels_of
from nas_gym.training.kernels.weight_layout import in_torch_form
from nas_gym.training.losses.registry import loss_of
from nas_gym.training.members import Member
from nas_gym.training.planning import CACHE_BYTES, Cost, available_bytes, plan_chunks, widest_chunk
from nas_gym.training.program.grouping import Value, schedule
from nas_gym.training.program.initial import InitialWeights
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.program import Chunk
from nas_gym.training.program.reading import Reading, Wanted
from nas_gym.training.program.reduced_graph import graph_of, stand_ins
from nas_gym.training.program.values import Values
from nas_gym.training.recipe import Recipe

Arrays = dict[int, dict[str, Tensor]]
INPUT = 0
"""The number of the node that is the input."""
FEWEST = 32
"""Networks that a chunk must have room for on a CPU, else each is read alone.

Of perceptrons a chunk holds 50, and a pool of them takes half to three quarters of the time. A pass of cells
took .7 to 1 times as long side by side as alone, of chains of convolutions 1.8 times: what is set up for a
single pass costs more than it saves (`benchmarks/speed/proxies.py`)."""


@dataclass(frozen=True)
class Pass:
    """A batch forward and backward.

    Attributes:
        x: inputs, float32 (batch, *input_shape).
        y: what is to be predicted, as a task has it; None where gradients are of the sum of the outputs.
        backward: whether gradients are computed.
    """

    x: Tensor
    y: Tensor | None
    backward: bool = True


@dataclass(frozen=True)
class Nodes:
    """What of a network is read, by the numbers of its nodes.

    Attributes:
        results: nodes whose results are read.
        result_gradients: nodes by whose results the gradient is read; `INPUT` for the inputs.
    """

    results: Sequence[int] = ()
    result_gradients: Sequence[int] = ()


@dataclass(frozen=True)
class NetworkReading:
    """What was read of a network in one pass.

    Attributes:
        results: by node, (batch, *shape).
        result_gradients: likewise; {} without a backward pass.
        weights: the arrays of each node, by name, as PyTorch lays them out; {} without a backward pass.
        gradients: likewise.
    """

    results: Mapping[int, Tensor]
    result_gradients: Mapping[int, Tensor]
    weights: Mapping[int, Mapping[str, Tensor]]
    gradients: Mapping[int, Mapping[str, Tensor]]


def chunks_of(networks: Sequence[Network], batch: int, device: torch.device) -> list[list[int]]:
    """Return the positions of networks that are best read together, like next to like.

    Others are left out: those with an operation that has no kernels, and on a CPU large ones, of which it
    takes longer to set up a chunk than is saved. This depends on a network alone.

    Args:
        networks: the networks.
        batch: examples of a batch.
        device: where they are computed.
    """
    recipe = Recipe(epochs=1, batch_size=batch)
    members = [Member(network, 0) for network in networks]
    costs = [Cost.of(member, recipe) for member in members]
    fitting = [
        m
        for m, (network, cost) in enumerate(zip(networks, costs, strict=True))
        if (device.type != "cpu" or FEWEST * cost.bytes <= CACHE_BYTES) and is_fusible(network)
    ]
    if not fitting:
        return []
    given = [members[m] for m in fitting], [costs[m] for m in fitting]
    planned = plan_chunks(*given, available_bytes(device), 1, widest_chunk(device))
    return [[fitting[place] for place in chunk] for chunk in planned]


def reaches_input(network: Network) -> bool:
    """Return whether kernels give the gradient by the input: whether each has a backward pass."""
    graph = graph_of(network)
    return all(
        node.node.operation.sums
        or node.node.operation.gives_zeros
        or kernels_of(node.node).backward is not None
        for number, node in graph.nodes.items()
        if number != INPUT
    )


class SideBySide:
    """Networks with the weights that a training with a seed begins with, read together.

    A member's bits depend on nothing else in the chunk, on a CPU. Dropout is off, batch norms use the batch.

    Args:
        networks: networks whose operations have kernels.
        seed: seed of the weights.
        nodes: what of each network is read.
        loss: name of the loss.
        outputs: values that a network gives for one example.
        device: where it is computed.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        seed: int,
        nodes: Sequence[Nodes],
        *,
        loss: str,
        outputs: int,
        device: torch.device,
    ) -> None:
        self._networks = [_without_dropout(network) for network in networks]
        self._members = [Member(network, seed) for network in self._networks]
        self._nodes, self._loss, self._outputs, self._device = nodes, loss_of(loss), outputs, device
        self._stands = [stand_ins(network) for network in self._networks]

    def read(self, passes: Sequence[Pass]) -> list[list[NetworkReading]]:
        """Return for each pass what was read of each network."""
        to_input = any(INPUT in each.result_gradients for each in self._nodes)
        memory = Memory(self._device)
        values = Values(self._networks, to_input=to_input)
        groups = schedule(values)
        streams = [0] * len(self._members)
        parameters = Parameters(groups, self._device, [member.seed for member in self._members])
        InitialWeights(self._members, values).load(parameters)
        chunk = Chunk(values, groups, streams, self._outputs, self._loss)
        programs: dict[tuple[int, bool, bool], Reading] = {}
        found = []
        try:
            for each in passes:
                form = (len(each.x), each.y is None, each.backward)
                if form not in programs:
                    wanted = self._wanted(by_sum=each.y is None, backward=each.backward)
                    program = programs[form] = Reading(chunk, parameters, memory, len(each.x), wanted)
                    program.bind(memory.zeros(program.floats))
                found.append(self._read(programs[form], parameters, each))
        finally:
            memory.release()
        return found

    def _wanted(self, *, by_sum: bool, backward: bool) -> Wanted:
        return Wanted(
            self._values("results"), self._values("result_gradients") if backward else (), by_sum, backward
        )

    def _values(self, name: str) -> set[Value]:
        return {
            (m, stands[number])
            for m, (nodes, stands) in enumerate(zip(self._nodes, self._stands, strict=True))
            for number in getattr(nodes, name)
        }

    def _read(self, program: Reading, parameters: Parameters, given: Pass) -> list[NetworkReading]:
        batch = len(given.x)
        if program.inputs is not None:
            program.inputs[:, : given.x[0].numel() * batch] = given.x.flatten(1).T.reshape(1, -1)
        if given.y is not None:
            program.targets.copy_(self._loss.targets(given.y, self._outputs, 0.0).T.unsqueeze(0))
        for kernel in program.kernels:
            kernel()
        none: list[Arrays] = [{} for _ in self._members]
        weights, gradients = (
            self._arrays(parameters, flat) if given.backward else none
            for flat in (parameters.weights, parameters.gradients)
        )
        found = []
        for m, (nodes, stands) in enumerate(zip(self._nodes, self._stands, strict=True)):
            results = {
                number: given.x if stands[number] == INPUT else program.result((m, stands[number]))
                for number in nodes.results
            }
            wanted = nodes.result_gradients if given.backward else ()
            by_result = {number: program.result_gradient((m, stands[number])) for number in wanted}
            found.append(NetworkReading(results, by_result, weights[m], gradients[m]))
        return found

    def _arrays(self, parameters: Parameters, flat: Tensor) -> list[Arrays]:
        """Return the arrays of each network out of a buffer of all of them."""
        found: list[Arrays] = [{} for _ in self._members]
        for group in parameters.groups:
            for name in group.node.parameter_shapes:
                stored = parameters.stored(group, name, flat)
                arrays = in_torch_form(parameters.form(group.node, name), stored)
                for row, (m, number) in enumerate(group.values):
                    found[m].setdefault(number, {})[name] = arrays[row].clone()
        return found


def _without_dropout(network: Network) -> Network:
    """Return a network with the identity for each operation that draws noise."""
    if not any(node.operation.noisy for node in network.nodes):
        return network
    return Network(
        tuple(
            replace(node, operation=Activation(), function="identity", options=())
            if node.operation.noisy
            else node
            for node in network.nodes
        )
    )
