"""Worker processes that do jobs one after another and outlive a job that fails or kills its worker."""

from __future__ import annotations

import os
import signal
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess, parent_process
from pickle import PicklingError
from typing import Any

import cloudpickle

from nas_gym.common import trust, trusted, unwritten
from nas_gym.errors import DataWarning, NASGymError

# Parallelism comes from the processes; threads inside them would only fight for the same cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PATIENCE = 5.0

Work = Callable[[Any, Callable[[Any], None]], object]


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that did not finish.

    Attributes:
        job: number of the job.
        reason: why, in words.
        details: the traceback; "" where there is none.
    """

    job: int
    reason: str
    details: str


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: int | None = None


def run_jobs(
    work: Work, jobs: Sequence[Any], workers: int, on_report: Callable[[int, Any], None]
) -> list[Failure]:
    """Do all jobs in spawned processes; the failed ones come back, the others are done.

    Args:
        work: a module-level function of a job and of a function that reports on it to `on_report`.
        jobs: picklable, by their code at least.
        workers: number of processes, at least 1.
        on_report: called here with a job's number and what was reported, and with None at its end.

    Raises:
        KeyboardInterrupt: as it comes; every worker is ended first.
    """
    waiting = deque(enumerate(jobs))
    failures: list[Failure] = []
    pool = [_start(work) for _ in range(min(workers, len(jobs)))]
    try:
        for worker in pool:
            _give(worker, waiting)
        while busy := [worker for worker in pool if worker.job is not None]:
            ready = wait([worker.connection for worker in busy], timeout=1)
            for worker in [worker for worker in busy if worker.connection in ready]:
                over, failure = _listen(worker, on_report)
                failures += [failure] if failure else []
                if over and not worker.process.is_alive() and waiting:
                    pool[pool.index(worker)] = worker = _start(work)
                if over:
                    _give(worker, waiting)
    finally:
        _end(pool)
    return failures


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(work: Work) -> _Worker:
    # Spawned, since a forked copy of a process in which torch has run threads can hang.
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_worker, args=(work, trusted(), there), daemon=False)
    with _inherited():
        process.start()
    there.close()
    return _Worker(process, here)


@contextmanager
def _inherited() -> Iterator[None]:
    """Set what a worker takes over: one thread, and Ctrl-C left to this process, which ends its workers."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _give(worker: _Worker, waiting: deque[tuple[int, Any]]) -> None:
    """Send a worker its next job; a worker without one is idle."""
    worker.job = None
    if waiting:
        worker.job, job = waiting.popleft()
        # A worker that died meanwhile shows when it is listened to.
        with suppress(BrokenPipeError):
            try:
                worker.connection.send(job)
            except (AttributeError, TypeError, PicklingError):
                # A lambda, or what a class inside a function made: they travel with their code.
                worker.connection.send_bytes(cloudpickle.dumps(job))


def _listen(worker: _Worker, on_report: Callable[[int, Any], None]) -> tuple[bool, Failure | None]:
    """Take one message of a busy worker: whether its job is over, and the failure if it failed."""
    job = worker.job if worker.job is not None else -1
    try:
        kind, content = worker.connection.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join(PATIENCE)
        on_report(job, None)
        return True, Failure(job, _death(worker.process.exitcode), "")
    if kind == "report":
        on_report(job, content)
        return False, None
    on_report(job, None)
    return True, Failure(job, *content) if kind == "failed" else None


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"its process was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"its process died with exit code {code}"


def _end(pool: Sequence[_Worker]) -> None:
    for worker in pool:
        worker.connection.close()
        if worker.job is not None:
            worker.process.terminate()
    for worker in pool:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _worker(work: Work, names: tuple[str, ...], connection: Connection) -> None:
    def report(content: Any) -> None:
        try:
            connection.send(("report", content))
        except OSError:
            # Nobody listens any more: a rerun may be using this run's folder, so stop at once.
            os._exit(1)

    threading.Thread(target=_end_with_parent, daemon=True).start()
    trust(*names)
    # Whoever planned the jobs has built the same tasks and said how their data was read.
    warnings.simplefilter("ignore", DataWarning)
    # The parent has no more jobs, or is gone.
    with suppress(EOFError, OSError):
        while True:
            job = connection.recv()
            connection.send(_done(work, job, report))


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended: a rerun of that may do the same work."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        if not parent.is_alive():
            os._exit(1)


def _done(work: Work, job: Any, report: Callable[[Any], None]) -> tuple[str, Any]:
    try:
        work(job, report)
    except NASGymError as error:
        return "failed", (str(error), "")
    except OSError as error:
        return "failed", (str(unwritten(error)), traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - the parent names the run and goes on with the others
        text = str(error).splitlines()
        return "failed", (f"{type(error).__name__}: {text[0] if text else ''}", traceback.format_exc())
    return "done", None
