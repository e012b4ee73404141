"""A process that trains, as seen from the process that started it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.spawn import get_executable

from nas_gym.training.epochs import InterruptedTraining
from nas_gym.training.members import Member, Trained
from nas_gym.training.workers import child, messages
from nas_gym.training.workers.base import Job, OnEpoch
from nas_gym.training.workers.shared_data import SharedData
from nas_gym.training.workers.travel import UnknownCode, with_networks

# The modules of the user's are found as here, but the main program is not run again. With -P the current
# folder cannot hide a module.
START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from nas_gym.training.workers.child import main; main()"
)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
START_PATIENCE = 120.0
END_PATIENCE = 1.0


class NoProcess(Exception):  # noqa: N818 (there are threads instead)
    """A process could not be started, or computes otherwise than this one."""


class DeadProcess(Exception):  # noqa: N818 (a first time it is no error)
    """A process ended while it trained."""


class TrainingProcess:
    """A process that trains one chunk at a time, as seen from the process that started it."""

    def __init__(self) -> None:
        self.numerics = child.numerics()
        self.ready = threading.Event()  # set once it can train or is known to be of no use
        self._useful = False
        self._sending = threading.Lock()
        self._known: deque[str] = deque(maxlen=child.KEPT)  # names of the data that it has mapped
        self._number = 0
        try:
            self._process = _started()
        except (OSError, ValueError) as error:
            raise NoProcess from error
        threading.Thread(target=self._greet, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def useful(self) -> bool:
        """Whether it started and computes as this process does, once it is `ready`."""
        return self._useful

    def _greet(self) -> None:
        timer = threading.Timer(START_PATIENCE, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            self._send(list(sys.path))
            answer = self._receive()
            self._useful = isinstance(answer, messages.Ready) and answer.numerics == self.numerics
        except DeadProcess:
            pass
        finally:
            timer.cancel()
            if not self._useful:
                self._process.kill()
            self.ready.set()

    def begin(self, content: bytes, job: Job, data: SharedData) -> None:
        """Let it train a chunk; `result` waits for it.

        Args:
            content: the members, packed.
            job: how; its data is `data`.
            data: what the process maps.

        Raises:
            DeadProcess: if it has ended.
        """
        key = data.message.key
        if key not in self._known:
            self._send(data.message)
            self._known.append(key)
        self._number += 1
        self._send(messages.TrainChunk(self._number, content, key, job.recipe, job.keep, job.limit))

    def result(self, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        """Wait for what training the members that it began with gives.

        Raises:
            UnknownCode: if the process does not have their code.
            DeadProcess: if the process ends.
            MemoryError, InterruptedTraining: as by a `Worker`.
        """
        while isinstance(answer := self._receive(), messages.Epoch):
            on_epoch(answer.epoch, answer.loss)
        match answer:
            case messages.Done(results):
                return with_networks(results, members)
            case messages.Stopped():
                raise InterruptedTraining
            case messages.Full(reason):
                raise MemoryError(reason)
            case messages.Unknown():
                raise UnknownCode
            case messages.Raised(error):
                raise error
        raise DeadProcess

    def stop(self) -> None:
        """Let it stop what it trains, at its next step."""
        with suppress(DeadProcess):
            self._send(messages.Stop(self._number))

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """Let it leave; `reap` waits for it."""
        if not self.ready.is_set():
            self.kill()  # it would first import all that it needs
        with suppress(DeadProcess):
            self._send(messages.End())

    def reap(self) -> int:
        """Wait until it has left, with force if need be; return its exit code."""
        try:
            code = self._process.wait(END_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        return code

    def forget(self) -> None:
        """Let go of it in a forked copy of this process, whose parent it belongs to."""
        for pipe in (self._process.stdin, self._process.stdout):
            # As long as a copy of the pipe is open, the process does not notice the end of its parent.
            pipe.raw.close()  # type: ignore[union-attr]
        self._process.returncode = 0

    def _send(self, message: object) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        try:
            with self._sending:
                pipe.write(content)
                pipe.flush()
        except (OSError, ValueError) as error:
            raise DeadProcess from error

    def _receive(self) -> messages.Answer:
        assert self._process.stdout is not None
        try:
            answer: messages.Answer = pickle.load(self._process.stdout)  # noqa: S301 (of a process started here)
        except Exception as error:
            # It has ended, or what it says cannot be read.
            self._process.kill()
            raise DeadProcess from error
        return answer


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (Python itself)
        [os.fsdecode(get_executable() or ""), "-P", "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | ONE_THREAD,
        # Ctrl-C is for the process that waits, which stops the others.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        | getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
