"""Workers that share a queue of chunks, and what they report to the thread that waits for them."""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nas_gym.errors import ConfigError
from nas_gym.executors import LOST_AT_MOST, Lost
from nas_gym.training.epochs import InterruptedTraining
from nas_gym.training.members import Member, Trained
from nas_gym.training.recipe import Recipe
from nas_gym.training.workers.base import Worker

Chunk = list[int]  # positions of members
PATIENCE = 10.0
"""Seconds after which it is told that no worker can begin yet."""


@dataclass(frozen=True, slots=True)
class EpochDone:
    """A chunk finished an epoch: its share of all its epochs, and the mean loss."""

    chunk: Chunk
    share: float
    loss: float


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """A chunk is trained."""

    chunk: Chunk
    results: list[Trained]


@dataclass(frozen=True, slots=True)
class ChunkHalved:
    """A chunk did not fit into memory and was put back as two."""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker stopped at an error."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Waiting:
    """No worker can take a chunk yet; what they wait for, in words, "" once one can."""

    words: str


Report = EpochDone | ChunkDone | ChunkHalved | Failed | Waiting


class Crew:
    """Workers that take chunks from one queue, each driven by a thread of its own.

    A worker uses one thread of torch, which makes a member's bits independent of the number of workers.

    Args:
        members: what to train.
        recipe: how to train.
        workers: what trains them.
    """

    def __init__(self, members: Sequence[Member], recipe: Recipe, workers: Sequence[Worker]) -> None:
        self._members, self._recipe, self._workers = members, recipe, workers
        self._work: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._begun = threading.Event()  # once a worker could take a chunk
        self._lost: Counter[tuple[int, ...]] = Counter()
        self._threads = [
            threading.Thread(target=self._loop, args=[worker], daemon=True) for worker in workers
        ]
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()

    def start(self, chunks: Sequence[Chunk]) -> None:
        """Train the chunks, in order."""
        for chunk in chunks:
            self._work.put(chunk)
        # A program that ends before its results are taken must not end in the middle of a kernel.
        atexit.register(self.stop)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all workers, at the next step of what they train."""
        self._stopping.set()
        for worker in self._workers:
            self._work.put(None)
            worker.interrupt()
        for thread in self._threads:
            thread.join()
        atexit.unregister(self.stop)

    def _loop(self, worker: Worker) -> None:
        try:
            while self._can_take(worker) and (chunk := self._work.get()) is not None:
                if self._stopping.is_set():
                    break
                self._train(chunk, worker)
        except InterruptedTraining:
            pass
        except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
            self.reports.put(Failed(error))
        finally:
            worker.close()

    def _can_take(self, worker: Worker) -> bool:
        """Wait until a worker can take a chunk; return False if all of them are to end before."""
        began, told = time.monotonic(), False
        while not self._stopping.is_set():
            if worker.ready():
                self._begun.set()
                if told:
                    self.reports.put(Waiting(""))
                return True
            late = time.monotonic() - began > PATIENCE and not self._begun.is_set()
            if late and not told and worker is self._workers[0]:
                told = True
                self.reports.put(Waiting(worker.waits_for(len(self._workers))))
        return False

    def _train(self, chunk: Chunk, worker: Worker) -> None:
        members = [self._members[m] for m in chunk]
        epochs = members[0].epochs or self._recipe.epochs
        try:
            results = worker.train(
                members, lambda epoch, loss: self.reports.put(EpochDone(chunk, epoch / epochs, loss))
            )
        except MemoryError as error:
            if len(chunk) == 1:
                raise self._too_large(members[0]) from error
        except Lost as error:
            self._lost[tuple(chunk)] += 1
            if self._lost[tuple(chunk)] < LOST_AT_MOST:
                self._work.put(chunk)  # for whoever is free
                return
            if len(chunk) == 1:
                raise self._fatal(error) from error
        else:
            self.reports.put(ChunkDone(chunk, results))
            return
        self._halve(chunk)

    def _halve(self, chunk: Chunk) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        half = len(chunk) // 2
        self._work.put(chunk[:half])
        self._work.put(chunk[half:])
        self.reports.put(ChunkHalved(chunk))

    def _fatal(self, lost: Lost) -> ConfigError:
        return ConfigError(
            f"{LOST_AT_MOST} workers that trained the same network ended ({lost}): if memory ran out, lower "
            "batch_size or set max_parameters; finished evaluations are kept"
        )

    def _too_large(self, member: Member) -> ConfigError:
        return ConfigError(
            f"not enough memory to train a network of {member.network.parameters:,} parameters in batches "
            f"of {self._recipe.batch_size}: lower batch_size or set max_parameters; finished evaluations "
            "are kept"
        )
