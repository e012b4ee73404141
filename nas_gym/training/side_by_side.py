"""Results and gradients of many networks with fresh weights, computed side by side in fused kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nas_gym.networks import Activation, Network, draws_noise
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
from nas_gym.training.program.reading import ReadingProgram, ReadingRequest
from nas_gym.training.program.reduced_graph import graph_of, stand_ins
from nas_gym.training.program.values import Values
from nas_gym.training.recipe import Recipe

Arrays = dict[int, dict[str, Tensor]]
INPUT_NODE = 0
"""The number of the node that is the input."""
FEWEST = 32
"""Networks that a chunk must have room for on a CPU, else each is read alone.

Of perceptrons a chunk holds 50, and a pool of them takes half to three quarters of the time. A pass of cells
took .7 to 1 times as long side by side as alone, of chains of convolutions 1.8 times: what is set up for a
single pass costs more than it saves (`benchmarks/speed/proxies.py`)."""


@dataclass(frozen=True)
class BatchPass:
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
class NodesToRead:
    """What of a network is read, by the numbers of its nodes, of those on a path from input to output.

    Attributes:
        results: nodes whose results are read.
        result_gradients: nodes by whose results the gradient is read: layers with weights, or `INPUT_NODE`
            where the network `gives_input_gradients`.
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


def readable_chunks(networks: Sequence[Network], batch: int, device: torch.device) -> list[list[int]]:
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


def gives_input_gradients(network: Network) -> bool:
    """Return whether kernels give the gradient by the input: whether each has a backward pass."""
    graph = graph_of(network)
    return all(
        node.node.operation.sums
        or node.node.operation.gives_zeros
        or kernels_of(node.node).backward is not None
        for number, node in graph.nodes.items()
        if number != INPUT_NODE
    )


def read_side_by_side(
    networks: Sequence[Network],
    seed: int,
    nodes: Sequence[NodesToRead],
    passes: Sequence[BatchPass],
    *,
    loss: str,
    outputs: int,
    device: torch.device,
) -> list[list[NetworkReading]]:
    """Return for each pass what was read of each network, with the weights that a training begins with.

    On a CPU a network's bits depend on nothing else in the chunk, but for gradients by the input of a
    convolution, which training never takes. Dropout is off, batch norms use the batch.

    Args:
        networks: networks whose operations have kernels.
        seed: seed of the weights.
        nodes: what of each network is read.
        passes: the batches.
        loss: name of the loss.
        outputs: values that a network gives for one example.
        device: where it is computed.
    """
    members = [Member(_without_dropout(network), seed) for network in networks]
    memory = Memory(device)
    try:
        chunk = _Chunk(members, nodes, loss, outputs, device, memory)
        return [chunk.read(each) for each in passes]
    finally:
        memory.release()


class _Chunk:
    """Networks that are read together, and their programs by the form of a pass."""

    def __init__(
        self,
        members: Sequence[Member],
        nodes: Sequence[NodesToRead],
        loss: str,
        outputs: int,
        device: torch.device,
        memory: Memory,
    ) -> None:
        self._nodes, self._memory, self._outputs = nodes, memory, outputs
        self._loss = loss_of(loss)
        self._stands = [stand_ins(member.network) for member in members]
        to_input = any(INPUT_NODE in each.result_gradients for each in nodes)
        values = Values((member.network for member in members), to_input=to_input)
        groups = schedule(values)
        self._parameters = Parameters(groups, device, [member.seed for member in members])
        InitialWeights(members, values).load(self._parameters)
        self._chunk = Chunk(values, groups, [0] * len(members), outputs, self._loss)
        self._programs: dict[tuple[int, bool, bool], ReadingProgram] = {}

    def read(self, given: BatchPass) -> list[NetworkReading]:
        """Compute a pass and return what was read of each network."""
        program = self._program(given)
        self._load(program, given)
        for kernel in program.kernels:
            kernel()
        none: list[Arrays] = [{} for _ in self._nodes]
        weights, gradients = (
            self._arrays(flat) if given.backward else none
            for flat in (self._parameters.weights, self._parameters.gradients)
        )
        found = []
        for m, (nodes, stands) in enumerate(zip(self._nodes, self._stands, strict=True)):
            results = {
                number: given.x if stands[number] == INPUT_NODE else program.result((m, stands[number]))
                for number in nodes.results
            }
            asked = nodes.result_gradients if given.backward else ()
            by_result = {number: program.result_gradient((m, stands[number])) for number in asked}
            found.append(NetworkReading(results, by_result, weights[m], gradients[m]))
        return found

    def _program(self, given: BatchPass) -> ReadingProgram:
        form = (len(given.x), given.y is None, given.backward)
        if form not in self._programs:
            request = ReadingRequest(
                results=self._values([each.results for each in self._nodes]),
                result_gradients=self._values([each.result_gradients for each in self._nodes]),
                by_sum=given.y is None,
                backward=given.backward,
            )
            program = ReadingProgram(self._chunk, self._parameters, self._memory, len(given.x), request)
            program.bind(self._memory.zeros(program.floats))
            self._programs[form] = program
        return self._programs[form]

    def _values(self, numbers: Sequence[Sequence[int]]) -> set[Value]:
        """Return the values of the nodes of each network that have these numbers."""
        pairs = enumerate(zip(numbers, self._stands, strict=True))
        return {(m, stands[number]) for m, (own, stands) in pairs for number in own}

    def _load(self, program: ReadingProgram, given: BatchPass) -> None:
        """Write a batch to where a program reads it."""
        batch = len(given.x)
        if program.inputs is not None:
            program.inputs[:, : given.x[0].numel() * batch] = given.x.flatten(1).T.reshape(1, -1)
        if given.y is not None:
            program.targets.copy_(self._loss.targets(given.y, self._outputs, 0.0).T.unsqueeze(0))

    def _arrays(self, flat: Tensor) -> list[Arrays]:
        """Return the arrays of each network out of a buffer of all of them."""
        found: list[Arrays] = [{} for _ in self._nodes]
        for group in self._parameters.groups:
            for name in group.node.parameter_shapes:
                stored = self._parameters.stored(group, name, flat)
                arrays = in_torch_form(self._parameters.form(group.node, name), stored)
                for row, (m, number) in enumerate(group.values):
                    found[m].setdefault(number, {})[name] = arrays[row].clone()
        return found


def _without_dropout(network: Network) -> Network:
    """Return a network with the identity for each operation that draws noise."""
    if not draws_noise(network):
        return network
    return Network(
        tuple(
            replace(node, operation=Activation(), function="identity", options=())
            if node.operation.noisy
            else node
            for node in network.nodes
        )
    )
