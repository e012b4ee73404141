"""Searches and comparisons by Ray of which a worker or the driver is killed.

All is compared with the same commands, undisturbed and without Ray. A moment is when a share of the
trainings, drawn with a seed, is done and a worker is at work.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults import folders
from tests.faults.launcher import Command, Launcher, runs, wait_until
from tests.faults.noted import ENDED, done_twice, notes, trained_at_once
from tests.faults.test_kills import DATA, SPACE, comparison

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs the /proc of Linux"),
]
BY_RAY = ("--executor", json.dumps({"name": "ray", "workers": 2}))
WORKER = "ray::Desk"
AT_WORK = f"{WORKER}.do"
"""What Ray calls the process of a worker that does a job."""


def search(home: Path) -> list[str]:
    return [
        *("search", "--agent", "evolution", "--budget", "30", "--search-space", SPACE, *DATA),
        *("--recipe", '{"epochs": 40}', "--device", "cpu", "--store", "store.db", "--logdir", "logs"),
    ]


SCENES: dict[str, tuple[Callable[[Path], list[str]], int]] = {  # with the moments of each fault
    "search": (search, 3),
    "comparison": (comparison, 2),
}


@pytest.fixture(scope="module")
def undisturbed(launcher: Launcher, tmp_path_factory: Any) -> Callable[[str], Path]:
    """The folder in which a command without Ray has run."""
    known: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in known:
            known[name] = tmp_path_factory.mktemp("undisturbed")
            launcher.run(*SCENES[name][0](known[name]), home=known[name])
        return known[name]

    return of


def moments(fault: str) -> list[Any]:
    found = []
    for name, (_, count) in SCENES.items():
        rng = random.Random(f"{fault} {name}")
        drawn = [0.9 * (number + rng.random()) / count for number in range(count)]
        found += [pytest.param(name, share, id=f"{name}-{share:.3f}") for share in drawn]
    return found


def descendants(pid: int) -> dict[int, str]:
    """Return the processes that a process has started, and those these have, with their command lines."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            number = int(folder.name)
            parents[number] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[number] = (folder / "cmdline").read_text().replace("\0", " ").strip()
    found: dict[int, str] = {}
    while more := {one: names[one] for one in names if parents[one] in (pid, *found) and one not in found}:
        found |= more
    return found


def finished(home: Path) -> int:
    """Number of trainings that are in the store or in the log."""
    ended = sum(note.event == ENDED for note in notes(home / "log"))
    return ended + len(stored(home))


def stored(home: Path) -> dict[str, Any]:
    """Rows of a store without what only the clock gives."""
    rows = folders.stored(home / "store.db")
    return {
        key: {name: value for name, value in row.items() if name != "seconds"} for key, row in rows.items()
    }


def wait_for(home: Path, share: float, expected: Path, command: Command) -> int:
    """Wait until so much is done and a worker is at work, and return the worker's number."""
    found: list[int] = []

    def reached() -> bool:
        found[:] = [pid for pid, name in descendants(command.pid).items() if name == AT_WORK]
        time.sleep(0.01)
        return bool(found) and finished(home) >= int(share * finished(expected))

    wait_until(reached, 90)
    return found[-1]


def check(home: Path, expected: Path, killed: dict[int, float], again: int) -> None:
    """Check what is left behind, where as many finished requests as `again` may have been done again."""
    assert folders.contents(home / "logs") == folders.contents(expected / "logs")
    assert stored(home) == stored(expected)
    assert not trained_at_once(home / "log", killed)
    assert len(done_twice(home / "log")) <= again


@pytest.mark.parametrize(("name", "share"), moments("worker"))
def test_a_worker_that_is_killed_changes_nothing(launcher, undisturbed, tmp_path, name, share):
    expected = undisturbed(name)
    command = launcher.start(*SCENES[name][0](tmp_path), *BY_RAY, home=tmp_path)
    worker = wait_for(tmp_path, share, expected, command)
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    killed = {worker: time.monotonic()}
    assert command.wait() == 0, command.printed()
    assert "Traceback" not in command.printed()
    assert "(raylet)" not in command.printed()
    check(tmp_path, expected, killed, 1)


@pytest.mark.parametrize(("name", "share"), moments("driver"))
def test_a_driver_that_is_killed_and_given_again_changes_nothing(
    launcher, undisturbed, tmp_path, name, share
):
    expected = undisturbed(name)
    arguments = [*SCENES[name][0](tmp_path), *BY_RAY]
    command = launcher.start(*arguments, home=tmp_path)
    wait_for(tmp_path, share, expected, command)
    # Agents of Ray itself stay for a minute or so; they train nothing.
    left = {pid for pid, name in descendants(command.pid).items() if name.startswith(WORKER)}
    ends = command.kill()
    wait_until(lambda: not any(map(runs, left)), 30)
    folders.check_believable(tmp_path / "logs")
    before = stored(tmp_path)
    launcher.run(*arguments, home=tmp_path)
    assert before.items() <= stored(tmp_path).items()
    check(tmp_path, expected, ends | dict.fromkeys(left, time.monotonic()), 2)
