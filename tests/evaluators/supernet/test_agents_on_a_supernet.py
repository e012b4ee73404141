"""Agents that search on weights that all networks share, by the evaluator ``"supernet"``."""

from __future__ import annotations

import gymnasium as gym
import pytest
from nas_agents import AGENTS, make_agent

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import TrainEvaluator
from nas_gym.evaluators.supernet import cache
from tests.helpers.supernets import NARROW, RECIPE, signals, space_of

TASK = signals(60, 8)
SUPERNET = {"name": "supernet", "trainings": 2, "recipe": RECIPE}


def environment(store="memory"):
    return gym.make("NAS-v0", search_space=NARROW, task=TASK, evaluator=SUPERNET, store=store, horizon=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The cache folder, with the supernet trained in it."""
    folder = tmp_path_factory.mktemp("supernets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "folder", lambda: folder)
        env = environment().unwrapped
        env.evaluate(env.search_space.smallest())
    return folder


@pytest.mark.parametrize("name", sorted(name for name in AGENTS if AGENTS[name].access != "gradient"))
def test_every_agent_that_asks_for_scores_searches_on_a_trained_supernet_without_training(
    name, folder, monkeypatch
):
    monkeypatch.setattr(cache, "folder", lambda: folder)
    monkeypatch.setattr("nas_gym.training.PathTraining.train_epoch", None)
    monkeypatch.setattr(TrainEvaluator, "stream", None)
    result = make_agent(name).search(environment(), 4, 0)
    assert 1 <= len(result.evaluations) <= 4
    assert all(each.status == "ok" for each in result.evaluations)


def test_a_store_keeps_what_a_search_on_a_supernet_asked_for(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: folder)
    store = str(tmp_path / "store.db")
    first = make_agent("evolution").search(environment(store), 6, 0)
    monkeypatch.setattr("nas_gym.training.PathTraining.measured", None)
    env = environment(store)
    again = make_agent("evolution").search(env, 6, 0)
    assert [each.score for each in again.evaluations] == [each.score for each in first.evaluations]
    assert env.unwrapped.evaluator.hits == 6


def test_the_training_of_a_supernet_is_told_with_the_time_left(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    evaluator = environment().unwrapped.evaluator
    told = []
    evaluator.progress = lambda _: told.append(evaluator.preparing)
    space = space_of(NARROW, TASK)
    assert evaluator.preparing == ""
    evaluator.scores([space.smallest()])
    assert evaluator.preparing == ""
    assert all(words.startswith("trains the supernet: ") and words.endswith(" s left") for words in told)
    assert told[-1] == "trains the supernet: 100%, about 0 s left"
