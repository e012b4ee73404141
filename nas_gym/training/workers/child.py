"""The process of a `ProcessWorker`: trains the chunks that it is sent, until it is told to leave.

It is started with this module alone: the user's main program is not imported, so a script needs no
``if __name__ == "__main__"``.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch

from nas_gym.training.epochs import InterruptedTraining
from nas_gym.training.members import Member, TrainingData
from nas_gym.training.numerics import set_outside
from nas_gym.training.version import ENGINE_VERSION
from nas_gym.training.workers import messages
from nas_gym.training.workers.base import Job, train_chunk
from nas_gym.training.workers.shared_data import mapped
from nas_gym.training.workers.travel import UnknownCode, dumped, unpacked, without_networks

KEPT = 4
"""Sets of data that a process has mapped at a time; the one that asks counts alike."""
WATCH_SECONDS = 1.0
SERVING = False
"""Whether this process is one that trains for another."""


def numerics() -> tuple[Any, ...]:
    """What the numbers of a process depend on, beside what it is sent."""
    return ENGINE_VERSION, torch.__version__, torch.backends.cpu.get_cpu_capability(), set_outside()


def main() -> None:
    """Serve the process that started this one, by standard input and output."""
    global SERVING
    SERVING = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        # Where memory runs out, Linux ends this process before the one that waits for it.
        Path("/proc/self/oom_score_adj").write_text("300")
    answers = os.fdopen(os.dup(1), "wb")
    # What an operation of the user's own prints must not stand among the answers.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    _Child(sys.stdin.buffer, answers).serve()


class _Child:
    def __init__(self, questions: BinaryIO, answers: BinaryIO) -> None:
        self._questions, self._answers = questions, answers
        self._tasks: queue.SimpleQueue[messages.TrainChunk | messages.UseData] = queue.SimpleQueue()
        self._stopped = 0  # tasks up to this number
        self._paths: OrderedDict[str, str] = OrderedDict()
        self._data: OrderedDict[str, TrainingData] = OrderedDict()

    def serve(self) -> None:
        for watch in (self._listen, self._watch):
            threading.Thread(target=watch, daemon=True).start()
        self._answer(messages.Ready(numerics()))
        while True:
            task = self._tasks.get()
            if isinstance(task, messages.UseData):
                self._use(task)
            else:
                self._answer(self._trained(task))

    def _listen(self) -> None:
        """Read what is sent, while chunks train; at its end nobody is there any more."""
        try:
            while True:
                message = pickle.load(self._questions)  # noqa: S301 (of the process that started this one)
                if isinstance(message, messages.Stop):
                    self._stopped = message.number
                elif isinstance(message, messages.End):
                    os._exit(0)
                else:
                    self._tasks.put(message)
        except BaseException:  # noqa: BLE001 (whatever it is, no more can be read)
            self._orphaned()

    def _watch(self) -> None:
        """Leave if the parent is gone although another process still holds its end of the pipe."""
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        self._orphaned()

    def _orphaned(self) -> None:
        """Leave, and remove the files of the parent, which was killed before it could."""
        for path in list(self._paths.values()):
            with suppress(OSError):
                os.unlink(path)
        os._exit(0)

    def _answer(self, answer: messages.Answer) -> None:
        try:
            self._answers.write(dumped(answer))
            self._answers.flush()
        except OSError:
            self._orphaned()

    def _use(self, message: messages.UseData) -> None:
        self._paths[message.key] = message.path
        self._data[message.key] = mapped(message)
        while len(self._data) > KEPT:
            self._paths.popitem(last=False)
            self._data.popitem(last=False)

    def _trained(self, task: messages.TrainChunk) -> messages.Answer:
        try:
            members = unpacked(task.members)
        except UnknownCode:
            return messages.Unknown()
        job = Job(self._data[task.data], task.recipe, task.keep, task.limit)
        try:
            return messages.Done(without_networks(self._train(task.number, members, job)))
        except InterruptedTraining:
            return messages.Stopped()
        except MemoryError as error:
            return messages.Full(str(error))
        except BaseException as error:  # noqa: BLE001 (raised again where it was asked for)
            return messages.Raised(_portable(error))

    def _train(self, number: int, members: Sequence[Member], job: Job) -> list[Any]:
        return train_chunk(
            members,
            job,
            lambda epoch, loss: self._answer(messages.Epoch(epoch, loss)),
            lambda: self._stopped >= number,
        )


def _portable(error: BaseException) -> BaseException:
    """Return an error that can be sent, with its traceback as a note."""
    note = "in a process that trains:\n" + "".join(traceback.format_exception(error)).rstrip()
    error.__cause__ = error.__context__ = error.__traceback__ = None
    try:
        error.add_note(note)
        pickle.loads(pickle.dumps(error))  # noqa: S301 (its own bytes)
    except Exception:  # noqa: BLE001 (whatever a user's class does when it is pickled)
        error = RuntimeError(f"{type(error).__name__}: {error}")
        error.add_note(note)
    return error
