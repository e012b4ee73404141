"""Threads that train chunks, and what they report to the thread that waits for them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nas_gym.errors import ConfigError
from nas_gym.training.chunk import ChunkTraining
from nas_gym.training.epochs import EpochTraining, InterruptedTraining, Keep
from nas_gym.training.kernels.registry import is_fusible
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.numerics import usual_numerics
from nas_gym.training.ordinary import OrdinaryTraining
from nas_gym.training.recipe import Recipe
from nas_gym.training.streams import alone, own_stream

Chunk = list[int]  # positions of members


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


Report = EpochDone | ChunkDone | ChunkHalved | Failed


class Workers:
    """Threads that take chunks from a queue, each running torch on one thread of its own.

    One thread makes a member's bits independent of the number of cores; several chunks at a time
    use the cores, since torch's kernels run outside the interpreter's lock.

    Args:
        members: what to train.
        data: on the device.
        recipe: how to train.
        keep: what to keep of each member.
        limit: bytes that a chunk may take.
    """

    def __init__(
        self, members: Sequence[Member], data: TrainingData, recipe: Recipe, keep: Keep, limit: int
    ) -> None:
        self._members, self._data, self._recipe, self._keep = members, data, recipe, keep
        self._limit = limit
        self._work: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()

    def start(self, chunks: Sequence[Chunk], count: int) -> None:
        """Let `count` threads train the chunks, in order."""
        for chunk in chunks:
            self._work.put(chunk)
        self._threads = [threading.Thread(target=self._loop, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all threads, at the next step of what they train."""
        self._stopping.set()
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        # Of this thread alone: kernels run as they are.
        with (
            torch.jit.optimized_execution(False),  # type: ignore[attr-defined]
            own_stream(self._data.x_train.device),
        ):
            self._take_chunks()

    def _take_chunks(self) -> None:
        while (chunk := self._work.get()) is not None and not self._stopping.is_set():
            try:
                with usual_numerics(self._recipe.precision):
                    self._train(chunk)
            except InterruptedTraining:
                return
            except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
                self.reports.put(Failed(error))
                return

    def _train(self, chunk: Chunk) -> None:
        members = [self._members[m] for m in chunk]
        epochs = members[0].epochs or self._recipe.epochs
        try:
            with alone(self._data.x_train.device):
                training = self._training(members)
            results = training.run(
                lambda epoch, loss: self.reports.put(EpochDone(chunk, epoch / epochs, loss)),
                self._stopping.is_set,
            )
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            if len(chunk) == 1:
                raise self._too_large(members[0]) from error
        else:
            self.reports.put(ChunkDone(chunk, results))
            return
        self._halve(chunk)

    def _training(self, members: Sequence[Member]) -> EpochTraining:
        if not is_fusible(members[0].network):
            return OrdinaryTraining(members[0], self._data, self._recipe, self._keep)
        limit = self._limit if len(members) > 1 else None
        return ChunkTraining(members, self._data, self._recipe, self._keep, limit)

    def _halve(self, chunk: Chunk) -> None:
        if self._data.x_train.device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(chunk) // 2
        self._work.put(chunk[:half])
        self._work.put(chunk[half:])
        self.reports.put(ChunkHalved(chunk))

    def _too_large(self, member: Member) -> ConfigError:
        return ConfigError(
            f"not enough memory to train a network of {member.network.parameters:,} parameters in batches "
            f"of {self._recipe.batch_size}: lower batch_size or set max_parameters; finished evaluations "
            "are kept"
        )


def _is_out_of_memory(error: Exception) -> bool:
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or "allocate memory" in str(error)
