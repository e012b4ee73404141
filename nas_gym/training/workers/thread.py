"""A worker that trains in the thread that calls it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from nas_gym.training.members import Member, Trained
from nas_gym.training.workers.base import Job, OnEpoch, Worker, train_chunk


class ThreadWorker(Worker):
    """Trains in the calling thread, on one thread of torch.

    Two of them use two cores, since torch's kernels run outside the interpreter's lock. More fight for
    the lock.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stopping = threading.Event()

    def train(self, members: Sequence[Member], on_epoch: OnEpoch) -> list[Trained]:
        return train_chunk(members, self._job, on_epoch, self._stopping.is_set)

    def interrupt(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        pass
