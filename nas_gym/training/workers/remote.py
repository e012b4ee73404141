"""A worker that trains at a post of an executor, and what that does there."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from nas_gym.errors import ConfigError, WaitWarning
from nas_gym.executors import Executor, Here, Lost, Post
from nas_gym.training.epochs import InterruptedTraining, Keep
from nas_gym.training.hardware.processor import computer_name
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.numerics import set_outside
from nas_gym.training.planning import CACHE_BYTES, CUDA_BYTES, available_bytes
from nas_gym.training.recipe import Recipe
from nas_gym.training.version import ENGINE_VERSION
from nas_gym.training.workers.base import Job, OnEpoch, Worker
from nas_gym.training.workers.shared_data import ARRAYS, key_of
from nas_gym.training.workers.thread import ThreadWorker
from nas_gym.training.workers.travel import UnknownCode, packed, unpacked, with_networks, without_networks

POLL_SECONDS = 0.5
"""Between looks at how far a chunk is."""
READY_SECONDS = 0.5
PATIENCE = 10.0
"""Seconds after which it is told that no post can begin yet."""
STOP_SECONDS = 2.0
"""Seconds that an interrupted post has for the step that it is in."""
KEPT = 4
"""Sets of data that a post holds on its device at a time."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What numbers depend on beside what is trained.

    Attributes:
        device: type of the device.
        version: of torch.
        name: of the processor or card, see `computer_name`.
        outside: what the environment sets, see `set_outside`.
        engine: version of the engine.
    """

    device: str
    version: str
    name: str
    outside: tuple[str, ...]
    engine: int = ENGINE_VERSION

    @classmethod
    def here(cls, device: torch.device) -> Machine:
        """Return that of this process."""
        return cls(device.type, torch.__version__, computer_name(device), tuple(set_outside()))

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.device, f"torch {self.version}", self.name, *self.outside]))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk on its way to a post.

    Attributes:
        members: packed.
        data: what stands for the arrays of the data at the post.
        key: name of the data.
        loss: that of the data.
        recipe: how to train.
        keep: what to keep of each member.
        machine: what the post has to be like.
    """

    members: bytes
    data: Any
    key: str
    loss: str
    recipe: Recipe
    keep: Keep
    machine: Machine


class SharedWith:
    """Data at the posts of executors: put there once, however many chunks read it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: WeakKeyDictionary[Executor, dict[str, Any]] = WeakKeyDictionary()

    def share(self, executor: Executor, data: TrainingData) -> tuple[str, Any]:
        """Return the name of some data, and what stands for it in a job."""
        key = key_of(data)
        with self._lock:
            held = self._held.setdefault(executor, {})
            if key not in held:
                arrays = {name: getattr(data, name) for name in ARRAYS}
                held[key] = executor.share(
                    {name: None if each is None else each.numpy() for name, each in arrays.items()}
                )
            while len(held) > KEPT:
                held.pop(next(iter(held)))
            return key, held[key]


SHARED = SharedWith()


def machine_of(executor: Executor | None, device: torch.device) -> Machine:
    """Return what numbers depend on where an executor trains: on this machine what they do here.

    Args:
        executor: the executor; None for this process.
        device: the device of this process.

    Raises:
        NASGymError: if there is no post that could be asked.
    """
    if executor is None:
        return Machine.here(device)
    if not executor.joined and not executor.gpus:
        return Machine.here(torch.device("cpu"))
    with _asking:
        if executor not in _machines:
            posts = executor.posts(train_there, 1)
            try:
                _wait_for(posts[0], executor)
                posts[0].begin(None)
                while (outcome := posts[0].wait(POLL_SECONDS)) is None:
                    pass
                _machines[executor] = outcome.result()
            except Lost as error:
                raise ConfigError(f"the executor lost its first worker ({error}): run again") from error
            finally:
                executor.give_back(posts)
        return _machines[executor]


def _wait_for(post: Post, executor: Executor) -> None:
    began, told = time.monotonic(), False
    while not post.ready(READY_SECONDS):
        if not told and time.monotonic() - began > PATIENCE:
            told = True
            warnings.warn(WaitWarning(waits_for(executor, 1)), stacklevel=2)


def waits_for(executor: Executor, posts: int) -> str:
    """Return what that many posts wait for, in words."""
    return f"waits for {executor.wanted(posts)} of {executor.name}"


_asking = threading.Lock()
_machines: WeakKeyDictionary[Executor, Machine] = WeakKeyDictionary()


class RemotePlan:
    """Workers at the posts of an executor, as `nas_gym.training.workers.choice.Plan` states others.

    Args:
        executor: the executor.
        data: on the CPU of this process.
        members: number of members to be trained.
    """

    def __init__(self, executor: Executor, data: TrainingData, members: int) -> None:
        self._executor, self._data = executor, data
        self.count = min(executor.size(), members)
        self.widest = CUDA_BYTES if executor.gpus else CACHE_BYTES * executor.cores

    @property
    def budget(self) -> int:
        """Bytes that all chunks that train at the same time may take; a post halves what is too large."""
        return self.count * self.widest

    def workers(self, recipe: Recipe, keep: Keep) -> list[Worker]:
        """Make the workers.

        Raises:
            NASGymError: if the executor cannot be reached.
        """
        machine = machine_of(self._executor, torch.device("cpu"))
        key, handle = SHARED.share(self._executor, self._data)
        chunk = Chunk(b"", handle, key, self._data.loss, recipe, keep, machine)
        posts = self._executor.posts(train_there, self.count)
        return [RemoteWorker(self._executor, post, chunk) for post in posts]


class RemoteWorker(Worker):
    """Trains at a post.

    Args:
        executor: whose post it is.
        post: the post.
        chunk: what all chunks have in common; its members are left out.
    """

    def __init__(self, executor: Executor, post: Post, chunk: Chunk) -> None:
        self._executor, self._post, self._chunk = executor, post, chunk
        self._stopping = threading.Event()

    def ready(self) -> bool:
        return self._post.ready(READY_SECONDS)

    def waits_for(self, workers: int) -> str:
        return waits_for(self._executor, workers)

    def train(self, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        content = packed(members)
        if content is None:
            raise _not_there(members)
        common = {each.name: getattr(self._chunk, each.name) for each in fields(self._chunk)}
        self._post.begin(Chunk(**(common | {"members": content})))
        return self._results(members, on_epoch)

    def _results(self, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        epochs = members[0].epochs or self._chunk.recipe.epochs
        while (outcome := self._post.wait(POLL_SECONDS)) is None:
            if self._stopping.is_set():
                self._end()
            if (report := self._post.report()) is not None:
                share, loss = report
                on_epoch(round(share * epochs), loss)
        try:
            return with_networks(outcome.result(), members)
        except UnknownCode as error:
            raise _not_there(members) from error

    def _end(self) -> None:
        """Let the post end what it trains, with force if need be."""
        self._post.stop()
        until = time.monotonic() + STOP_SECONDS
        with suppress(Lost):
            while time.monotonic() < until:
                if self._post.wait(POLL_SECONDS) is not None:
                    raise InterruptedTraining
            self._post.kill()
        raise InterruptedTraining

    def interrupt(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        self._executor.give_back([self._post])


def train_there(chunk: Chunk | None, here: Here) -> Any:
    """Train a chunk at a post; without one return what the post's numbers depend on.

    Raises:
        UnknownCode: if operations of the user's own cannot be imported here, or are others.
        NASGymError: if this machine would give other numbers.
        MemoryError, InterruptedTraining: as by a `Worker`.
    """
    device = torch.device("cuda" if here.gpus else "cpu")
    if here.gpus and not torch.cuda.is_available():
        raise ConfigError(
            "a worker of the executor was given a GPU that its torch cannot use: install torch for its card "
            "on that machine, or leave gpus out"
        )
    machine = Machine.here(device)
    if chunk is None:
        return machine
    if machine != chunk.machine:
        raise ConfigError(
            f"a worker of the executor would give other numbers ({machine}) than those asked for "
            f"({chunk.machine}): use machines alike, for instance one partition of the cluster"
        )
    members = unpacked(chunk.members)
    data = _data_of(chunk, here, device)
    if here.cores > 1 or len(data) > 1:
        return without_networks(_trained_by_several(members, data, chunk, here))
    job = Job(data[0], chunk.recipe, chunk.keep, _limit(data[0], here))
    worker = ThreadWorker(job)
    epochs = members[0].epochs or chunk.recipe.epochs

    def on_epoch(epoch: int, loss: float) -> None:
        here.report((epoch / epochs, loss))
        if here.stopped():
            worker.interrupt()

    return without_networks(worker.train(members, on_epoch))


def _trained_by_several(
    members: Sequence[Member], data: Sequence[TrainingData], chunk: Chunk, here: Here
) -> list[Trained]:
    """Train with an engine of its own, which uses all cores or cards of the post."""
    from nas_gym.training.engine import Progress, train

    def told(progress: Progress) -> None:
        here.report((progress.share, progress.loss))
        if here.stopped():
            raise InterruptedTraining

    found = dict(
        train(
            members,
            data,
            chunk.recipe,
            memory=_limit(data[0], here),
            cores=here.cores,
            weights=chunk.keep.weights,
            step_losses=chunk.keep.step_losses,
            progress=told,
        )
    )
    return [found[place] for place in range(len(members))]


_DATA: dict[str, list[TrainingData]] = {}


def _data_of(chunk: Chunk, here: Here, device: torch.device) -> list[TrainingData]:
    """Return the data on each device of this post, where it stays for the next chunk."""
    if chunk.key not in _DATA:
        while len(_DATA) >= KEPT:
            _DATA.pop(next(iter(_DATA)))
        arrays: dict[str, np.ndarray | None] = here.fetch(chunk.data)
        count = torch.cuda.device_count() if device.type == "cuda" else 1
        devices = [torch.device(device.type, place) if here.gpus else device for place in range(count)]
        _DATA[chunk.key] = [
            TrainingData(
                **{name: None if each is None else _tensor(each, one) for name, each in arrays.items()},  # type: ignore[arg-type]
                loss=chunk.loss,
            )
            for one in devices
        ]
    return _DATA[chunk.key]


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    with warnings.catch_warnings():
        # Of memory that must not be written to, which all posts of a machine share; it is only read.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array).to(device)


def _limit(data: TrainingData, here: Here) -> int:
    """Return the bytes that a chunk may take: this post's part of half of what is free."""
    free = available_bytes(data.x_train.device) // 2
    if here.gpus:
        return max(1, int(free * min(1.0, here.gpus)))
    return max(1, free * here.cores // max(here.cores, os.cpu_count() or 1))


def _not_there(members: Sequence[Member]) -> ConfigError:
    own = {type(node.operation) for member in members for node in member.network.nodes}
    names = sorted(
        f"{kind.__module__}:{kind.__qualname__}" for kind in own if not kind.__module__.startswith("nas_gym.")
    )
    return ConfigError(
        f"a worker of the executor cannot import the operation {', '.join(names)}, or has another version of "
        "it: put it into a module that every machine can import, as by 'ray job submit --working-dir .'"
    )
