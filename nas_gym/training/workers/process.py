"""A worker that trains in a process of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nas_gym.errors import ConfigError
from nas_gym.training.epochs import InterruptedTraining
from nas_gym.training.members import Member, Trained
from nas_gym.training.workers.base import Job, OnEpoch, Worker
from nas_gym.training.workers.pool import POOL
from nas_gym.training.workers.shared_data import SharedData
from nas_gym.training.workers.thread import ThreadWorker
from nas_gym.training.workers.training_process import DeadProcess, NoProcess, TrainingProcess
from nas_gym.training.workers.travel import UnknownCode, packed

PATIENCE = 2.0
"""Seconds that an interrupted process has for the step that it is in."""
POLL_SECONDS = 0.05
"""Between looks whether a worker whose process is starting is interrupted."""
DEATHS = 2
"""Processes that may end at one chunk: the first may have been killed for what another did."""


class ProcessWorker(Worker):
    """Trains in a process of the pool, which it takes for its first chunk.

    What a process cannot train is trained in the calling thread: networks with operations whose code the
    process cannot have, and all of them where no process can be started.

    Args:
        job: what all chunks have in common.
        data: the data of the job in shared memory.
    """

    def __init__(self, job: Job, data: SharedData) -> None:
        self._job, self._data = job, data
        self._here = ThreadWorker(job)
        self._process: TrainingProcess | None = None
        self._possible = True
        self._lock = threading.Lock()
        self._stopping = False
        self._busy = False
        self._timer: threading.Timer | None = None

    def train(self, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        content = packed(members) if self._possible else None
        if content is None:
            return self._here.train(members, on_epoch)
        try:
            for _ in range(DEATHS):
                try:
                    return self._train_there(content, members, on_epoch)
                except DeadProcess:
                    reason = self._bury()
        except NoProcess:
            self._possible = False
            POOL.useless = True
            with self._running():
                pass
        except UnknownCode:
            pass
        else:
            raise ConfigError(
                f"a process that trained {len(members)} networks ended, and so did a second one ({reason}): "
                "if memory ran out, lower batch_size, set max_parameters or use fewer cores "
                "(torch.set_num_threads); finished evaluations are kept"
            )
        return self._here.train(members, on_epoch)

    def interrupt(self) -> None:
        self._here.interrupt()
        with self._lock:
            self._stopping = True
            if self._process is not None and self._busy:
                self._process.stop()
                self._timer = threading.Timer(PATIENCE, self._kill)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            POOL.give_back(process)

    def _train_there(self, content: bytes, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        with self._running():
            if self._process is None:
                self._process = POOL.take()
        process = self._process
        while not process.ready.wait(POLL_SECONDS):
            with self._running():
                pass
        if not process.useful:
            raise NoProcess
        try:
            with self._running():
                self._busy = True
                process.begin(content, self._job, self._data)
            return process.result(members, on_epoch)
        finally:
            with self._lock:
                self._busy = False
                if self._timer is not None:
                    self._timer.cancel()

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Hold off an interruption, which must find the process either before or after a beginning."""
        with self._lock:
            if self._stopping:
                raise InterruptedTraining
            yield

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None and self._busy:
                self._process.kill()

    def _bury(self) -> str:
        """Let go of the process, which has ended; return how in words."""
        with self._lock:
            process, self._process = self._process, None
            stopping = self._stopping
        assert process is not None
        code = POOL.bury(process)
        if stopping:
            raise InterruptedTraining
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"
