"""Training members: chunks spread over cores, each on one thread, results as chunks finish."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from nas_gym.errors import NASGymError
from nas_gym.evaluators.engine.chunk_training import ChunkTraining, InterruptedTraining, Keep
from nas_gym.evaluators.engine.chunks import Cost, available_bytes, plan_chunks
from nas_gym.evaluators.engine.members import Member, Trained, TrainingData
from nas_gym.evaluators.recipe import Recipe

Memory = int | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call of `train` is.

    Attributes:
        done, members: members finished, and all.
        share: of the work that is done, in [0, 1], epochs of unfinished chunks included.
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
        weights: whether to keep the final weights.
        step_losses: whether to keep the loss of every step.
        progress: called after every epoch of a chunk, in the caller's thread.

    Raises:
        NASGymError: if a member alone does not fit into memory.
    """
    if not members:
        return
    run = _Run(members, data, recipe, Keep(weights, step_losses), progress)
    yield from run.results(memory, cores)


class _Run:
    """One call of `train`: a queue of chunks, workers that take them, a queue of what they report."""

    def __init__(
        self,
        members: Sequence[Member],
        data: TrainingData,
        recipe: Recipe,
        keep: Keep,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._members, self._data, self._recipe, self._keep = members, data, recipe, keep
        self._progress = progress
        self._costs = [Cost.of(member, recipe) for member in members]
        self._work: queue.SimpleQueue[list[int] | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[tuple[str, list[int], object]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._shares: dict[int, float] = dict.fromkeys(range(len(members)), 0.0)
        self._done = 0

    def results(self, memory: Memory, cores: int | None) -> Iterator[tuple[int, Trained]]:
        device = self._data.x_train.device
        workers = (cores or torch.get_num_threads()) if device.type == "cpu" else 1
        budget = available_bytes(device) // 2 if memory == "auto" else memory
        chunks = plan_chunks(self._members, self._costs, budget, workers)
        for chunk in chunks:
            self._work.put(chunk)
        threads = [
            threading.Thread(target=self._worker, daemon=True) for _ in range(min(workers, len(chunks)))
        ]
        outstanding = len(chunks)
        with _threads_restored():
            for thread in threads:
                thread.start()
            try:
                while outstanding:
                    kind, chunk, value = self._reports.get()
                    if kind == "epoch":
                        self._report(chunk, value)
                    elif kind == "split":
                        outstanding += 1
                    elif kind == "error":
                        raise value  # type: ignore[misc]
                    else:
                        outstanding -= 1
                        self._done += len(chunk)
                        yield from zip(chunk, value, strict=True)  # type: ignore[call-overload]
            finally:
                self._stop.set()
                for _ in threads:
                    self._work.put(None)
                for thread in threads:
                    thread.join()

    def _report(self, chunk: list[int], value: object) -> None:
        share, loss = value  # type: ignore[misc]
        self._shares |= dict.fromkeys(chunk, share)
        if self._progress:
            total = sum(cost.flops for cost in self._costs)
            done = sum(self._costs[m].flops * share for m, share in self._shares.items())
            self._progress(Progress(self._done, len(self._members), done / total, loss))

    def _worker(self) -> None:
        torch.set_num_threads(1)
        while True:
            chunk = self._work.get()
            if chunk is None:
                return
            try:
                self._train(chunk)
            except InterruptedTraining:
                return
            except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
                self._reports.put(("error", chunk, error))
                return

    def _train(self, chunk: list[int]) -> None:
        members = [self._members[m] for m in chunk]
        try:
            training = ChunkTraining(members, self._data, self._recipe, self._keep)
            epochs = members[0].epochs or self._recipe.epochs
            results = training.run(
                lambda epoch, loss: self._reports.put(("epoch", chunk, (epoch / epochs, loss))),
                self._stop.is_set,
            )
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            self._halve(chunk, error)
            return
        self._reports.put(("done", chunk, results))

    def _halve(self, chunk: list[int], error: RuntimeError) -> None:
        if self._data.x_train.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(chunk) == 1:
            network = self._members[chunk[0]].network
            raise NASGymError(
                f"not enough memory to train a network of {network.parameters:,} parameters in batches of "
                f"{self._recipe.batch_size}: lower batch_size or set max_parameters; finished evaluations "
                "are kept"
            ) from error
        self._reports.put(("split", chunk, None))
        half = len(chunk) // 2
        self._work.put(chunk[:half])
        self._work.put(chunk[half:])


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


@contextmanager
def _threads_restored() -> Iterator[None]:
    """Give the process its number of threads back, which workers set to 1 for themselves."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
