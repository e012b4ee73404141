"""What an environment opens it closes, once nobody uses it any more, and what it shares is not copied."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from nas_agents import make_agent

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Store, make_evaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import load_table
from nas_gym.tasks import Task, make_task
from nas_gym.traces import Trace

TASK = {"name": "digits", "train_size": 60, "validation_size": 60, "test_size": 60}
QUICK = {"name": "train", "recipe": {"epochs": 1}}
linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")


def make(store, **options):
    return gym.make("NAS-v0", task=TASK, evaluator=QUICK, store=store, **options)


def opened(path: Path) -> list[str]:
    """The files of a store that this process holds open."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return [link for link in links if link.startswith(str(path))]


@pytest.fixture
def path(tmp_path):
    return tmp_path.resolve() / "store.db"


@linux
@pytest.mark.parametrize("given", [str, Path, lambda path: f"sqlite:///{path}"], ids=["text", "path", "URL"])
def test_closing_an_environment_closes_the_store_it_opened(given, path):
    env = make(given(path))
    env.reset(seed=0)
    env.step(3)
    assert opened(path)
    env.close()
    env.close()
    assert not opened(path)
    path.unlink()


@linux
def test_a_closed_environment_that_goes_on_opens_its_store_again(path):
    env = make(str(path))
    env.reset(seed=0)
    reward = env.step(3)[1]
    env.close()
    env.reset(seed=0)
    env.unwrapped.start_run()
    assert env.step(3)[1] == reward
    assert env.unwrapped.stats.stored == 1
    env.close()
    assert not opened(path)


def test_a_closed_environment_whose_store_was_in_memory_goes_on_too():
    env = make("memory")
    env.reset(seed=0)
    reward = env.step(3)[1]
    env.close()
    env.reset(seed=0)
    env.unwrapped.start_run()
    assert env.step(3)[1] == reward
    assert env.unwrapped.stats.stored == 0


@linux
def test_vector_environments_close_their_store(path):
    envs = gym.make_vec("NAS-v0", num_envs=2, task=TASK, evaluator=QUICK, store=str(path))
    envs.reset(seed=0)
    envs.step(np.array([1, 2]))
    envs.close()
    envs.close()
    assert not opened(path)
    synchronous = SyncVectorEnv([lambda: make(str(path))] * 2)
    synchronous.reset(seed=0)
    synchronous.step(np.array([1, 2]))
    synchronous.close()
    assert not opened(path)


@linux
@pytest.mark.parametrize("other", [lambda env: env.unwrapped.fork(), copy.deepcopy], ids=["fork", "copy"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_store_stays_open_until_the_last_environment_that_shares_it_is_closed(other, first, path):
    env = make(str(path))
    env.reset(seed=0)
    pair = [env, other(env)]
    pair.pop(first).close()
    assert opened(path)
    pair[0].step(3)
    pair[0].close()
    assert not opened(path)


@linux
def test_a_store_or_an_evaluator_that_came_as_an_object_stays_open(path):
    store = Store(path)
    env = make(store)
    env.reset(seed=0)
    env.step(3)
    env.close()
    assert opened(path)
    task = make_task(TASK)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = make_evaluator(QUICK, space, task, store=str(path))
    gym.make("NAS-v0", task=task, search_space=space, evaluator=evaluator).close()
    assert opened(path)
    store.close()
    evaluator.store.close()
    assert not opened(path)


@linux
def test_a_store_that_nobody_closes_is_closed_when_it_is_forgotten(path):
    env = make(str(path))
    env.reset(seed=0)
    env.step(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del env
        gc.collect()
    assert not opened(path)


@linux
def test_an_environment_that_is_refused_leaves_no_store_open(path):
    with pytest.raises(NASGymError):
        make(str(path), observation="no such kind")
    gc.collect()
    assert not opened(path)


@pytest.mark.parametrize("spec", ["memory", ":memory:", Path(":memory:"), "sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_in_memory_however_it_is_written(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = make(spec)
    env.reset(seed=0)
    env.step(3)
    assert env.unwrapped.evaluator.store.spec == "memory"
    env.close()
    assert list(tmp_path.iterdir()) == []


def arrays(rows=2000, columns=300):
    x = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    return x, np.arange(rows) % 3


@pytest.mark.parametrize("kind", ["task", "dict"])
def test_a_spec_and_a_trace_share_the_data_of_a_task(kind, tmp_path):
    x, y = arrays()
    task = Task.from_arrays(x, y) if kind == "task" else {"name": "arrays", "x": x, "y": y}
    env = gym.make("NAS-v0", task=task, evaluator=QUICK, store="memory")
    traced = Trace(gym.wrappers.RecordEpisodeStatistics(env), tmp_path)
    assert traced.spec.kwargs["task"] is env.unwrapped.task
    again = gym.make(env.spec)
    assert again.unwrapped.task is env.unwrapped.task
    if kind == "dict":
        assert task["x"] is x


def test_large_parts_are_shared_by_copies_and_a_pickle_has_its_own():
    task = make_task(TASK)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    store = Store("memory")
    evaluator = make_evaluator(QUICK, space, task, store=store)
    for part in (task, space, store, evaluator, load_table("mlp", "mnist1d"), space.edit_graph):
        assert copy.copy(part) is part
        assert copy.deepcopy({"part": [part]})["part"][0] is part
    other = pickle.loads(pickle.dumps(task))
    assert other is not task
    assert other.fingerprint == task.fingerprint


def test_the_arrays_of_a_task_cannot_be_written_to_and_those_given_still_can():
    x, y = arrays(60, 4)
    task = Task.from_arrays(x, y)
    for one in (task, pickle.loads(pickle.dumps(task))):
        with pytest.raises(ValueError, match="read-only"):
            one.x_train[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            one.y_test[0] = 0
    x[0] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make("NAS-v0", task=task, evaluator=QUICK, store="memory").unwrapped
        env.evaluate("relu-16")
        env.evaluator.test(env.search_space.smallest(), [1])


def test_environments_in_other_processes_take_a_task():
    x, y = arrays(60, 4)
    task = Task.from_arrays(x, y)

    def one():
        return gym.make("NAS-v0", task=task, evaluator=QUICK, store="memory")

    envs = AsyncVectorEnv([one, one], context="spawn")
    try:
        envs.reset(seed=0)
        _, rewards, *_ = envs.step(np.array([1, 1]))
        assert rewards[0] == rewards[1] > 0
    finally:
        envs.close()


def test_a_search_goes_on_in_an_environment_that_was_closed(path):
    env = make(str(path))
    first = make_agent("random").search(env, 3, 0)
    env.close()
    again = make_agent("random").search(env, 3, 0)
    assert [each.score for each in again.evaluations] == [each.score for each in first.evaluations]
    env.close()


@pytest.mark.skipif(sys.version_info < (3, 13), reason="SQLite's connections warn from Python 3.13 on")
def test_no_connection_is_left_to_the_collector(path):
    # A warning from a destructor is no error of whoever runs it, so it is looked for among those said.
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for spec in (str(path), "memory"):
            env = make(spec)
            env.reset(seed=0)
            env.close()
            del env
            gc.collect()
    assert [str(one.message) for one in said if issubclass(one.category, ResourceWarning)] == []
