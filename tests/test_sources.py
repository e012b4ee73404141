"""Fingerprints of the user's own code."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys

import pytest

from nas_gym._sources import UNKNOWN, sources_of
from nas_gym.envs.rewards import Score
from nas_gym.errors import NASGymError

MODULE = """
import json, sys
import numpy
from own_helper import scale


class Pay:
    def __call__(self, before, after, done):
        from own_late import late
        return scale(after) + late


def score(architecture):
    return 0.5
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of the user's with a helper, and one that is imported late."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_rewards.py").write_text(MODULE)
    (tmp_path / "own_helper.py").write_text("def scale(value):\n    return value\n")
    (tmp_path / "own_late.py").write_text("late = 1\n")
    yield tmp_path
    for name in ("own_rewards", "own_helper", "own_late"):
        sys.modules.pop(name, None)


def fresh(part="Pay"):
    """A part of the module as a new process would import it."""
    for name in ("own_rewards", "own_helper", "own_late"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return getattr(importlib.import_module("own_rewards"), part)


def test_a_part_of_nas_gym_or_of_python_has_no_code_of_its_own():
    assert sources_of(Score()) == {}
    assert sources_of(len) == {}


@pytest.mark.parametrize("changed", ["own_rewards", "own_helper", "own_late"])
def test_a_change_in_the_module_or_what_it_imports_is_another_fingerprint(own, changed):
    before = sources_of(fresh()())
    assert set(before) == {"own_rewards", "own_helper", "own_late"}
    with (own / f"{changed}.py").open("a") as file:
        file.write("# changed\n")
    after = sources_of(fresh()())
    assert {name for name in before if before[name] != after[name]} == {changed}


def test_functions_classes_partials_and_methods_are_of_their_module(own):
    kind, function = fresh(), sys.modules["own_rewards"].score
    parts = [kind, kind(), function, functools.partial(function, "relu-64"), kind().__call__]
    assert [set(sources_of(part)) for part in parts] == [{"own_rewards", "own_helper", "own_late"}] * 5


def test_line_ends_are_no_change(own):
    before = sources_of(fresh())
    (own / "own_rewards.py").write_bytes(MODULE.replace("\n", "\r\n").encode())
    assert sources_of(fresh()) == before


def test_code_that_changed_after_it_was_imported_is_refused(own):
    kind = fresh()
    sources_of(kind)
    (own / "own_rewards.py").write_text(MODULE + "# changed\n")
    with pytest.raises(NASGymError, match=r"own_rewards.py has changed since this process imported it"):
        sources_of(kind)
    assert sources_of(fresh())


MAIN = """
from nas_gym._sources import sources_of
from own_helper import scale


class Typed:
    pass


if __name__ == "__main__":
    budget = {budget}
    exec("class Nowhere: pass")
    print(sources_of(Typed()), sources_of(Nowhere))
"""


def test_of_the_main_program_the_class_and_its_imports_alone_are_taken(own):
    def printed(budget):
        (own / "main.py").write_text(MAIN.format(budget=budget))
        ran = subprocess.run([sys.executable, own / "main.py"], capture_output=True, text=True, check=True)
        return ran.stdout

    assert printed(10) == printed(20)
    assert "'__main__:Typed': '" in printed(10)
    assert "'own_helper': '" in printed(10)
    assert f"'__main__:Nowhere': '{UNKNOWN}'" in printed(10)
