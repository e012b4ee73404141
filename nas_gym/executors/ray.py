"""Ray as an executor: a post is an actor, which Ray places by its cores or its GPU and starts again."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
import traceback
from collections import defaultdict
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import Any

from nas_gym._checks import number, whole
from nas_gym.errors import ConfigError, NASGymError
from nas_gym.executors.base import Executor, Here, Lost, Outcome, Post, Work
from nas_gym.executors.ray_cluster import check_installed, connected

POLL_SECONDS = 0.1
CALLS_AT_ONCE = 4
"""Calls of an actor that run at a time: its job, and those that ask how far it is or stop it."""
FAILED_STARTS = 2
"""Starts of an actor that may fail before the reason is told."""
REPORT_SECONDS = 5.0


class RayExecutor(Executor):
    """Ray, on this machine or on a cluster.

    Args:
        address: ``"auto"`` for the Ray that this machine is part of, ``"host:port"`` or
            ``"ray://host:port"``; None for that of the job where this process is one, and else for a Ray
            of this machine alone, which is started when it is needed and ends with this process.
        cores: processor cores of each worker, at least 1.
        gpus: graphics cards of each worker; a fraction shares one.
        workers: how many; None for as many as the cluster has cores or GPUs for when it is first asked. More
            than that wait for a cluster to grow.

    Raises:
        NASGymError: if Ray is not installed or an option does not fit.
    """

    name = "ray"

    def __init__(
        self,
        *,
        address: str | None = None,
        cores: int = 1,
        gpus: float = 0,
        workers: int | None = None,
    ) -> None:
        check_installed()
        if address is not None and (not isinstance(address, str) or not address):
            raise ConfigError(
                f"the address of Ray must be 'auto', 'host:port' or 'ray://host:port', not {address!r}"
            )
        self.address = address
        self.cores = _at_least_1("cores", cores)
        cards = number(gpus)
        if cards is None or not 0 <= cards < float("inf"):
            raise ConfigError(f"gpus of the executor 'ray' must be a number of at least 0, not {gpus!r}")
        self.gpus = cards
        self.workers = None if workers is None else _at_least_1("workers", workers)
        self._lock = threading.Lock()
        self._idle: defaultdict[Work, list[RayPost]] = defaultdict(list)

    @property
    def joined(self) -> bool:  # type: ignore[override]  # the environment may say it
        return bool(self.address or os.environ.get("RAY_ADDRESS"))

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "address": self.address,
            "cores": self.cores,
            "gpus": self.gpus,
            "workers": self.workers,
        }

    def size(self) -> int:
        if self.workers is not None:
            return self.workers
        fitting = 0
        for node in self._ray().nodes():
            if node["Alive"]:
                has = node["Resources"]
                fits = [int(has.get("CPU", 0) // self.cores)]
                fits += [int(has.get("GPU", 0) // self.gpus)] if self.gpus else []
                fitting += min(fits)
        return max(1, fitting)

    def posts(self, work: Work, count: int) -> list[Post]:
        with self._lock:
            idle = self._idle[work]
            kept, self._idle[work] = idle[:count], idle[count:]
        self.close()  # what is left would hold cores that these need
        return [*kept, *(RayPost(self._ray(), self, work) for _ in range(count - len(kept)))]

    def give_back(self, posts: list[Post]) -> None:
        with self._lock:
            for post in posts:
                if isinstance(post, RayPost):
                    self._idle[post.work].append(post)

    def share(self, value: Any) -> Any:
        return self._ray().put(value)

    def close(self) -> None:
        with self._lock:
            idle = [post for posts in self._idle.values() for post in posts]
            self._idle.clear()
        for post in idle:
            post.kill()

    def __getstate__(self) -> dict[str, Any]:
        return self.config()

    def __setstate__(self, state: dict[str, Any]) -> None:
        state.pop("name")
        self.__init__(**state)  # type: ignore[misc]  # a copy elsewhere has posts of its own

    def _ray(self) -> ModuleType:
        here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # Workers that were asked for are there, be they more than cores.
        return connected(self.address, max(here, self.cores * (self.workers or 1)))


class RayPost(Post):
    """An actor of Ray that does one job at a time.

    Args:
        ray: Ray, connected.
        executor: says what the actor needs.
        work: what it does with its jobs.
    """

    def __init__(self, ray: ModuleType, executor: RayExecutor, work: Work) -> None:
        self.work = work
        self._ray, self._executor = ray, executor
        self._number = 0
        self._failed_starts = 0
        self._asked: Any = None  # whether it is there
        self._job: Any = None
        self._start()

    def _start(self) -> None:
        actor = _desk_class().options(
            num_cpus=self._executor.cores,
            num_gpus=self._executor.gpus,
            max_restarts=-1,
            # A job that was lost is given again by who waits for it, to whichever post is free.
            max_task_retries=0,
            max_concurrency=CALLS_AT_ONCE,
        )
        self._desk = actor.remote(self.work, self._executor.cores, self._executor.gpus)
        self._asked = None

    def ready(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while True:
            if self._asked is None:
                self._asked = self._desk.place.remote()
            done, _ = self._ray.wait([self._asked], timeout=max(0.0, until - time.monotonic()))
            if not done:
                return False
            asked, self._asked = self._asked, None
            try:
                there = self._ray.get(asked)
            except self._ray.exceptions.ActorUnavailableError:
                pass  # it is being started again
            except self._ray.exceptions.RayError as error:
                self._failed(error)
            else:
                self._failed_starts = 0
                self._check_version(there)
                return True
            if time.monotonic() + POLL_SECONDS > until:
                return False
            time.sleep(POLL_SECONDS)

    def begin(self, job: Any) -> None:
        self._number += 1
        self._job = self._desk.do.remote(self._number, job)

    def wait(self, seconds: float) -> Outcome | None:
        done, _ = self._ray.wait([self._job], timeout=seconds)
        if not done:
            return None
        job, self._job = self._job, None
        try:
            outcome: Outcome = self._ray.get(job)
        except self._ray.exceptions.RayTaskError as error:
            # What it was sent could not be read there, or its answer not here.
            raise ConfigError(_unreadable(error)) from error
        except self._ray.exceptions.RayError as error:
            raise Lost(_first_line(error)) from error
        return outcome

    def report(self) -> Any:
        try:
            number, content = self._ray.get(self._desk.report.remote(), timeout=REPORT_SECONDS)
        except self._ray.exceptions.RayError:
            return None  # `wait` says why
        return content if number == self._number else None

    def stop(self) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._desk.stop.remote(self._number)

    def kill(self) -> None:
        with suppress(self._ray.exceptions.RayError, RuntimeError, ValueError):
            if self._ray.is_initialized():
                self._ray.kill(self._desk)

    def _failed(self, error: Exception) -> None:
        """Start it again, unless that has failed before."""
        self._failed_starts += 1
        if self._failed_starts > FAILED_STARTS:
            raise ConfigError(
                f"Ray cannot start a worker ({_last_line(error)}): install the same nas-gym on every "
                "machine of the cluster, and what it is to compute with"
            ) from error
        self._start()

    def _check_version(self, there: tuple[str, int, str]) -> None:
        host, _, its_version = there
        if its_version != version("nas-gym"):
            raise ConfigError(
                f"the machine {host} of the cluster has nas-gym {its_version} and this one "
                f"{version('nas-gym')}: install the same on both"
            )


class Desk:
    """What runs in an actor: does jobs, and meanwhile says how far they are."""

    def __init__(self, work: Work, cores: int, gpus: float) -> None:
        self._work, self._cores, self._gpus = work, cores, gpus
        self._stopped = 0  # jobs up to this number
        self._report: tuple[int, Any] = (0, None)

    def place(self) -> tuple[str, int, str]:
        """Return the machine's name, the number of this process, and the version of nas-gym there."""
        return socket.gethostname(), os.getpid(), version("nas-gym")

    def do(self, number: int, job: Any) -> Outcome:
        """Do a job."""
        import ray

        def report(content: Any) -> None:
            self._report = (number, content)

        here = Here(report, lambda: self._stopped >= number, ray.get, self._cores, self._gpus)
        try:
            return Outcome(self._work(job, here))
        except Exception as error:  # noqa: BLE001 (raised again where it was asked for)
            return Outcome(error=_portable(error))

    def report(self) -> tuple[int, Any]:
        """Return the number of a job with its newest report."""
        return self._report

    def stop(self, number: int) -> None:
        """Ask jobs up to a number to end."""
        self._stopped = max(self._stopped, number)


@cache
def _desk_class() -> Any:
    # Once, since Ray warns of a class that it is given again and again.
    import ray

    return ray.remote(Desk)


def _portable(error: BaseException) -> BaseException:
    """Return an error that can be sent, with its traceback as a note where it is nobody's mistake."""
    note = "in a worker of Ray:\n" + "".join(traceback.format_exception(error)).rstrip()
    error.__cause__ = error.__context__ = error.__traceback__ = None
    if isinstance(error, NASGymError):
        return type(error)(str(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (its own bytes)
    except Exception:  # noqa: BLE001 (whatever a user's class does when it is pickled)
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


def _at_least_1(name: str, value: object) -> int:
    found = whole(value)
    if found is None or found < 1:
        raise ConfigError(f"{name} of the executor 'ray' must be a whole number of at least 1, not {value!r}")
    return found


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".:") if lines else type(error).__name__


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".:") if lines else type(error).__name__


def _unreadable(error: Exception) -> str:
    cause = getattr(error, "cause", None) or error
    return (
        f"a worker of Ray failed ({type(cause).__name__}: {_first_line(cause)}): code of your own has to be "
        "in a module that every machine of the cluster can import, as by 'ray job submit --working-dir .'"
    )
