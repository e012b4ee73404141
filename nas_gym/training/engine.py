"""Training members: chunks spread over cores, each on one thread, results as chunks finish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from nas_gym.training.epochs import Keep
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.numerics import threads_kept
from nas_gym.training.planning import Cost, available_bytes, plan_chunks, widest_chunk
from nas_gym.training.recipe import Recipe, check_precision
from nas_gym.training.workers import ChunkDone, ChunkHalved, EpochDone, Failed, Workers

Memory = int | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call of `train` is.

    Attributes:
        done, members: members finished, and all.
        share: share of the work that is done, in [0, 1], epochs of unfinished chunks included.
        loss: mean training loss of the epoch that finished last.
    """

    done: int
    members: int
    share: float
    loss: float


def train(
    members: Sequence[Member],
    data: TrainingData,
    recipe: Recipe,
    *,
    memory: Memory = "auto",
    cores: int | None = None,
    streams: int = 1,
    weights: bool = False,
    step_losses: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[tuple[int, Trained]]:
    """Train members on the device of `data`; yields (position, result) as chunks finish.

    A member's result depends on the member, the data and the recipe alone: on the CPU bit for bit,
    whatever else is trained, at whatever position, under whatever memory and number of cores.
    Closing the iterator, or an exception in its consumer, stops what is still training.

    Args:
        members: what to train.
        data: training and validation part, on the device.
        recipe: how to train.
        memory: bytes that training may take beside the data; ``"auto"`` is half of what is free.
        cores: chunks that train at the same time; None is the number of torch's threads on a CPU.
        streams: chunks that train at the same time on a CUDA device, each on a stream of its own.
        weights: whether to keep the final weights.
        step_losses: whether to keep the loss of every step.
        progress: called after every epoch of a chunk and at its end, in the caller's thread.

    Raises:
        NASGymError: if a member alone does not fit into memory, or the device lacks the precision.
    """
    if not members:
        return
    device = data.x_train.device
    check_precision(recipe, device.type)
    count = (cores or torch.get_num_threads()) if device.type == "cpu" else streams
    budget = available_bytes(device) // 2 if memory == "auto" else memory
    costs = [Cost.of(member, recipe) for member in members]
    chunks = plan_chunks(members, costs, budget, count, widest_chunk(device))
    workers = Workers(members, data, recipe, Keep(weights, step_losses), budget // count)
    account = _Account(costs, progress)
    waiting = len(chunks)
    with threads_kept():
        workers.start(chunks, min(count, len(members)))
        try:
            while waiting:
                match workers.reports.get():
                    case EpochDone() as epoch:
                        account.note(epoch)
                    case ChunkHalved():
                        waiting += 1
                    case ChunkDone(chunk, results):
                        waiting -= 1
                        account.finished(chunk)
                        yield from zip(chunk, results, strict=True)
                    case Failed(error):
                        raise error
        finally:
            workers.stop()


class _Account:
    """How much of the work is done."""

    def __init__(self, costs: Sequence[Cost], progress: Callable[[Progress], None] | None) -> None:
        self._costs, self._progress = costs, progress
        self._shares = [0.0] * len(costs)
        self._done = 0
        self._loss = float("nan")

    def note(self, epoch: EpochDone) -> None:
        self._loss = epoch.loss
        self._report(epoch.chunk, epoch.share)

    def finished(self, chunk: Sequence[int]) -> None:
        self._done += len(chunk)
        self._report(chunk, 1.0)

    def _report(self, chunk: Sequence[int], share: float) -> None:
        for m in chunk:
            self._shares[m] = share
        if self._progress is not None:
            total = sum(cost.work for cost in self._costs)
            done = sum(cost.work * share for cost, share in zip(self._costs, self._shares, strict=True))
            self._progress(Progress(self._done, len(self._costs), done / total, self._loss))
