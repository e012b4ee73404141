"""Runs at the posts of an executor: each has a folder there, whose files come back when it is finished."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nas_agents.runs.pool import Failure
from nas_agents.runs.run import RunSpec, make_env, run
from nas_gym.common import trust, trusted, unwritten, write_bytes
from nas_gym.errors import ConfigError, DataWarning, NASGymError, WaitWarning
from nas_gym.executors import LOST_AT_MOST, Executor, Here, Lost, Outcome, Post
from nas_gym.traces import RunFolder

POLL_SECONDS = 0.1
TOLD_AFTER = 10.0
"""Seconds after which it is told that no run can begin yet."""


@dataclass(frozen=True, slots=True)
class RemoteRun:
    """A run on its way to a post.

    Attributes:
        spec: the run, without the keyword arguments of its environment.
        env: what stands for these, which may hold arrays and are the same for many runs.
        host: name of the machine that asked for it.
        folder: the current folder there.
        trusted: what files may name there.
    """

    spec: RunSpec
    env: Any
    host: str
    folder: str
    trusted: tuple[str, ...]


@dataclass
class _Seat:
    post: Post
    job: int | None = None


@dataclass
class _Queue:
    """The runs that nobody has finished yet."""

    waiting: deque[int]
    lost: dict[int, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def spread_runs(
    executor: Executor, specs: Sequence[RunSpec], on_report: Callable[[int, Any], None]
) -> list[Failure]:
    """Run all specs at the posts of an executor; the failed ones come back, the others are in their folders.

    A run whose post is lost starts again at another one, and its files are taken once: from the post that
    finished it.

    Args:
        executor: the executor.
        specs: the runs.
        on_report: as of `nas_agents.runs.pool.run_jobs`.

    Raises:
        NASGymError: if the posts cannot be started.
    """
    if not specs:
        return []
    here = socket.gethostname(), str(Path.cwd()), trusted()
    envs = {id(spec.env): spec.env for spec in specs}
    shared = {name: executor.share(dict(env)) for name, env in envs.items()}
    seats = [_Seat(post) for post in executor.posts(run_there, min(executor.size(), len(specs)))]
    queue = _Queue(deque(range(len(specs))))
    began, told = time.monotonic(), False
    try:
        while queue.waiting or any(seat.job is not None for seat in seats):
            for seat in seats:
                if seat.job is not None:
                    _look(seat, queue, specs, on_report)
                elif queue.waiting and seat.post.ready(0.0):
                    seat.job, told = queue.waiting.popleft(), True
                    spec = specs[seat.job]
                    seat.post.begin(RemoteRun(replace(spec, env={}), shared[id(spec.env)], *here))
            if not told and time.monotonic() - began > TOLD_AFTER:
                warnings.warn(
                    WaitWarning(f"waits for {executor.wanted(len(seats))} of {executor.name}"), stacklevel=2
                )
                told = True
            time.sleep(POLL_SECONDS)
    finally:
        _leave(executor, seats)
    return sorted(queue.failures, key=lambda failure: failure.job)


def _look(
    seat: _Seat, queue: _Queue, specs: Sequence[RunSpec], on_report: Callable[[int, Any], None]
) -> None:
    """See how far the run of a seat is, and take its files if it is over."""
    job = seat.job
    assert job is not None
    try:
        outcome = seat.post.wait(0.0)
    except Lost as error:
        seat.job = None
        queue.lost[job] = queue.lost.get(job, 0) + 1
        if queue.lost[job] < LOST_AT_MOST:
            queue.waiting.append(job)
            return
        outcome = Outcome(error=ConfigError(f"{LOST_AT_MOST} workers ended in it ({error}): out of memory?"))
    except NASGymError as error:
        outcome = Outcome(error=error)
    if outcome is None:
        if (report := seat.post.report()) is not None:
            on_report(job, report)
        return
    seat.job = None
    try:
        _land(specs[job], outcome.result())
    except NASGymError as error:
        queue.failures.append(Failure(job, str(error), ""))
    except Exception as error:  # noqa: BLE001 (named, and the others go on)
        reason = str(error).splitlines()[0] if str(error) else ""
        details = "".join(traceback.format_exception(error))
        queue.failures.append(Failure(job, f"{type(error).__name__}: {reason}", details))
    on_report(job, None)


def _land(spec: RunSpec, files: dict[str, bytes]) -> None:
    """Write the files of a finished run into its folder, in place of what an unfinished one left."""
    folder = RunFolder(spec.folder)
    if folder.is_finished:
        return
    config = json.loads(files["config.json"])
    with folder.kept_for(config):
        folder.prepare(config)
        folder.wipe()
        folder.trace_file.unlink(missing_ok=True)
        # The presence of result.json says that the run is finished.
        for name in sorted(files, key=lambda name: name == folder.result_file.name):
            path = folder.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, files[name])


def _leave(executor: Executor, seats: Sequence[_Seat]) -> None:
    """Give the posts back; one that still runs, since the comparison was interrupted, is ended."""
    for seat in seats:
        if seat.job is not None:
            seat.post.kill()
    executor.give_back([seat.post for seat in seats])
    executor.close()


def run_there(job: RemoteRun, here: Here) -> dict[str, bytes]:
    """Make a run at a post.

    Returns:
        The contents of its files by their paths in its folder.

    Raises:
        NASGymError: if the run is refused, or its store is a file of another machine.
    """
    if Path(job.folder).is_dir():
        os.chdir(job.folder)
    trust(*job.trusted)
    spec = replace(job.spec, env=here.fetch(job.env))
    if socket.gethostname() != job.host:
        _check_reaches_store(spec)
    # Whoever planned the runs has built the same tasks and said how their data was read.
    warnings.simplefilter("ignore", DataWarning)
    with tempfile.TemporaryDirectory(prefix="nas-gym-run-") as place:
        folder = Path(place) / "run"
        try:
            run(replace(spec, folder=str(folder)), here.report)
        except OSError as error:
            raise unwritten(error) from error
        return {
            str(path.relative_to(folder).as_posix()): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix != ".lock"
        }


def _check_reaches_store(spec: RunSpec) -> None:
    """Check that a run on another machine than the comparison uses a store that both of them reach.

    Raises:
        NASGymError: if its store is a file.
    """
    store = spec.env.get("store", "user")
    is_file = isinstance(store, str | Path) and store != "memory" and "://" not in str(store)
    if not is_file and not str(store).startswith("sqlite"):
        return
    env = make_env(spec.env_id, {**spec.env, "store": "memory"})
    try:
        storable: bool = env.unwrapped.evaluator.storable  # type: ignore[attr-defined]
    finally:
        env.close()
    if storable:
        raise ConfigError(
            f"the store {store} is a file, which runs on other machines cannot share: pass --store "
            "postgresql://..., or --store memory"
        )
