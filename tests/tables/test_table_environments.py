"""Environments on tables: their ids, and how the table settles the space and the task."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.envs import IDS
from nas_gym.errors import NASGymError
from nas_gym.evaluators import TableEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.traces import Trace, replay
from tests.helpers.data.tables import SMALL, fake_table, shelve

FAKE = {"name": "table", "benchmark": "fake"}


def test_every_id_is_registered_with_its_vector_environment() -> None:
    assert {"NASTable-MLP-v0", "NASTable-Conv-v0", "NASBench201-v0", "NASBenchMacro-v0"} < set(IDS)
    for env_id in IDS:
        spec = gym.spec(env_id)
        assert spec.vector_entry_point
        assert gym.envs.registration.EnvSpec.from_json(spec.to_json()) == spec


def test_the_space_and_the_task_come_from_the_table(shelf) -> None:
    table = shelve(fake_table())
    env = gym.make("NAS-v0", evaluator=FAKE).unwrapped
    assert env.search_space == table.search_space
    assert (env.task.name, env.task.input_shape, env.task.outputs) == ("mnist1d", (1, 40), 10)
    assert len(env.task.x_train) == len(env.task.x_validation) == len(env.task.x_test) == 0
    env.reset(seed=0)
    _, reward, _, _, info = env.step(1)
    assert reward == info["score"] == env.evaluate(info["architecture"]).score
    assert env.stats.cost == pytest.approx(3 * table.seconds[table.search_space.index(env.architecture)])


def test_an_id_takes_another_task_of_its_benchmark(shelf) -> None:
    shelve(fake_table("mlp", benchmark="mlp"))
    shelve(fake_table("mlp", benchmark="mlp", task="digits", input_shape=(1, 8, 8), seed=1))
    one, other = gym.make("NASTable-MLP-v0").unwrapped, gym.make("NASTable-MLP-v0", task="digits").unwrapped
    assert (one.task.name, other.task.name) == ("mnist1d", "digits")
    assert other.search_space.input_shape == (1, 8, 8)
    assert one.evaluator.optimum() != other.evaluator.optimum()


def test_without_a_task_the_only_table_is_meant_else_the_usual_one(shelf) -> None:
    shelve(fake_table(task="cifar10"))
    assert gym.make("NAS-v0", evaluator=FAKE).unwrapped.task.name == "cifar10"
    shelve(fake_table(task="digits"))
    with pytest.raises(NASGymError, match=r"unknown task .* 'mnist1d': .*known: cifar10, digits"):
        gym.make("NAS-v0", evaluator=FAKE)
    shelve(fake_table())
    assert gym.make("NAS-v0", evaluator=FAKE).unwrapped.task.name == "mnist1d"


@pytest.mark.parametrize(
    "options",
    [
        {"search_space": "mlp"},
        {"search_space": {"name": "mlp", "max_layers": 3}},
        {"search_space": SMALL},
        {"task": "mnist1d"},
        {"task": {"name": "mnist1d"}},
        {"search_space": make_search_space(SMALL, (1, 40), 10)},
    ],
)
def test_a_space_and_a_task_that_fit_the_table_are_accepted(shelf, options) -> None:
    table = shelve(fake_table())
    assert gym.make("NAS-v0", evaluator=FAKE, **options).unwrapped.search_space == table.search_space


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"search_space": "cell"},
            r"'fake-mnist1d' is of the search space .*, not 'cell': leave search_space",
        ),
        ({"search_space": {"name": "mlp", "max_layers": 2}}, r"not \{'name': 'mlp', 'max_layers': 2\}"),
        ({"search_space": {"name": "mlp", "max_layer": 3}}, r"did you mean 'max_layers'"),
        ({"search_space": make_search_space(SMALL, (40,), 10)}, r"leave search_space out"),
        ({"task": "mnist"}, r"unknown task of the table benchmark 'fake' 'mnist': did you mean 'mnist1d'"),
        ({"task": {"name": "mnist1d", "train_size": 9}}, r"task of a table is its label alone"),
        ({"task": 5}, r"task of a table is its label alone"),
        ({"evaluator": "table"}, r"needs the option 'benchmark'"),
        ({"evaluator": {"name": "table"}}, r"needs the option 'benchmark'"),
        ({"evaluator": {"name": "table", "benchmark": 3}}, r"benchmark of a table must be a name"),
        (
            {"evaluator": FAKE | {"benchmark": "fakes"}},
            r"unknown table benchmark 'fakes': did you mean 'fake'",
        ),
        ({"evaluator": FAKE | {"fidelty": 1}}, r"unknown option .* did you mean 'fidelity'"),
        ({"evaluator": FAKE | {"fidelity": 2}}, r"no fidelity 2: pass one of 1, 3, 9"),
        (
            {"evaluator": {"name": "table", "benchmark": "nasbench201"}, "task": "cifar10"},
            r"benchmark import",
        ),
    ],
)
def test_what_does_not_fit_the_table_is_refused_in_one_sentence(shelf, options, message) -> None:
    shelve(fake_table())
    with pytest.raises(NASGymError, match=message) as caught:
        gym.make("NAS-v0", **{"evaluator": FAKE} | options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("env_id", "benchmark"), [("NASBench201-v0", "201"), ("NASBenchMacro-v0", "_macro")])
def test_a_missing_published_table_says_how_to_get_it(shelf, env_id, benchmark) -> None:
    with pytest.raises(NASGymError, match=f"nas-gym benchmark import nasbench{benchmark} FILE"):
        gym.make(env_id)


def test_an_evaluator_object_brings_its_space_and_its_task(shelf) -> None:
    evaluator = TableEvaluator(fake_table(), fidelity=3)
    env = gym.make("NAS-v0", evaluator=evaluator).unwrapped
    assert env.evaluator is evaluator
    assert env.search_space is evaluator.search_space
    with pytest.raises(NASGymError, match="of the task 'mnist1d', not 'digits': leave task out"):
        gym.make("NAS-v0", task="digits", evaluator=evaluator)
    assert gym.make("NAS-v0", task=make_task("mnist1d"), evaluator=evaluator).unwrapped.task.name == "mnist1d"


def test_an_environment_is_built_again_from_its_configuration_and_its_spec(shelf) -> None:
    shelve(fake_table())
    env = gym.make("NAS-v0", evaluator=FAKE | {"fidelity": 3, "seeds": [0, 2]}, horizon=4)
    config = json.loads(json.dumps(env.unwrapped.config()))
    assert gym.make("NAS-v0", **config).unwrapped.config() == config
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.config() == config


@pytest.mark.parametrize("reward", ["score", "improvement"])
@pytest.mark.parametrize("seeds", ["mean", [1], "random"])
def test_a_trace_is_replayed_exactly(shelf, tmp_path, seeds, reward) -> None:
    shelve(fake_table(failed=((3, 1),)))
    env = Trace(
        gym.make("NAS-v0", evaluator=FAKE | {"seeds": seeds}, horizon=5, reward=reward, initial="random"),
        tmp_path / "run",
        agent="walk",
    )
    env.action_space.seed(0)
    for episode in range(3):
        _, info = env.reset(seed=episode)
        for _ in range(5):
            _, _, _, _, info = env.step(env.action_space.sample(info["action_mask"]))
        env.evaluate(["relu-64", "tanh-16", "relu-64"], 3)
    env.close()
    assert ("generator" in (tmp_path / "run" / "trace.jsonl").read_text()) == (seeds == "random")
    report = replay(tmp_path / "run")
    assert report.ok, str(report)
    assert (report.steps, report.asks) == (15, 9)
    assert report.largest_difference == 0.0


def test_a_vector_environment_pays_what_single_ones_do(shelf) -> None:
    table = shelve(fake_table())
    envs = gym.make_vec("NAS-v0", num_envs=5, evaluator=FAKE, initial="random")
    _, infos = envs.reset(seed=1)
    _, rewards, _, _, infos = envs.step(np.array([0, 1, 2, 3, 4]))
    indices = [table.search_space.index(table.search_space.parse(text)) for text in infos["architecture"]]
    assert rewards == pytest.approx(table.mean_score()[indices])


@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
def test_the_environment_passes_gymnasiums_check(shelf, reward) -> None:
    shelve(fake_table())
    env = gym.make("NAS-v0", evaluator=FAKE, reward=reward).unwrapped
    check_env(env, skip_render_check=True)


def test_making_one_is_quick_and_imports_neither_torch_nor_a_database(shelf) -> None:
    shelve(fake_table({"name": "cell"}, benchmark="nasbench201", task="cifar10", input_shape=(3, 32, 32)))
    code = """
import sys, time, gymnasium as gym, nas_gym, nas_gym.envs.nas_env, nas_gym.evaluators.lookup
start = time.process_time()
env = gym.make("NASBench201-v0")
env.reset(seed=0)
env.step(3)
print(time.process_time() - start, {"torch", "sqlalchemy", "stable_baselines3", "sklearn"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(os.environ), capture_output=True, text=True, check=True
    )
    seconds, _, imported = done.stdout.partition(" ")
    assert imported.strip() == "set()"
    assert float(seconds) < 1.0  # about 0.05 on an idle core
