"""The processes that train, started once and kept between calls until this process ends."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from multiprocessing.spawn import get_executable

from nas_gym.training.epochs import InterruptedTraining
from nas_gym.training.members import TrainingData
from nas_gym.training.workers import child
from nas_gym.training.workers.shared_data import SharedData, key_of
from nas_gym.training.workers.training_process import TrainingProcess


class Pool:
    """Processes that train, and data that they share, for all calls in this process."""

    def __init__(self) -> None:
        self._owner = 0
        self._over = False
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._idle: list[TrainingProcess] = []
        self._all: set[TrainingProcess] = set()
        self._data: OrderedDict[str, SharedData] = OrderedDict()
        self._kept = 0
        self.useless = False  # whether one could not be started, so that none is by itself

    @property
    def started(self) -> bool:
        """Whether processes run by now."""
        return bool(self._all)

    def share(self, data: TrainingData, processes: int) -> SharedData:
        """Return data in shared memory, for a number of processes; equal data is there once.

        Raises:
            OSError: if there is no room.
        """
        key = key_of(data)
        with self._lock:
            # Calls at the same time take more; what the largest one needs is kept.
            self._kept = max(self._kept, processes)
            if key not in self._data:
                self._data[key] = SharedData(data, key)
            self._data.move_to_end(key)
            while len(self._data) > child.KEPT:
                self._data.popitem(last=False)
            return self._data[key]

    def take(self) -> TrainingProcess:
        """Return a process that nobody uses, a new one if there is none.

        Raises:
            NoProcess: if it cannot be started.
            InterruptedTraining: if this process is about to end.
        """
        with self._lock:
            if self._over:
                raise InterruptedTraining
            while self._idle:
                process = self._idle.pop()
                if process.alive and process.numerics == child.numerics():
                    return process
                self._leave([process])
            self._prepare()
            process = TrainingProcess()
            self._all.add(process)
            return process

    def give_back(self, process: TrainingProcess) -> None:
        """Keep a process for the next call."""
        with self._lock:
            if process.alive and len(self._idle) < self._kept:
                self._idle.append(process)
            else:
                self._leave([process])

    def bury(self, process: TrainingProcess) -> int:
        """Forget a process that has ended; return its exit code."""
        with self._lock:
            self._all.discard(process)
        return process.reap()

    def close(self) -> None:
        """End all processes and remove what they shared; a later call starts new ones."""
        with self._lock:
            self._leave(list(self._all))
            self._clear()

    def _leave(self, processes: Sequence[TrainingProcess]) -> None:
        for process in processes:
            process.end()
        for process in processes:
            process.reap()
            self._all.discard(process)

    def _prepare(self) -> None:
        """See to it, once, that processes end with this one and that a forked copy starts its own."""
        if self._owner == os.getpid():
            return
        if not self._owner:
            atexit.register(self._at_exit)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._forget)
        self._owner = os.getpid()

    def _at_exit(self) -> None:
        self._over = True
        self.close()

    def _forget(self) -> None:
        for process in self._all:
            process.forget()
        self._reset()


POOL = Pool()


def processes_possible() -> bool:
    """Whether this process may start others: not one that trains, nor one of a pool of the user's."""
    return multiprocessing.parent_process() is None and bool(get_executable()) and not child.SERVING
