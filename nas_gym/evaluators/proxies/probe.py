"""A network with fresh weights and a batch, and what proxies read of it, each computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from nas_gym.evaluators.proxies.base import NoValueError
from nas_gym.networks import (
    Activation,
    BatchNorm,
    ChannelLayerNorm,
    Dropout,
    Embedding,
    LayerNorm,
    Network,
    Node,
    RMSNorm,
    initial_weights,
)
from nas_gym.tasks import Task
from nas_gym.training import loss_of, on_device

Arrays = list[dict[str, Tensor]]
BATCHES = 2
NOTHING = "nothing in it can be differentiated"
LEFT_OUT = (BatchNorm, LayerNorm, ChannelLayerNorm, RMSNorm, Activation, Dropout)
"""What a pass leaves out that is to be linear."""
KEPT = ("network", "seed", "examples", "device", "live")
"""Attributes of a probe that it does not forget."""


@dataclass(frozen=True)
class Examples:
    """The batches that networks are looked at with, the same for all of a seed.

    Attributes:
        batches: inputs (batch, *input_shape) float32 and what is to be predicted, as the task has it.
        classes: the class of each example of the first batch, int64; None of a task without classes.
        loss: name of the loss.
        outputs: values that a network gives for one example.
    """

    batches: tuple[tuple[Tensor, Tensor], ...]
    classes: np.ndarray | None
    loss: str
    outputs: int

    @staticmethod
    def drawn(task: Task, seed: int, batch: int, device: torch.device) -> Examples:
        """Draw `BATCHES` batches of training examples without replacement, fewer of a small task."""
        rows = np.random.default_rng([seed, 3]).permutation(len(task.y_train))
        parts = [rows[start * batch : (start + 1) * batch] for start in range(BATCHES)]
        batches = tuple(
            (on_device(task.x_train[part], device), on_device(task.y_train[part], device))
            for part in parts
            if len(part)
        )
        classes = task.y_train[parts[0]] if task.target.kind == "classes" else None
        return Examples(batches, classes, task.target.loss, task.outputs)


class Probe:
    """A network with the weights that a training with a seed begins with, and what is computed of it.

    What is computed is kept until `forget`. Some of it may be there before: `ProbeChunk.read` sets what it
    computed for many probes at once.

    Batch norms use the statistics of the batch, dropout is off. Nodes that no path from the input to the
    output leads through count nothing.

    Args:
        network: the network.
        seed: seed of the weights, and of whatever else is drawn.
        examples: batches; None where no proxy reads them.
        device: where it is computed.

    Attributes:
        live: numbers of the nodes on a path from the input to the output, ascending; () without a path.
    """

    def __init__(self, network: Network, seed: int, examples: Examples | None, device: torch.device) -> None:
        self.network, self.seed, self.examples, self.device = network, seed, examples, device
        self.live = live_nodes(network)

    @cached_property
    def arrays(self) -> Arrays:
        """The arrays of each node; the weights of layers ask for gradients."""
        found: Arrays = [{} for _ in self.network.nodes]
        for whole, array in initial_weights(self.network, self.seed):
            node, _, own = whole.partition("_")
            found[int(node)][own] = array.to(self.device)
        for number, name in self.places:
            found[number][name].requires_grad_(True)
        return found

    @cached_property
    def places(self) -> list[tuple[int, str]]:
        """The weights of layers, by node and name: arrays with two sides or more, but of no normalisation."""
        return [
            (number, name)
            for number in self.live
            if not self.network.nodes[number].operation.normalises
            for name, shape in self.network.nodes[number].parameter_shapes.items()
            if len(shape) > 1
        ]

    @property
    def weights(self) -> list[Tensor]:
        """The weights of layers, by which gradients are taken."""
        return [self.arrays[number][name] for number, name in self.places]

    @cached_property
    def detached_weights(self) -> list[Tensor]:
        """The weights of layers, as numbers alone."""
        return [weight.detach() for weight in self.weights]

    @property
    def layers(self) -> list[int]:
        """The numbers of the nodes with such weights."""
        return list(dict.fromkeys(number for number, _ in self.places))

    @property
    def activations(self) -> list[int]:
        """The numbers of the activations other than the identity."""
        nodes = self.network.nodes
        return [
            number
            for number in self.live
            if isinstance(nodes[number].operation, Activation) and nodes[number].function != "identity"
        ]

    @cached_property
    def embeddings(self) -> list[int]:
        """The numbers of the nodes that look codes up: of tokens, what they give is what gradients reach."""
        nodes = self.network.nodes
        return [number for number in self.live if isinstance(nodes[number].operation, Embedding)]

    def forget(self) -> None:
        """Let go of what was computed, which is large."""
        for name in [name for name in vars(self) if name not in KEPT]:
            delattr(self, name)

    def generator(self, purpose: int) -> torch.Generator:
        """Return a generator of random numbers, by the seed and a purpose."""
        state = np.random.SeedSequence([self.seed, purpose]).generate_state(1)
        return torch.Generator(device="cpu").manual_seed(int(state[0]))

    def gaussian(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return numbers from the standard normal distribution, float32."""
        return torch.randn(tuple(shape), generator=generator, dtype=torch.float32, device="cpu").to(
            self.device
        )

    def inputs(self, count: int, generator: torch.Generator) -> Tensor:
        """Return examples of no data: standard normal ones, of tokens codes that are all as likely."""
        shape = (count, *self.network.input_shape)
        if not self.embeddings:
            return self.gaussian(shape, generator)
        codes = min(self.network.nodes[number].option("codes") for number in self.embeddings)
        drawn = torch.randint(1, codes, shape, generator=generator, device="cpu")
        return drawn.to(dtype=torch.float32, device=self.device)

    def drawn_arrays(self, purpose: int, gain: Callable[[Sequence[int]], float]) -> Arrays:
        """Return other first values: weights of layers normal with a deviation by shape, biases 0."""
        generator, found = self.generator(purpose), [dict(arrays) for arrays in self.arrays]
        places = set(self.places)
        for number, arrays in enumerate(found):
            normalises = self.network.nodes[number].operation.normalises
            for name, array in arrays.items():
                if (number, name) in places:
                    arrays[name] = self.gaussian(array.shape, generator) * gain(array.shape)
                elif name == "bias" and not normalises:
                    arrays[name] = torch.zeros_like(array)
        return found

    @cached_property
    def x(self) -> Tensor:
        """The inputs of the first batch; they ask for gradients."""
        assert self.examples is not None
        return self.examples.batches[0][0].clone().requires_grad_(True)

    @cached_property
    def values(self) -> dict[int, Tensor]:
        """The result of each node for the first batch."""
        return run(self.network, self.arrays, self.x)

    @property
    def outputs(self) -> Tensor:
        """The outputs for the first batch, (batch, outputs)."""
        return self.values[len(self.network.nodes) - 1]

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss of outputs, without label smoothing."""
        assert self.examples is not None
        loss = loss_of(self.examples.loss)
        return loss.mean(outputs, loss.targets(y, self.examples.outputs, 0.0))

    @cached_property
    def layer_results(self) -> list[Tensor]:
        """The results of `layers` for the first batch."""
        return [self.values[number].detach() for number in self.layers]

    @cached_property
    def gradients(self) -> list[Tensor]:
        """The gradients of the loss of the first batch by `weights`."""
        return self._by_loss[: len(self.places)]

    @cached_property
    def layer_gradients(self) -> list[Tensor]:
        """The gradients of the loss of the first batch by `layer_results`."""
        return self._by_loss[len(self.places) :]

    @cached_property
    def _by_loss(self) -> list[Tensor]:
        assert self.examples is not None
        loss = self.loss(self.outputs, self.examples.batches[0][1])
        results = [self.values[number] for number in self.layers]
        return gradients_of(loss, [*self.weights, *results], keep=True)

    @cached_property
    def second_gradients(self) -> list[Tensor]:
        """The gradients of the loss of the second batch by `weights`."""
        assert self.examples is not None
        x, y = self.examples.batches[1]
        outputs = run(self.network, self.arrays, x)[len(self.network.nodes) - 1]
        return gradients_of(self.loss(outputs, y), self.weights)

    @cached_property
    def input_gradients(self) -> np.ndarray:
        """The gradient of the sum of all outputs by each example of the first batch, float64 (batch, -1).

        Of tokens it is that by what their embeddings give.
        """
        by = [self.values[number] for number in self.embeddings] or [self.x]
        return rows_of(gradients_of(self.outputs.sum(), by, keep=True))

    @property
    def activation_inputs(self) -> list[int]:
        """The numbers of the nodes that `activations` read."""
        return [self.network.nodes[number].inputs[0] for number in self.activations]

    @cached_property
    def codes(self) -> np.ndarray:
        """Which inputs of `activations` are above 0 for each example, bool (batch, units)."""
        return codes_of([self.values[number] for number in self.activation_inputs], len(self.x))


def rows_of(gradients: Sequence[Tensor]) -> np.ndarray:
    """Return gradients, (batch, ...) each, as one row an example, float64 (batch, numbers)."""
    return torch.cat([each.flatten(1) for each in gradients], 1).cpu().numpy().astype(np.float64)


def codes_of(values: Sequence[Tensor], batch: int) -> np.ndarray:
    """Return which numbers of some values, (batch, ...) each, are above 0, bool (batch, numbers)."""
    parts = [(value > 0).flatten(1).cpu().numpy() for value in values]
    return np.concatenate(parts, axis=1) if parts else np.zeros((batch, 0), dtype=bool)


def live_nodes(network: Network) -> tuple[int, ...]:
    """Return the numbers of the nodes on a path from the input to the output, without the input; () for none.

    A node that gives zeros whatever its inputs are is on no path.
    """
    reached = {0}
    for number, node in enumerate(network.nodes):
        if not node.operation.gives_zeros and any(place in reached for place in node.inputs):
            reached.add(number)
    last = len(network.nodes) - 1
    if last not in reached:
        return ()
    needed = {last}
    for number in reversed(range(len(network.nodes))):
        if number in needed:
            needed.update(place for place in network.nodes[number].inputs if place in reached)
    return tuple(sorted(needed - {0}))


def run(
    network: Network,
    arrays: Arrays,
    x: Tensor,
    *,
    linear: bool = False,
    shifts: Mapping[int, Tensor] | None = None,
) -> dict[int, Tensor]:
    """Return the result of each node that the output needs, for a batch.

    Args:
        network: the network.
        arrays: trainable arrays of each node.
        x: (batch, *input_shape), of any floating type.
        linear: whether normalisations and activations are left out, as are biases then by their zeros.
        shifts: what is added to the results of some nodes; None for nothing.
    """
    values = {0: x}
    for number in _order(network):
        node = network.nodes[number]
        # Zeros only need to know the size of the batch.
        inputs = [x] if node.operation.gives_zeros else [values[place] for place in node.inputs]
        if linear and isinstance(node.operation, LEFT_OUT):
            values[number] = inputs[0]
            continue
        buffers = {
            name: torch.full(shape, first, dtype=x.dtype, device=x.device)
            for name, (shape, first) in node.operation.buffers(node).items()
        }
        own = arrays[number] | buffers
        values[number] = node.operation.forward(node, inputs, own, node.operation.normalises)
        if shifts and number in shifts:
            values[number] = values[number] + shifts[number]
    return values


def gradients_of(value: Tensor, by: Sequence[Tensor], *, keep: bool = False) -> list[Tensor]:
    """Return the gradients of a number, zeros by what it does not depend on.

    Raises:
        NoValueError: if it depends on nothing, or there is nothing to take gradients by.
    """
    if not value.requires_grad or not by:
        raise NoValueError(NOTHING)
    found = torch.autograd.grad(value, list(by), retain_graph=keep, allow_unused=True)
    return [
        torch.zeros_like(array) if gradient is None else gradient
        for array, gradient in zip(by, found, strict=True)
    ]


def by_place(result: Tensor) -> Tensor:
    """Return a result (batch, channels, *sides) as rows (batch * places, channels)."""
    return result.flatten(2).transpose(1, 2).flatten(0, 1) if result.dim() > 2 else result


def fan_in(shape: Sequence[int]) -> int:
    """Return how many inputs a unit of a weight has."""
    return math.prod(shape[1:])


def _order(network: Network) -> list[int]:
    needed = {len(network.nodes) - 1}
    for number in reversed(range(len(network.nodes))):
        node: Node = network.nodes[number]
        if number in needed and not node.operation.gives_zeros:
            needed.update(node.inputs)
    return sorted(needed - {0})
