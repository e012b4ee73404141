"""How many workers train, and of which kind."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from nas_gym.training.epochs import Keep
from nas_gym.training.members import TrainingData
from nas_gym.training.planning import available_bytes
from nas_gym.training.recipe import Recipe
from nas_gym.training.workers.base import Job, Worker
from nas_gym.training.workers.pool import POOL, processes_possible
from nas_gym.training.workers.process import ProcessWorker
from nas_gym.training.workers.thread import ThreadWorker

Kind = Literal["auto", "threads", "processes"]
THREADS = 2
"""Most threads that train at a time where nobody asked for threads: more fight for the interpreter. On a busy
machine of 2 cores two threads trained 19.6 networks a second and two processes 47.0 (mlp on digits, medians
of 5, `benchmarks/speed/training.py --part workers --cores 1,2`)."""
PROCESS_BYTES = 256 * 2**20
"""Memory that a process takes beside its chunk."""
WORTHWHILE_FLOPS = 10**12
"""Arithmetic of all calls so far from which starting processes pays, on two cores: about what a core does in
the fifteen seconds after which two processes have made up for the two that they take to start."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Workers that are to be.

    Attributes:
        data: what each worker trains on, on its device.
        limit: bytes that a chunk of each may take.
        processes: whether they are processes.
    """

    data: Sequence[TrainingData]
    limit: int
    processes: bool = False

    @property
    def budget(self) -> int:
        """Bytes that all chunks that train at the same time may take."""
        return self.limit * len(self.data)

    def workers(self, recipe: Recipe, keep: Keep, count: int) -> list[Worker]:
        """Make the workers, at most `count`."""
        jobs = [Job(data, recipe, keep, self.limit) for data in self.data[:count]]
        if self.processes:
            try:
                shared = POOL.share(self.data[0], len(self.data))
            except OSError:  # no room
                pass
            else:
                return [ProcessWorker(job, shared) for job in jobs]
        return [ThreadWorker(job) for job in jobs]


def plan_workers(
    copies: Sequence[TrainingData],
    cores: int | None,
    memory: int | None,
    kind: Kind,
    members: int,
    flops: int,
) -> Plan:
    """Return how many workers train members, on what, and of which kind.

    Args:
        copies: the data on each device; of several devices each has one worker.
        cores: workers on a CPU; None is the number of torch's threads.
        memory: bytes that training may take on each kind of device; None is half of what is free.
        kind: of the workers on a CPU.
        members: number of members.
        flops: arithmetic of training all of them.
    """
    if len(copies) > 1 or copies[0].x_train.device.type != "cpu":
        devices = [data.x_train.device for data in copies]
        budgets = [_budget(device, memory) // devices.count(device) for device in devices]
        return Plan(copies, min(budgets))
    budget = _budget(copies[0].x_train.device, memory)
    count = cores or torch.get_num_threads()
    if kind == "processes" or (kind == "auto" and _processes_pay(count, members, flops)):
        # A process that takes more than its chunk is not worth its memory.
        fitting = min(count, budget // (2 * PROCESS_BYTES))
        if kind == "processes" or fitting > 1:
            fitting = max(fitting, 1)
            return Plan([copies[0]] * fitting, max(budget // fitting - PROCESS_BYTES, 1), processes=True)
    if kind == "auto":
        count = min(count, THREADS)
    return Plan([copies[0]] * count, budget // count)


def _budget(device: torch.device, memory: int | None) -> int:
    return available_bytes(device) // 2 if memory is None else memory


def _processes_pay(count: int, members: int, flops: int) -> bool:
    if count == 1 or members == 1 or POOL.useless or not processes_possible():
        return False
    return POOL.started or _arithmetic.add(flops) >= WORTHWHILE_FLOPS


class _Arithmetic:
    """How much arithmetic calls have asked for that processes could have done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flops = 0

    def add(self, flops: int) -> int:
        with self._lock:
            self._flops += flops
            return self._flops


_arithmetic = _Arithmetic()
