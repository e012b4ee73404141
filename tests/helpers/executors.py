"""An executor whose posts are threads of this process, which can be lost, late, or of another machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nas_gym.errors import NASGymError
from nas_gym.executors import Executor, Here, Lost, Outcome, Post


class ThreadPost(Post):
    def __init__(self, executor, work):
        self.executor, self.work = executor, work
        self.reported, self.stopped, self.outcome = None, threading.Event(), None

    def ready(self, seconds):
        if not self.executor.is_ready():
            time.sleep(0.01)
            return False
        return True

    def begin(self, job):
        self.stopped.clear()
        self.reported, self.outcome = None, None
        self.lost = job is not None and self.executor.loses(job)
        self.thread = threading.Thread(target=self._run, args=[job], daemon=True)
        self.thread.start()

    def _run(self, job):
        here = Here(self._report, self.stopped.is_set, lambda shared: shared, self.executor.cores, 0)
        try:
            self.outcome = Outcome(self.work(job, here))
        except Exception as error:  # noqa: BLE001
            self.outcome = Outcome(error=error)

    def _report(self, content):
        self.reported = content

    def wait(self, seconds):
        self.thread.join(min(seconds, 0.05))
        if self.lost and not self.thread.is_alive():
            raise Lost("killed")
        return self.outcome

    def report(self):
        return self.reported

    def stop(self):
        self.stopped.set()

    def kill(self):
        self.stopped.set()


class ThreadExecutor(Executor):
    """Loses a post over every job for which `loses` is true, and has none ready until `is_ready` is."""

    name, gpus = "threads", 0

    def __init__(
        self,
        workers: int = 2,
        cores: int = 1,
        loses: Callable[[Any], bool] = lambda job: False,
        is_ready: Callable[[], bool] = lambda: True,
        joined: bool = False,
    ) -> None:
        self.workers, self.cores, self.joined = workers, cores, joined
        self.loses, self.is_ready = loses, is_ready
        self.shared = 0

    def config(self):
        return {"name": self.name, "workers": self.workers}

    def size(self):
        return self.workers

    def posts(self, work, count):
        return [ThreadPost(self, work) for _ in range(count)]

    def give_back(self, posts):
        pass

    def share(self, value):
        self.shared += 1
        return value

    def close(self):
        pass


def refusal(call):
    """The sentence by which a call is refused."""
    with pytest.raises(NASGymError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)
