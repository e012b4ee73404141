"""A worker: what trains one chunk after another, whatever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from nas_gym.training.chunk import ChunkTraining
from nas_gym.training.epochs import EpochTraining, Keep
from nas_gym.training.hardware.streams import alone, own_stream
from nas_gym.training.kernels.registry import is_fusible
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.numerics import usual_numerics
from nas_gym.training.ordinary import OrdinaryTraining
from nas_gym.training.recipe import Recipe

OnEpoch = Callable[[int, float], None]
"""Called after every epoch of a chunk with the epochs done and the mean loss."""


@dataclass(frozen=True, slots=True)
class Job:
    """What all chunks of a worker have in common.

    Attributes:
        data: on the device that the worker trains on.
        recipe: how to train.
        keep: what to keep of each member.
        limit: bytes that a chunk may take.
    """

    data: TrainingData
    recipe: Recipe
    keep: Keep
    limit: int


class Worker(ABC):
    """Trains one chunk at a time, on one thread of torch."""

    def ready(self) -> bool:
        """Return whether it can train now, after waiting for that for a moment."""
        return True

    def waits_for(self, workers: int) -> str:
        """Return what that many workers like it wait for, in words, as long as they are not ready."""
        return ""

    @abstractmethod
    def train(self, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        """Train the members of a chunk.

        Raises:
            MemoryError: if they do not fit into memory together.
            InterruptedTraining: after `interrupt`.
            Lost: if the worker has ended, which is then to be waited for.
        """

    @abstractmethod
    def interrupt(self) -> None:
        """Let `train`, which runs in another thread, stop at its next step, and start nothing more."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the worker holds; it trains no more."""


def train_chunk(
    members: Sequence[Member], job: Job, on_epoch: OnEpoch, stop: Callable[[], bool]
) -> list[Trained]:
    """Train a chunk in this thread, by the usual numerics.

    Raises:
        MemoryError: if it does not fit into memory.
        InterruptedTraining: once `stop` returns True.
    """
    device = job.data.x_train.device
    # Of this thread alone: kernels run as they are.
    with (
        torch.jit.optimized_execution(False),  # type: ignore[attr-defined]
        torch.cuda.device(device) if device.type == "cuda" else nullcontext(),
        own_stream(device),
        usual_numerics(job.recipe.precision),
    ):
        try:
            with alone(device):
                training = _training(members, job)
            return training.run(on_epoch, stop)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            raise MemoryError(str(error)) from error


def _training(members: Sequence[Member], job: Job) -> EpochTraining:
    if not is_fusible(members[0].network):
        return OrdinaryTraining(members[0], job.data, job.recipe, job.keep)
    limit = job.limit if len(members) > 1 else None
    return ChunkTraining(members, job.data, job.recipe, job.keep, limit)


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)
