"""kill -9 at moments that nobody chose: nothing finished is lost, nothing half-written is believed.

In short a few moments of each command, and by `make faults` 50 of each. A moment is a share of the time that
the command takes undisturbed, drawn with a seed; afterwards the same command is given again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.faults import folders
from tests.faults.launcher import Command, Launcher, wait_until
from tests.faults.noted import done_twice, trained_at_once

# By command: moments of the short form, and of the whole.
NUMBERS = {
    "search": (2, 50),
    "comparison": (0, 50),  # whose processes take long to start
    "comparison by two processes": (0, 10),
    "build": (2, 50),
    "explanation": (0, 50),  # which draws a report each time
    "two searches": (1, 50),
}
SPACE = '{"name": "mlp", "max_layers": 2, "widths": [8, 16], "activations": ["relu", "tanh"]}'
DATA = ("--task", "breast_cancer")
TRUST = ("--trust", "tests.faults.noted")


def evaluator(log: Path, seconds: float = 0.01) -> str:
    return json.dumps({"name": "tests.faults.noted:Noted", "log": str(log), "seconds": seconds})


@dataclass(frozen=True)
class Scene:
    """A command line to kill.

    Attributes:
        prepare: makes what it needs in a new folder.
        arguments: the command line, in that folder.
        outcome: what is to be the same afterwards.
    """

    prepare: Callable[[Launcher, Path], None]
    arguments: Callable[[Path], list[str]]
    outcome: Callable[[Path], Any]


def nothing(launcher: Launcher, home: Path) -> None:
    """Nothing is needed."""


def search(
    home: Path, seed: int = 0, agent: str = "q-learning", logdir: str = "logs", store: str = "store.db"
) -> list[str]:
    return [
        *("search", "--agent", agent, "--seed", str(seed), "--budget", "12", "--horizon", "5"),
        *("--search-space", SPACE, *DATA, "--evaluator", evaluator(home / "log")),
        *("--store", store, "--logdir", logdir),
    ]


def comparison(home: Path, jobs: int = 1, store: str = "store.db") -> list[str]:
    return [
        *("compare", "--agents", "random,q-learning", "--seeds", "2", "--budget", "6", "--jobs", str(jobs)),
        *("--search-space", SPACE, *DATA, "--evaluator", evaluator(home / "log"), "--horizon", "5"),
        *("--store", store, "--logdir", "logs"),
    ]


def build(home: Path) -> list[str]:
    space = '{"name": "mlp", "max_layers": 2, "widths": [8], "activations": ["relu", "tanh"]}'
    return [
        *("benchmark", "build", "--space", space, *DATA, "--recipe", '{"epochs": 2}'),
        *("--train-seeds", "0,1,2", "--device", "cpu", "--out", "own.npz"),
    ]


def found_run(home: Path) -> Path:
    (config,) = (home / "logs").rglob("config.json")
    return config.parent


def explained(launcher: Launcher, home: Path) -> None:
    launcher.run(*search(home), home=home)


def explanation(home: Path) -> list[str]:
    return ["explain", str(found_run(home)), "--budget", "12", "--store", "store.db", *TRUST]


SCENES = {
    "search": Scene(nothing, search, lambda home: folders.contents(home / "logs")),
    "comparison": Scene(nothing, comparison, lambda home: folders.contents(home / "logs")),
    "comparison by two processes": Scene(
        nothing, lambda home: comparison(home, 2), lambda home: folders.contents(home / "logs")
    ),
    "build": Scene(nothing, build, lambda home: folders.table(home / "own.npz")),
    "explanation": Scene(explained, explanation, lambda home: folders.contents(home / "logs")),
}


@dataclass(frozen=True)
class Undisturbed:
    """A command line that ran to its end.

    Attributes:
        seconds: time that it took.
        outcome: what it made.
        stored: what is in its store.
    """

    seconds: float
    outcome: Any
    stored: dict[str, Any]


@pytest.fixture(scope="module")
def undisturbed(launcher: Launcher, tmp_path_factory: Any) -> Callable[[str], Undisturbed]:
    known: dict[str, Undisturbed] = {}

    def of(name: str) -> Undisturbed:
        if name not in known:
            home = tmp_path_factory.mktemp(f"undisturbed-{name}")
            scene = SCENES[name]
            scene.prepare(launcher, home)
            began = time.monotonic()
            launcher.run(*scene.arguments(home), home=home)
            seconds = time.monotonic() - began
            known[name] = Undisturbed(seconds, scene.outcome(home), folders.stored(home / "store.db"))
        return known[name]

    return of


def drawn(name: str) -> list[tuple[float, list[Any]]]:
    """Return the shares of a command's time at which it is killed, with their marks: the first in short."""
    rng, (short, whole) = random.Random(name), NUMBERS[name]
    return [
        (rng.uniform(0.05, 1.0), [] if number < short else [pytest.mark.faults]) for number in range(whole)
    ]


def moments(name: str) -> list[Any]:
    return [pytest.param(name, share, id=f"{name}-{share:.3f}", marks=marks) for share, marks in drawn(name)]


def shares(name: str) -> list[Any]:
    return [pytest.param(share, id=f"{share:.3f}", marks=marks) for share, marks in drawn(name)]


def kill_at(command: Command, began: float, moment: float) -> dict[int, float]:
    """Kill a command at a moment, unless it ends before; when it was killed, by process."""
    while time.monotonic() - began < moment and not command.ended():
        time.sleep(0.002)
    return command.kill()


def check_again(home: Path, before: dict[str, Any], expected: Undisturbed, scene: Scene) -> None:
    """Check what a command made that was given again after a kill."""
    after = folders.stored(home / "store.db")
    assert {key: after.get(key) for key in before} == before
    assert after == expected.stored
    assert scene.outcome(home) == expected.outcome
    # What ended just before the kill may not have come into the store: one for each process.
    assert len(done_twice(home / "log")) <= 2, "finished trainings were done again"


@pytest.mark.parametrize(("name", "share"), [each for name in SCENES for each in moments(name)])
def test_what_is_killed_and_given_again_ends_as_if_undisturbed(launcher, undisturbed, tmp_path, name, share):
    expected, scene = undisturbed(name), SCENES[name]
    scene.prepare(launcher, tmp_path)
    command = launcher.start(*scene.arguments(tmp_path), home=tmp_path)
    killed = kill_at(command, time.monotonic(), share * expected.seconds)
    folders.check_believable(tmp_path / "logs")
    before = folders.stored(tmp_path / "store.db")
    partial = partial_lines(tmp_path)
    launcher.run(*scene.arguments(tmp_path), home=tmp_path, code=0 if not built(tmp_path) else 2)
    check_again(tmp_path, before, expected, scene)
    assert not trained_at_once(tmp_path / "log", killed)
    assert not list(tmp_path.rglob("*.unfinished"))
    assert partial is None or not (tmp_path / "own.npz.partial").exists()


def built(home: Path) -> bool:
    """Return whether a table was whole before the kill: a build over it is refused."""
    return (home / "own.npz").exists()


def partial_lines(home: Path) -> int | None:
    path = home / "own.npz.partial"
    return len(path.read_text().splitlines()) if path.exists() else None


def two_searches(home: Path) -> tuple[list[str], list[str]]:
    """Two searches by different agents of a space so small that both ask for most of it."""
    return search(home, 0, "q-learning", "logs/one"), search(home, 1, "random", "logs/two")


@pytest.fixture(scope="module")
def both_undisturbed(launcher: Launcher, tmp_path_factory: Any) -> Undisturbed:
    home = tmp_path_factory.mktemp("undisturbed-two")
    seconds = 0.0
    for arguments in two_searches(home):
        began = time.monotonic()
        launcher.run(*arguments, home=home)
        seconds = max(seconds, time.monotonic() - began)
    return Undisturbed(seconds, folders.contents(home / "logs"), folders.stored(home / "store.db"))


@pytest.mark.parametrize("share", shares("two searches"))
def test_of_two_searches_on_one_store_one_is_killed(launcher, both_undisturbed, tmp_path, share):
    one, two = two_searches(tmp_path)
    killed_one = launcher.start(*one, home=tmp_path)
    other = launcher.start(*two, home=tmp_path)
    killed = kill_at(killed_one, time.monotonic(), share * both_undisturbed.seconds)
    folders.check_believable(tmp_path / "logs")
    again = launcher.start(*one, home=tmp_path)  # while the other goes on
    assert (other.wait(), again.wait()) == (0, 0), other.printed() + again.printed()
    assert folders.contents(tmp_path / "logs") == both_undisturbed.outcome
    assert folders.stored(tmp_path / "store.db") == both_undisturbed.stored
    assert not trained_at_once(tmp_path / "log", killed)
    # One that ended just before the kill may not have come into the store.
    assert len(done_twice(tmp_path / "log")) <= 1


def on_a_supernet(home: Path) -> list[str]:
    arguments = search(home, agent="random")
    shared = {"name": "supernet", "trainings": 30, "recipe": {"epochs": 2}}
    arguments[arguments.index("--evaluator") + 1] = json.dumps(shared)
    return arguments


@pytest.mark.faults
def test_a_supernet_that_was_killed_in_training_goes_on_from_where_it_was(launcher, tmp_path):
    homes = [tmp_path / name for name in ("undisturbed", "killed")]
    hook = ("tests.faults.hooks:keep_supernets_after_each_epoch",)
    for home in homes:
        home.mkdir()
    launcher.run(*on_a_supernet(homes[0]), home=homes[0])
    command = launcher.start(*on_a_supernet(homes[1]), home=homes[1], hook=(*hook, True))
    wait_until(lambda: list((homes[1] / "cache").rglob("supernets/*.pt")))
    command.kill()
    half = kept(homes[1])
    launcher.run(*on_a_supernet(homes[1]), home=homes[1], hook=(*hook, False))
    first, second = map(kept, homes)
    assert 0 < half["epochs"] < second["epochs"]
    assert second["losses"] == first["losses"]
    assert all(torch.equal(array, second["arrays"][name]) for name, array in first["arrays"].items())
    assert folders.contents(homes[1] / "logs") == folders.contents(homes[0] / "logs")
    stored = [folders.timeless(folders.stored(home / "store.db")) for home in homes]
    assert stored[0] == stored[1]


def kept(home: Path) -> dict[str, Any]:
    """Return the state of the supernet in the cache."""
    (file,) = (home / "cache").rglob("supernets/*.pt")
    state: dict[str, Any] = torch.load(file, weights_only=True)
    return state
