"""Training epoch after epoch, whatever computes a step: curves, divergence, progress and results."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from nas_gym.training.losses.registry import loss_of
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.recipe import Recipe

Part = Literal["validation", "test"]


class InterruptedTraining(Exception):  # noqa: N818 (a request, not an error)
    """Training was asked to stop; nothing of the chunk is kept."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What to keep of a member beside its curve: final weights, the loss of every step."""

    weights: bool = False
    step_losses: bool = False


class EpochTraining(ABC):
    """Members of one number of epochs that are trained together.

    Args:
        members: the members.
        data: on the device to train on.
        recipe: how to train.
        keep: what to keep of each member.
    """

    def __init__(self, members: Sequence[Member], data: TrainingData, recipe: Recipe, keep: Keep) -> None:
        self._members, self._data, self._recipe, self._keep = members, data, recipe, keep
        self._device = data.x_train.device
        self._loss = loss_of(data.loss)
        self._outputs = members[0].network.output_shape[0]
        self._epochs = members[0].epochs or recipe.epochs

    @property
    def _steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self._data.y_train) // self._recipe.batch_size)

    def run(self, progress: Callable[[int, float], None], stop: Callable[[], bool]) -> list[Trained]:
        """Train; `progress` gets the epochs done and the mean loss after each epoch.

        Raises:
            InterruptedTraining: once `stop` returns True.
        """
        start = time.perf_counter()
        self._prepare()
        curves: list[Tensor] = []
        losses: list[Tensor] = []
        for epoch in range(self._epochs):
            losses.append(self._train_epoch(epoch, stop))
            scores, metrics = self._measured("validation")
            curves.append(scores)
            progress(epoch + 1, float(losses[-1].mean()))
            if not bool(torch.isfinite(losses[-1]).all(0).any()):
                break
        test = None if self._data.y_test is None else self._measured("test")[0]
        seconds = time.perf_counter() - start
        return self._results(torch.stack(curves), torch.stack(losses), metrics, test, seconds)

    def _measured(self, part: Part) -> tuple[Tensor, dict[str, Tensor]]:
        y = self._data.y_validation if part == "validation" else self._data.y_test
        assert y is not None
        return self._loss.measured(self._sums(part), y)

    @abstractmethod
    def _prepare(self) -> None:
        """Do what is worth doing once before many steps."""

    @abstractmethod
    def _train_epoch(self, epoch: int, stop: Callable[[], bool]) -> Tensor:
        """Pass once over the training part; return the losses (steps, members)."""

    @abstractmethod
    def _sums(self, part: Part) -> Tensor:
        """Return what the loss sums up over a part, float64 (sums, members), on the CPU."""

    @abstractmethod
    def _states(self) -> Sequence[Mapping[str, Tensor]]:
        """Return every member's parameters and buffers by the names of `NetworkModule`, on the CPU."""

    def _results(
        self,
        curves: Tensor,
        losses: Tensor,
        metrics: dict[str, Tensor],
        test: Tensor | None,
        seconds: float,
    ) -> list[Trained]:
        """Split what all members gave: curves (epochs, members), losses (epochs, steps, members)."""
        each = losses.cpu().permute(2, 0, 1).contiguous()
        trained, usable = torch.isfinite(each).all(2), torch.isfinite(curves).cpu().T
        good = (trained & usable).long().cumprod(1).sum(1).tolist()  # epochs before it diverged
        trains = trained.tolist()
        scores, means = curves.T.tolist(), each.mean(2).tolist()
        tests = None if test is None else test.tolist()
        others = {name: values.tolist() for name, values in metrics.items()}
        states = self._states() if self._keep.weights else [{}] * len(self._members)
        steps = each.flatten(1).tolist() if self._keep.step_losses else [()] * len(self._members)
        costs = [max(1, member.network.flops) for member in self._members]
        total = sum(costs)
        results = []
        for m, member in enumerate(self._members):
            epochs, error = good[m], ""
            if epochs < len(curves):
                what = "network's outputs were" if trains[m][epochs] else "loss was"
                error = f"training diverged: the {what} not finite in epoch {epochs + 1}"
            elif tests is not None and not math.isfinite(tests[m]):
                error = "training diverged: the network's outputs for test examples were not finite"
            results.append(
                Trained(
                    network=member.network,
                    curve=tuple(scores[m][:epochs]),
                    losses=tuple(means[m][:epochs]),
                    error=error,
                    seconds=seconds * costs[m] / total,
                    test=None if error or tests is None else tests[m],
                    metrics={} if error else {name: values[m] for name, values in others.items()},
                    state=states[m],
                    step_losses=tuple(steps[m]),
                )
            )
        return results
