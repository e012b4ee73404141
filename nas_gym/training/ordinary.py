"""Training one network by its module and autograd, where an operation has no fused kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, NetworkModule, Node, Shape, initial_weights
from nas_gym.training.batches import EVALUATION_BATCH, BatchStream
from nas_gym.training.epochs import EpochTraining, InterruptedTraining, Keep, Part
from nas_gym.training.members import Member, TrainingData
from nas_gym.training.noise import MemberNoise
from nas_gym.training.optimizer import learning_rate, optimizer_of
from nas_gym.training.program.reduced_graph import graph_of
from nas_gym.training.recipe import Recipe


class OrdinaryTraining(EpochTraining):
    """One member, trained as fused kernels would, by the same weights, batches and optimiser.

    Args:
        member: the member.
        data: on the device to train on.
        recipe: how to train.
        keep: what to keep.

    Raises:
        NASGymError: for the precision bfloat16, which modules are not trained in.
    """

    def __init__(self, member: Member, data: TrainingData, recipe: Recipe, keep: Keep) -> None:
        super().__init__([member], data, recipe, keep)
        network = member.network
        if recipe.precision == "bfloat16":
            raise ConfigError(
                "precision 'bfloat16' is for operations with kernels of their own: leave it out of the recipe"
            )
        self._stream = BatchStream(data, recipe, member.seed, self._outputs)
        self._module = NetworkModule(network)
        self._module.load_state_dict(dict(initial_weights(network, member.seed)), strict=False)
        self._module.to(self._device)
        self._module.noise = self._noise = MemberNoise(member.seed, self._device)
        self._order = _order(network)
        live = set(graph_of(network).nodes)
        arrays = [
            array for name, array in self._module.named_parameters() if int(name.partition("_")[0]) in live
        ]
        self._weights, self._gradients = _flat(arrays, self._device)
        self._optimizer = optimizer_of(self._weights, self._gradients, recipe)

    def _prepare(self) -> None:
        self._module.train()

    def _train_epoch(self, epoch: int, stop: Callable[[], bool]) -> Tensor:
        self._module.train()
        losses = torch.empty(self._steps, 1, dtype=torch.float32, device=self._device)
        for step, (x, targets) in enumerate(self._stream.epoch()):
            if stop():
                raise InterruptedTraining
            # Autograd adds to gradients that are there.
            self._gradients.zero_()
            outputs = self._forward(_examples(x, self._data.x_train))
            loss = self._loss.mean(outputs, targets.T.contiguous())
            if loss.requires_grad:
                torch.autograd.backward(loss)
            losses[step] = loss.detach()
            done = epoch * self._steps + step
            self._noise.step = done + 1
            self._optimizer.step(learning_rate(self._recipe, done, self._recipe.epochs * self._steps))
        return losses

    def _sums(self, part: Part) -> Tensor:
        self._module.eval()
        total = torch.zeros(self._loss.sums(self._outputs), 1, dtype=torch.float64)
        with torch.no_grad():
            for x, y in self._parts(part):
                total += self._loss.sum_up(self._forward(x), y).cpu().double()[:, None]
        return total

    def _parts(self, part: Part) -> Iterator[tuple[Tensor, Tensor]]:
        data = self._data
        x, y = (data.x_validation, data.y_validation) if part == "validation" else (data.x_test, data.y_test)
        assert x is not None
        assert y is not None
        return zip(x.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True)

    def _forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch, of what the output needs alone.

        What leads nowhere is not computed, so that its weights and statistics stay at their first
        values, as they do in fused kernels.
        """
        nodes = self._module.network.nodes
        values = {0: x}
        for number in self._order:
            node = nodes[number]
            # Zeros only need to know the size of the batch.
            inputs = [x] if node.operation.gives_zeros else [values[index] for index in node.inputs]
            values[number] = self._module.compute(number, node, inputs)
            _check(node, values[number], (len(x), *node.shape))
        return values[len(nodes) - 1]

    def _states(self) -> list[dict[str, Tensor]]:
        # Copies, since the parameters are parts of one long array.
        return [{name: array.detach().cpu().clone() for name, array in self._module.state_dict().items()}]


def _order(network: Network) -> list[int]:
    """Return the numbers of the nodes that the output needs, in order, without the input."""
    needed = {len(network.nodes) - 1}
    for number in reversed(range(len(network.nodes))):
        node = network.nodes[number]
        if number in needed and not node.operation.gives_zeros:
            needed.update(node.inputs)
    return sorted(needed - {0})


def _check(node: Node, value: Tensor, shape: Shape) -> None:
    if value.shape != shape or value.dtype != torch.float32:
        raise ConfigError(
            f"operation {node.operation!r} returned {value.dtype} of shape {tuple(value.shape)}, "
            f"expected torch.float32 of {shape}: mend its forward or its output_shape"
        )


def _examples(x: Tensor, like: Tensor) -> Tensor:
    """Return a batch (features, batch) as (batch, *input_shape)."""
    return x.T.reshape(-1, *like.shape[1:]).contiguous()


def _flat(parameters: list[torch.nn.Parameter], device: torch.device) -> tuple[Tensor, Tensor]:
    """Move parameters and their gradients into two long arrays, which one optimiser step reads."""
    total = sum(parameter.numel() for parameter in parameters)
    weights, gradients = (torch.zeros(total, dtype=torch.float32, device=device) for _ in range(2))
    used = 0
    for parameter in parameters:
        part = slice(used, used + parameter.numel())
        weights[part].copy_(parameter.detach().flatten())
        parameter.data = weights[part].view(parameter.shape)
        parameter.grad = gradients[part].view(parameter.shape)
        used = part.stop
    return weights, gradients
