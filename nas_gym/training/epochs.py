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

from nas_gym.training.losses.registry import LOSSES
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
        self._loss = LOSSES[data.loss]
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
    def _state(self, m: int) -> Mapping[str, Tensor]:
        """Return a member's parameters and buffers under the names of `NetworkModule`, on the CPU."""

    def _results(
        self,
        curves: Tensor,
        losses: Tensor,
        metrics: dict[str, Tensor],
        test: Tensor | None,
        seconds: float,
    ) -> list[Trained]:
        trained = torch.isfinite(losses).all(1)  # (epochs, members)
        usable = torch.isfinite(curves).to(trained.device)
        costs = [max(1, member.network.flops) for member in self._members]
        results = []
        for m, member in enumerate(self._members):
            diverged = (~(trained & usable)[:, m]).nonzero()
            good = int(diverged[0]) if len(diverged) else len(curves)
            what = "loss was" if len(diverged) and not trained[good, m] else "network's outputs were"
            error = f"training diverged: the {what} not finite in epoch {good + 1}" if len(diverged) else ""
            if not error and test is not None and not math.isfinite(test[m]):
                error = "training diverged: the network's outputs for test examples were not finite"
            results.append(
                Trained(
                    network=member.network,
                    curve=tuple(curves[:good, m].tolist()),
                    losses=tuple(losses[:good, :, m].mean(1).tolist()),
                    error=error,
                    seconds=seconds * costs[m] / sum(costs),
                    test=None if error or test is None else float(test[m]),
                    metrics={} if error else {name: float(values[m]) for name, values in metrics.items()},
                    state=self._state(m) if self._keep.weights else {},
                    step_losses=tuple(losses[..., m].flatten().tolist()) if self._keep.step_losses else (),
                )
            )
        return results
