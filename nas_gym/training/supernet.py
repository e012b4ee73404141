"""Training the shared weights of a supernet along paths, and scoring networks by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas_gym.networks import Network, Supernet, draws_noise, outputs_together
from nas_gym.training.batches import EVALUATION_BATCH, BatchStream
from nas_gym.training.engine import PASSES
from nas_gym.training.epochs import InterruptedTraining
from nas_gym.training.losses.registry import loss_of
from nas_gym.training.members import TrainingData
from nas_gym.training.noise import MemberNoise
from nas_gym.training.numerics import apart
from nas_gym.training.optimizer import BETAS, EPSILON, SGD_MOMENTUM
from nas_gym.training.recipe import Recipe

CLIP = 5.0
"""Largest norm of the gradients of a step, that of the published searches on shared weights."""


@dataclass(frozen=True, slots=True)
class Path:
    """A network, and the place of each of its nodes (see `nas_gym.search_spaces.SearchSpace.slots`)."""

    network: Network
    slots: Sequence[str]


@dataclass
class Trace:
    """How the training of a supernet went.

    Attributes:
        epochs: passes over the training part so far.
        flops: floating-point operations of its steps so far, as `PASSES` counts them.
        losses: mean training loss of each epoch.
    """

    epochs: int = 0
    flops: float = 0.0
    losses: list[float] = field(default_factory=list)


class PathTraining:
    """A supernet that is trained along the paths it is given, until it has cost so many operations.

    Each step computes one batch along one path or several; the arrays of these paths move along the mean of
    their gradients. What several have in common is computed once, where they draw no noise; their cost is
    that of each alone. The learning rate follows the recipe's schedule by the share of the cost. All follows
    from the seed: the order of the examples and, of networks that draw noise, the noise.

    Args:
        data: on the device to train on.
        recipe: batch size, optimiser, learning rate, schedule, weight decay and label smoothing.
        outputs: numbers that a network gives for one example.
        seed: seed of all of it.
        limit: floating-point operations after which no further step begins.

    Attributes:
        supernet: the weights.
        trace: how it went so far.
    """

    def __init__(self, data: TrainingData, recipe: Recipe, outputs: int, *, seed: int, limit: float) -> None:
        self._data, self._recipe, self._outputs, self._seed, self._limit = data, recipe, outputs, seed, limit
        self._loss = loss_of(data.loss)
        self._device = data.x_train.device
        self.supernet = Supernet(seed, self._device)
        self.trace = Trace()
        self._optimizer: torch.optim.Optimizer | None = None
        self._noise = MemberNoise(seed, self._device)

    @property
    def finished(self) -> bool:
        """Whether the cost is spent."""
        return self.trace.flops >= self._limit

    @apart
    def train_epoch(self, steps: Iterator[Sequence[Path]], stop: Callable[[], bool] = lambda: False) -> float:
        """Pass once over the training part, or to the end of the cost; return the mean loss.

        Args:
            steps: the paths of each step.
            stop: whether to stop at the next step.

        Raises:
            InterruptedTraining: once `stop` returns True; the weights are then of no use.
        """
        epoch = np.random.SeedSequence([self._seed, self.trace.epochs]).generate_state(1)
        stream = BatchStream(self._data, self._recipe, int(epoch[0]), self._outputs)
        losses = []
        for (x, targets), paths in zip(stream.epoch(), steps, strict=False):
            if self.finished:
                break
            if stop():
                raise InterruptedTraining
            examples = x.T.reshape(-1, *self._data.x_train.shape[1:]).contiguous()
            losses.append(self._step(examples, targets.T.contiguous(), paths))
        self.trace.epochs += 1
        self.trace.losses.append(float(np.mean(losses)) if losses else math.nan)
        return self.trace.losses[-1]

    def _step(self, x: Tensor, targets: Tensor, paths: Sequence[Path]) -> float:
        named = [(path.network, self.supernet.names(path.network, path.slots)) for path in paths]
        used = {whole for _, names in named for each in names for whole in each.values()}
        self.trace.flops += PASSES * len(x) * sum(network.flops for network, _ in named)
        if len(paths) > 1 and not any(draws_noise(network) for network, _ in named):
            together = outputs_together(self.supernet, named, x)
            losses = [self._loss.mean(outputs, targets) for outputs in together]
            total = self._backward(torch.stack(losses).mean())
        else:
            total = 0.0
            for network, names in named:
                outputs = self.supernet.forward(network, names, x, self._noise)
                total += self._backward(self._loss.mean(outputs, targets) / len(paths))
        arrays = [self.supernet.arrays[name] for name in sorted(used)]
        self._noise.step += 1
        moved = [array for array in arrays if array.grad is not None]
        if moved and math.isfinite(total):
            torch.nn.utils.clip_grad_norm_(moved, CLIP)
            optimizer = self._optimizer_of()
            optimizer.param_groups[0]["lr"] = self._rate()
            optimizer.step()
        for array in moved:
            array.grad = None
        return total

    def _backward(self, loss: Tensor) -> float:
        """Add the gradients of a loss to those of the arrays; return its value."""
        if loss.requires_grad:
            torch.autograd.backward(loss)
        return float(loss.detach())

    def _rate(self) -> float:
        highest = self._recipe.learning_rate
        if self._recipe.schedule == "constant":
            return highest
        share = min(self.trace.flops / self._limit, 1.0)
        return highest * 0.5 * (1 + math.cos(math.pi * share))

    def _optimizer_of(self) -> torch.optim.Optimizer:
        """Return the optimiser over all arrays that there are; those without a gradient do not move."""
        arrays = list(self.supernet.arrays.values())
        if self._optimizer is None:
            decay = self._recipe.weight_decay
            if self._recipe.optimizer == "adamw":
                self._optimizer = torch.optim.AdamW(arrays, betas=BETAS, eps=EPSILON, weight_decay=decay)
            else:
                self._optimizer = torch.optim.SGD(
                    arrays, lr=0.1, momentum=SGD_MOMENTUM, nesterov=True, weight_decay=decay
                )
        known = self._optimizer.param_groups[0]["params"]
        known.extend(arrays[len(known) :])
        return self._optimizer

    @apart
    @torch.no_grad()
    def measured(self, path: Path, examples: Tensor | None = None) -> tuple[float, dict[str, float]]:
        """Return the validation score of a network by the shared weights, and its other metrics.

        Args:
            path: the network.
            examples: the numbers of the validation examples to score; None for all.
        """
        x_all, y_all = self._data.x_validation, self._data.y_validation
        if examples is not None:
            x_all, y_all = x_all[examples], y_all[examples]
        names = self.supernet.names(path.network, path.slots)
        total = torch.zeros(self._loss.sums(self._outputs), 1, dtype=torch.float64)
        # Of even size, since nodes that normalise do so by the batch.
        count = -(-len(x_all) // EVALUATION_BATCH)
        for x, y in zip(x_all.chunk(count), y_all.chunk(count), strict=True):
            outputs = self.supernet.forward(path.network, names, x)
            total += self._loss.sum_up(outputs, y).cpu().double()[:, None]
        score, metrics = self._loss.measured(total, y_all)
        return float(score), {name: float(value) for name, value in metrics.items()}

    def state(self) -> dict[str, Any]:
        """Return all that a later process needs to go on: tensors, numbers and texts."""
        moments = {} if self._optimizer is None else self._optimizer.state_dict()["state"]
        return {
            "arrays": {name: array.detach().cpu() for name, array in self.supernet.arrays.items()},
            "moments": moments,
            "step": self._noise.step,
            "epochs": self.trace.epochs,
            "flops": self.trace.flops,
            "losses": list(self.trace.losses),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        for name, array in state["arrays"].items():
            self.supernet.arrays[name] = array.to(self._device).requires_grad_(True)
        if state["moments"]:
            optimizer = self._optimizer_of()
            optimizer.load_state_dict(optimizer.state_dict() | {"state": state["moments"]})
        self._noise.step = state["step"]
        self.trace = Trace(state["epochs"], state["flops"], list(state["losses"]))
