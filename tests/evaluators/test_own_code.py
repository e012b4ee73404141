"""A store and a table that is being built know the user's own code by what it is, not by its name."""

from __future__ import annotations

import importlib
import sys

import gymnasium as gym
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tables import Tabulation
from nas_gym.tables.building.builder import Partial

SPACE = """
from nas_gym.search_spaces import SEARCH_SPACES


class Space(SEARCH_SPACES["mlp"]):
    name = "own_space:Space"

    def network(self, architecture):
        return super().network({network})
"""
AS_IT_IS, SMALLEST = "architecture", "self.smallest()"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the module of the user's space, as a new process finds it."""
    monkeypatch.syspath_prepend(tmp_path)

    def written(network, note=""):
        (tmp_path / "own_space.py").write_text(SPACE.format(network=network) + note)
        sys.modules.pop("own_space", None)
        importlib.invalidate_caches()

    yield written
    sys.modules.pop("own_space", None)


def evaluated(store):
    """An evaluation of one text, and whether the store had it."""
    evaluator = {"name": "train", "recipe": {"epochs": 1}}
    env = gym.make(
        "NAS-v0", search_space="own_space:Space", task="breast_cancer", evaluator=evaluator, store=str(store)
    )
    found = env.unwrapped.evaluate("relu-64")
    return found, env.unwrapped.evaluator.hits == 1


def test_a_store_never_answers_for_another_network_of_the_same_text(write, tmp_path):
    write(AS_IT_IS)
    first, stored = evaluated(tmp_path / "store.db")
    assert not stored
    write(AS_IT_IS, note="# another comment builds the same network\n")
    assert evaluated(tmp_path / "store.db") == (first, True)
    write(SMALLEST)
    other, stored = evaluated(tmp_path / "store.db")
    assert not stored
    assert other.parameters < first.parameters


def tabulation(recipe=None):
    return Tabulation.of("own_space:Space", "breast_cancer", recipe or {"epochs": 1}, [0])


def test_a_build_goes_on_only_with_what_it_began_with_and_says_what_changed(write, tmp_path):
    file = tmp_path / "table.npz.partial"
    write(AS_IT_IS)
    Partial(file, tabulation()).close()
    Partial(file, tabulation()).close()
    before = file.read_bytes()
    with pytest.raises(NASGymError, match=r'recipe is \{.*"epochs": 1.* there and \{.*"epochs": 2.* here'):
        Partial(file, tabulation({"epochs": 2}))
    write(SMALLEST)
    with pytest.raises(NASGymError, match="the code in own_space has changed since"):
        Partial(file, tabulation())
    assert file.read_bytes() == before


def test_two_builds_cannot_write_one_file(write, tmp_path):
    write(AS_IT_IS)
    first = Partial(tmp_path / "table.npz.partial", tabulation())
    with pytest.raises(NASGymError, match="is being written by another 'nas-gym benchmark build'"):
        Partial(tmp_path / "table.npz.partial", tabulation())
    first.remove()
    assert not first.path.exists()
