"""Training a network of mixtures: shared weights on one part, the weights of candidates on another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nas_gym.networks import Blend, Network, Supernet, running
from nas_gym.training.batches import EVALUATION_BATCH, BatchStream
from nas_gym.training.engine import PASSES
from nas_gym.training.losses.registry import loss_of
from nas_gym.training.members import TrainingData
from nas_gym.training.noise import MemberNoise
from nas_gym.training.recipe import Recipe
from nas_gym.training.supernet import CLIP, Trace

MOMENTUM = 0.9
Blends = Mapping[str, Blend]


class Batch(NamedTuple):
    """Examples (batch, *input_shape) and what outputs for them are compared with (batch, outputs)."""

    x: Tensor
    targets: Tensor


class MixtureTraining:
    """The shared weights w of a network of mixtures, trained until they have cost so many operations.

    It moves w by gradients of losses that the caller asks for, at weights of candidates that the caller
    chooses. Stochastic gradient descent with momentum, clipped gradients and a cosine from the highest
    learning rate to the lowest by the share of the cost, as published searches have it. All follows from the
    seed.

    Args:
        data: on the device to train on.
        recipe: batch size and label smoothing.
        network: the network of mixtures.
        slots: the place of each of its nodes.
        outputs: numbers that a network gives for one example.
        seed: seed of all of it.
        limit: floating-point operations after which no further step should begin, see `finished`.
        learning_rates: the highest and the lowest.
        weight_decay: L2 penalty of w.

    Attributes:
        network: as passed in.
        supernet: w.
        names: the names of w that the network uses, in order.
        trace: how it went so far.
    """

    def __init__(
        self,
        data: TrainingData,
        recipe: Recipe,
        network: Network,
        slots: Sequence[str],
        outputs: int,
        *,
        seed: int,
        limit: float,
        learning_rates: tuple[float, float],
        weight_decay: float,
    ) -> None:
        self._data, self._recipe, self._outputs, self._seed, self._limit = data, recipe, outputs, seed, limit
        self._loss = loss_of(data.loss)
        self._highest, self._lowest = learning_rates
        self.weight_decay = weight_decay
        self.network = network
        self.supernet = Supernet(seed, data.x_train.device)
        self._nodes = self.supernet.names(network, slots)
        self.names = sorted({whole for node in self._nodes for whole in node.values()})
        self.momentum = {name: torch.zeros_like(self.supernet.arrays[name]) for name in self.names}
        self._noise = MemberNoise(seed, data.x_train.device)
        self.trace = Trace()

    @property
    def finished(self) -> bool:
        """Whether the cost is spent."""
        return self.trace.flops >= self._limit

    @property
    def share(self) -> float:
        """The share of the cost that is spent, in [0, 1]."""
        return min(self.trace.flops / self._limit, 1.0)

    @property
    def validation_examples(self) -> int:
        """The number of validation examples."""
        return len(self._data.x_validation)

    @property
    def w(self) -> list[Tensor]:
        """The shared weights, in the order of `names`."""
        return [self.supernet.arrays[name] for name in self.names]

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._lowest + (self._highest - self._lowest) * 0.5 * (1 + math.cos(math.pi * self.share))

    def epoch(self) -> Iterator[tuple[Batch, Batch]]:
        """Give the batches of an epoch: one of the training part with one of the validation part, each time.

        The validation part begins anew where it is the smaller one. The epoch counts from its first batch on,
        so that one which the end of the cost breaks off has a number of its own.
        """
        seeds = np.random.SeedSequence([self._seed, self.trace.epochs]).generate_state(2)
        swapped = replace(self._data, x_train=self._data.x_validation, y_train=self._data.y_validation)
        train = BatchStream(self._data, self._recipe, int(seeds[0]), self._outputs)
        validation = BatchStream(swapped, self._recipe, int(seeds[1]), self._outputs)
        second = validation.epoch()
        self.trace.epochs += 1
        for first in train.epoch():
            other = next(second, None)
            if other is None:
                second = validation.epoch()
                other = next(second)
            yield self._batch(*first), self._batch(*other)

    def _batch(self, x: Tensor, targets: Tensor) -> Batch:
        shape = self._data.x_train.shape[1:]
        return Batch(x.T.reshape(-1, *shape).contiguous(), targets.T.contiguous())

    def batch_of(self, x: Tensor, y: Tensor) -> Batch:
        """Return these examples as a batch, with labels as they are."""
        return Batch(x, self._loss.targets(y, self._outputs, 0.0))

    def loss(
        self, batch: Batch, blends: Blends, w: Sequence[Tensor] | None = None, *, counted: bool = True
    ) -> Tensor:
        """Return the mean loss of a batch, and count its forward and backward pass.

        Args:
            batch: the examples.
            blends: weights of the candidates of each variable.
            w: what to take in place of the shared weights, in the order of `names`; None for these.
            counted: whether it is part of the cost.
        """
        arrays = None if w is None else dict(zip(self.names, w, strict=True))
        outputs = self.supernet.forward(
            self.network, self._nodes, batch.x, self._noise, blends=blends, arrays=arrays
        )
        if counted:
            self.trace.flops += PASSES * len(batch.x) * self.flops(blends)
        return self._loss.mean(outputs, batch.targets)

    def flops(self, blends: Blends) -> int:
        """Return the floating-point operations of a forward pass of one example, of what runs."""
        return sum(node.flops for node in running(self.network, self._nodes, blends).values())

    def step(self, loss: Tensor) -> float:
        """Move w against the gradient of a loss; return its value.

        A loss that is not finite moves nothing.
        """
        gradients = torch.autograd.grad(loss, self.w, allow_unused=True)
        self._noise.step += 1
        value = float(loss.detach())
        moved = [
            (name, gradient)
            for name, gradient in zip(self.names, gradients, strict=True)
            if gradient is not None
        ]
        norm = math.sqrt(sum(float(gradient.double().square().sum()) for _, gradient in moved))
        if not math.isfinite(value + norm):
            return value
        scale, rate = min(1.0, CLIP / (norm + 1e-6)), self.rate
        with torch.no_grad():
            for name, gradient in moved:
                array, momentum = self.supernet.arrays[name], self.momentum[name]
                momentum.mul_(MOMENTUM).add_(gradient, alpha=scale).add_(array, alpha=self.weight_decay)
                array.sub_(momentum, alpha=rate)
        return value

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on: tensors, numbers and texts."""
        return self.weights_state() | {
            "weight_decay": self.weight_decay,
            "step": self._noise.step,
            "epochs": self.trace.epochs,
            "flops": self.trace.flops,
            "losses": list(self.trace.losses),
        }

    def weights_state(self) -> dict[str, Any]:
        """Return the shared weights and their momentum, as they lie where they are on a CPU."""
        return {
            "arrays": {name: array.detach().cpu() for name, array in self.supernet.arrays.items()},
            "momentum": {name: array.cpu() for name, array in self.momentum.items()},
        }

    @torch.no_grad()
    def set_weights(self, state: Mapping[str, Any]) -> None:
        """Set what `weights_state` returned."""
        for mine, kept in ((self.supernet.arrays, state["arrays"]), (self.momentum, state["momentum"])):
            for name, array in kept.items():
                mine[name].copy_(array)

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self.set_weights(state)
        self.weight_decay, self._noise.step = state["weight_decay"], state["step"]
        self.trace = Trace(state["epochs"], state["flops"], list(state["losses"]))

    @torch.no_grad()
    def measured(self, blends: Blends, examples: Tensor | None = None) -> float:
        """Return the validation score with these weights of candidates.

        Args:
            blends: weights of the candidates of each variable.
            examples: the numbers of the validation examples to score, whose cost then counts; None for all,
                at no cost.
        """
        data = self._data
        x, y = data.x_validation, data.y_validation
        if examples is not None:
            x, y = x[examples], y[examples]
            self.trace.flops += len(x) * self.flops(blends)
        total = torch.zeros(self._loss.sums(self._outputs), 1, dtype=torch.float64)
        count = -(-len(x) // EVALUATION_BATCH)
        for part, answers in zip(x.chunk(count), y.chunk(count), strict=True):
            outputs = self.supernet.forward(self.network, self._nodes, part, blends=blends)
            total += self._loss.sum_up(outputs, answers).cpu().double()[:, None]
        return float(self._loss.measured(total, y)[0])

    def examples(self, rng: np.random.Generator) -> Tensor:
        """Return the numbers of a batch of validation examples, drawn without return."""
        count = len(self._data.x_validation)
        size = min(self._recipe.batch_size, count)
        return torch.from_numpy(rng.choice(count, size, replace=False)).to(self._data.x_validation.device)


def hessian(loss: Callable[[Tensor], Tensor], alpha: Tensor) -> Tensor:
    """Return the matrix of second derivatives of a function of a flat tensor, (n, n)."""
    point = alpha.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(point), point, create_graph=True)
    ways = torch.eye(len(point), dtype=point.dtype, device=point.device)
    if not gradient.requires_grad:  # of a linear function
        return torch.zeros_like(ways)
    try:
        # All rows at once took .4 of the time of one after another, and gave the same bits.
        (rows,) = torch.autograd.grad(gradient, point, ways, retain_graph=True, is_grads_batched=True)
    except RuntimeError:  # of an operation of the user's own that cannot be batched
        rows = torch.stack([torch.autograd.grad(gradient, point, way, retain_graph=True)[0] for way in ways])
    return rows
