"""Training members: chunks spread over cores or devices, results as chunks finish."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nas_gym.errors import WaitWarning
from nas_gym.executors import Executor
from nas_gym.training.epochs import Keep
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.numerics import threads_kept
from nas_gym.training.planning import Cost, plan_chunks, widest_chunk
from nas_gym.training.recipe import Recipe, check_precision
from nas_gym.training.workers.choice import Kind, plan_workers
from nas_gym.training.workers.crew import ChunkDone, ChunkHalved, Crew, EpochDone, Failed, Waiting
from nas_gym.training.workers.remote import RemotePlan

Memory = int | Literal["auto"]
PASSES = 3
"""Arithmetic of a training step, in forward passes: one forward, and one back that is twice as much."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call of `train` is.

    Attributes:
        done, members: members finished, and all.
        share: share of the work that is done, in [0, 1], epochs of unfinished chunks included.
        loss: mean training loss of the epoch that finished last.
        waiting: what the work waits for, in words, as the cores of a cluster; "" while it goes on.
    """

    done: int
    members: int
    share: float
    loss: float
    waiting: str = ""


def train(
    members: Sequence[Member],
    data: TrainingData | Sequence[TrainingData],
    recipe: Recipe,
    *,
    memory: Memory = "auto",
    cores: int | None = None,
    workers: Kind = "auto",
    streams: int = 1,
    weights: bool = False,
    step_losses: bool = False,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[tuple[int, Trained]]:
    """Train members on the devices of `data`; yields (position, result) as chunks finish.

    A member's result depends on the member, the data and the recipe alone: on the CPU bit for bit,
    whatever else is trained, at whatever position, under whatever memory, number of cores and workers.
    Closing the iterator, or an exception in its consumer, stops what is still training.

    Args:
        members: what to train.
        data: training and validation part, on the device; several of them, on a device each, share
            the members.
        recipe: how to train.
        memory: bytes that training may take beside the data; ``"auto"`` is half of what is free.
        cores: chunks that train at the same time on a CPU; None is the number of torch's threads.
        workers: what trains chunks on a CPU: ``"threads"``, ``"processes"``, which are kept for later
            calls, or ``"auto"``: processes for several cores, once there is enough to do. A network
            with an operation that only this process knows is trained in a thread in any case.
        streams: chunks that train at the same time on each CUDA device, each on a stream of its own.
        weights: whether to keep the final weights.
        step_losses: whether to keep the loss of every step.
        executor: where chunks are trained, other than on the devices of `data`, which is then on the CPU;
            `memory`, `cores`, `workers` and `streams` are the executor's own.
        progress: called after every epoch of a chunk and at its end, in the caller's thread; of an
            executor now and then.

    Raises:
        NASGymError: if a member alone does not fit into memory, or the device lacks the precision.
    """
    if not members:
        return
    given = [data] if isinstance(data, TrainingData) else data
    keep = Keep(weights, step_losses)
    costs = [Cost.of(member, recipe) for member in members]
    if executor is not None:
        remote = RemotePlan(executor, given[0], len(members))
        chunks = plan_chunks(members, costs, remote.budget, remote.count, remote.widest)
        crew = Crew(members, recipe, remote.workers(recipe, keep))
    else:
        device = given[0].x_train.device
        check_precision(recipe, device.type)
        copies = list(given) if device.type == "cpu" else [copy for copy in given for _ in range(streams)]
        flops = PASSES * len(copies[0].y_train) * sum(cost.work for cost in costs)
        plan = plan_workers(copies, cores, None if memory == "auto" else memory, workers, len(members), flops)
        chunks = plan_chunks(members, costs, plan.budget, len(plan.data), widest_chunk(device))
        crew = Crew(members, recipe, plan.workers(recipe, keep, len(members)))
    with threads_kept():
        crew.start(chunks)
        try:
            yield from _results(crew, len(chunks), _Account(costs, progress))
        finally:
            crew.stop()


def _results(crew: Crew, waiting: int, account: _Account) -> Iterator[tuple[int, Trained]]:
    """Yield (position, result) until no chunk is waited for."""
    while waiting:
        match crew.reports.get():
            case EpochDone() as epoch:
                account.note(epoch)
            case ChunkHalved():
                waiting += 1
            case ChunkDone(chunk, results):
                waiting -= 1
                account.finished(chunk)
                yield from zip(chunk, results, strict=True)
            case Waiting(words):
                account.waits(words)
            case Failed(error):
                raise error


class _Account:
    """How much of the work is done."""

    def __init__(self, costs: Sequence[Cost], progress: Callable[[Progress], None] | None) -> None:
        self._costs, self._progress = costs, progress
        self._shares = [0.0] * len(costs)
        self._done = 0
        self._loss = float("nan")
        self._waiting = ""

    def note(self, epoch: EpochDone) -> None:
        self._loss = epoch.loss
        self._report(epoch.chunk, epoch.share)

    def finished(self, chunk: Sequence[int]) -> None:
        self._done += len(chunk)
        self._report(chunk, 1.0)

    def waits(self, words: str) -> None:
        self._waiting = words
        if words:
            # Whoever shows no progress is told, too.
            warnings.warn(WaitWarning(words), stacklevel=2)
        self._tell()

    def _report(self, chunk: Sequence[int], share: float) -> None:
        for m in chunk:
            # A chunk may be trained again from its start.
            self._shares[m] = max(share, self._shares[m])
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            total = sum(cost.work for cost in self._costs)
            done = sum(cost.work * share for cost, share in zip(self._costs, self._shares, strict=True))
            self._progress(Progress(self._done, len(self._costs), done / total, self._loss, self._waiting))
