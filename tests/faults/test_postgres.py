"""Searches and comparisons on a PostgreSQL server that is started again, or of which a client is killed.

All is compared with the same commands, undisturbed and on a file. A moment is so many notes in the log of
trainings and a few milliseconds, drawn with a seed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults import folders
from tests.faults.launcher import Command, Launcher, wait_until
from tests.faults.noted import done_twice, notes, trained_at_once
from tests.faults.test_kills import comparison, search
from tests.helpers.postgres import Server

pytestmark = pytest.mark.faults  # tests/evaluators/test_store_postgres.py has a restart without the programs
Commands = Callable[[Path, str], list[list[str]]]


def one_search(home: Path, store: str) -> list[list[str]]:
    return [search(home, store=store)]


def one_comparison(home: Path, store: str) -> list[list[str]]:
    return [comparison(home, store=store)]


def two_searches(home: Path, store: str) -> list[list[str]]:
    one, other = ((0, "q-learning", "logs/one"), (1, "random", "logs/two"))
    return [search(home, *one, store), search(home, *other, store)]


SCENES: dict[str, tuple[Commands, int]] = {  # with the moments of each fault
    "search": (one_search, 6),
    "comparison": (one_comparison, 4),
    "two searches": (two_searches, 6),
}


@dataclass(frozen=True)
class Undisturbed:
    """What commands leave behind.

    Attributes:
        contents: of their folder.
        stored: rows of their store.
        lines: of the log of trainings.
    """

    contents: dict[str, Any]
    stored: dict[str, Any]
    lines: int


@pytest.fixture(scope="module")
def undisturbed(launcher: Launcher, tmp_path_factory: Any) -> Callable[[str], Undisturbed]:
    known: dict[str, Undisturbed] = {}

    def of(name: str) -> Undisturbed:
        if name not in known:
            home = tmp_path_factory.mktemp("undisturbed")
            for arguments in SCENES[name][0](home, "store.db"):
                launcher.run(*arguments, home=home)
            rows = folders.stored(home / "store.db")
            known[name] = Undisturbed(folders.contents(home / "logs"), rows, len(notes(home / "log")))
        return known[name]

    return of


def moments(fault: str) -> list[Any]:
    """Names of scenes with shares of their logs."""
    found = []
    for name, (_, count) in SCENES.items():
        rng = random.Random(f"{fault} {name}")
        drawn = [(number + rng.random()) / count for number in range(count)]
        found += [pytest.param(name, share, id=f"{name}-{share:.3f}") for share in drawn]
    return found


def wait_for(home: Path, share: float, lines: int, commands: Sequence[Command]) -> None:
    """Wait until a share of the lines of the log is there, or one of the commands has ended."""
    wanted = share * lines
    wait_until(
        lambda: len(notes(home / "log")) >= int(wanted) or any(command.ended() for command in commands)
    )
    time.sleep(wanted % 1 * 0.02)


def check(home: Path, store: str, expected: Undisturbed, killed: dict[int, float], again: int) -> None:
    """Check what is left behind, where as many finished requests as `again` may have been done again."""
    assert folders.contents(home / "logs") == expected.contents
    assert folders.stored(store) == expected.stored
    assert not trained_at_once(home / "log", killed)
    assert len(done_twice(home / "log")) <= again


@pytest.mark.parametrize(("name", "share"), moments("server"))
def test_a_server_that_is_started_again_changes_nothing(
    launcher, undisturbed, postgres_server, postgres_url, tmp_path, name, share
):
    expected = undisturbed(name)
    commands = [launcher.start(*each, home=tmp_path) for each in SCENES[name][0](tmp_path, postgres_url)]
    wait_for(tmp_path, share, expected.lines, commands)
    restart(postgres_server)
    assert [command.wait() for command in commands] == [0] * len(commands), commands[0].printed()
    check(tmp_path, postgres_url, expected, {}, 0)


def restart(server: Server) -> None:
    server.stop()
    time.sleep(0.1)
    server.start()


@pytest.mark.parametrize(("name", "share"), moments("client"))
def test_a_client_that_is_killed_and_given_again_changes_nothing(
    launcher, undisturbed, postgres_url, tmp_path, name, share
):
    expected = undisturbed(name)
    given = SCENES[name][0](tmp_path, postgres_url)
    one, *others = [launcher.start(*each, home=tmp_path) for each in given]
    wait_for(tmp_path, share, expected.lines, [one])
    killed = one.kill()
    folders.check_believable(tmp_path / "logs")
    before = folders.stored(postgres_url)
    others.append(launcher.start(*given[0], home=tmp_path))
    assert [command.wait() for command in others] == [0] * len(others), others[-1].printed()
    after = folders.stored(postgres_url)
    assert {key: after.get(key) for key in before} == before
    # One that ended just before the kill may not have come into the store.
    check(tmp_path, postgres_url, expected, killed, 1)
