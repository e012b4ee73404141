"""A number is a number whichever library made it, and True is none."""

from __future__ import annotations

import json
from fractions import Fraction

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import make_agent
from nas_agents.runs.run import RunSpec, run

import nas_gym  # noqa: F401 - registers the ids
from nas_gym import _checks
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Request
from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import load_table
from nas_gym.tasks import Task, make_task
from nas_gym.traces import Trace
from nas_gym.training import Recipe

WHOLE = [5, np.int8(5), np.uint64(5), np.int64(5), np.array(5), torch.tensor(5)]
REAL = [
    0.5,
    np.float16(0.5),
    np.float32(0.5),
    np.float64(0.5),
    np.longdouble(0.5),
    np.array(0.5),
    Fraction(1, 2),
]


@pytest.mark.parametrize("value", WHOLE, ids=repr)
def test_a_whole_number_of_any_library_becomes_pythons(value):
    assert _checks.whole(value) == 5
    assert type(_checks.whole(value)) is int
    assert type(_checks.number(value)) is int


@pytest.mark.parametrize("value", REAL, ids=repr)
def test_a_real_number_of_any_library_becomes_pythons(value):
    assert _checks.number(value) == 0.5
    assert type(_checks.number(value)) is float
    assert _checks.whole(value) is None


@pytest.mark.parametrize(
    "value",
    [True, np.True_, None, "5", 1j, [5], np.arange(1), np.array(True), object()],
    ids=map(str, range(9)),
)
def test_what_is_no_number_stays_none(value):
    assert _checks.whole(value) is None
    assert _checks.number(value) is None


def test_plain_values_are_those_that_json_holds_and_arrays_are_left_alone():
    array = np.arange(3)
    given = {"a": np.int64(1), "b": [np.float32(0.5), (np.True_, "text")], "c": array}
    found = _checks.plain(given)
    assert found["c"] is array
    assert json.dumps({"a": found["a"], "b": found["b"]}) == '{"a": 1, "b": [0.5, [true, "text"]]}'


@pytest.mark.parametrize(
    "seeds", [[0, 1], (0, 1), range(2), np.arange(2), [np.int8(0), np.uint8(1)]], ids=repr
)
def test_seeds_and_options_of_the_training_evaluator_give_the_keys_of_plain_numbers(seeds):
    def evaluator(**options):
        env = gym.make(
            "NAS-v0", task="digits", store="memory", evaluator={"name": "train", **options}
        ).unwrapped
        return env.evaluator, env.evaluator.key(Request(env.search_space.smallest(), env.evaluator.seeds[1]))

    plain, key = evaluator(seeds=[0, 1], recipe={"epochs": 2, "learning_rate": 0.5, "max_parameters": 10**6})
    recipe = {"epochs": np.int64(2), "learning_rate": np.float32(0.5), "max_parameters": np.uint32(10**6)}
    other, found = evaluator(seeds=seeds, recipe=recipe)
    assert json.dumps(found) == json.dumps(key)
    assert json.dumps(other.config()) == json.dumps(plain.config())


def test_numbers_of_a_recipe_are_checked_whatever_made_them():
    assert Recipe(epochs=np.int64(2)) == Recipe(epochs=2)
    with pytest.raises(NASGymError, match="epochs of the recipe must be a whole number"):
        Recipe(epochs=np.float64(2))
    with pytest.raises(NASGymError, match="learning_rate of the recipe must be a number"):
        Recipe(learning_rate=np.float32("nan"))
    with pytest.raises(NASGymError, match="epochs of the recipe must be a whole number"):
        Recipe(epochs=np.True_)


def test_a_request_and_a_fidelity_in_numpy_are_those_in_python():
    env = gym.make(
        "NAS-v0", task="digits", store="memory", evaluator={"name": "train", "recipe": {"epochs": 3}}
    ).unwrapped
    plain = env.evaluate("relu-16", fidelity=2)
    again = env.evaluate("relu-16", fidelity=np.int64(2))
    assert again is plain
    assert env.stats.unique == 1
    architecture = env.search_space.parse("relu-16")
    assert Request(architecture, np.int64(0), np.int32(2)) == Request(architecture, 0, 2)
    env.evaluator.evaluate([Request(architecture, np.int64(7), np.int32(2))])
    assert type(env.evaluate("relu-16", fidelity=np.int64(3)).fidelity) in (int, type(None))


def test_tables_take_numpys_fidelities_and_seeds():
    table = load_table("mlp", "mnist1d")
    assert type(table.fidelity(np.int64(5))) is int
    spec = {
        "name": "table",
        "benchmark": "mlp",
        "fidelity": np.int64(5),
        "seeds": np.array(table.seeds[5][:2]),
    }
    env = gym.make("NASTable-MLP-v0", evaluator=spec).unwrapped
    assert json.dumps(env.config())
    assert env.evaluator.seeds == table.seeds[5][:2]


def test_environments_take_numpys_numbers():
    env = gym.make(
        "NASTable-MLP-v0", horizon=np.int64(3), reward={"name": "final", "scale": np.array([0, 1])}
    ).unwrapped
    assert json.loads(json.dumps(env.config()))["horizon"] == 3
    one, _ = env.reset(seed=np.int64(3))
    other, _ = env.reset(seed=3)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    envs = gym.make_vec("NASTable-MLP-v0", num_envs=np.int64(2), horizon=np.uint8(3))
    envs.reset(seed=np.array([1, 2]))
    assert (envs.num_envs, type(envs.unwrapped.num_envs)) == (2, int)


AGENTS = [
    {"name": "evolution", "population": np.int64(4), "sample": np.int8(2), "crossover": np.float32(0.5)},
    {"name": "q-learning", "alpha": np.float32(0.3), "gamma": np.float16(0.75), "replay": np.int64(0)},
    {"name": "reinforce", "learning_rate": np.float32(0.1), "batch": np.int32(4)},
    {"name": "successive-halving", "eta": np.float32(3), "lowest": np.int64(1)},
    {"name": "tpe", "startup": np.int64(4)},
]


@pytest.mark.parametrize("spec", AGENTS, ids=lambda spec: spec["name"])
def test_an_agent_searches_the_same_with_numpys_numbers(spec):
    def found(options, budget, seed):
        result = make_agent(options).search(gym.make("NASTable-MLP-v0"), budget, seed)
        return json.dumps(result.as_dict())

    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in spec.items()}
    assert found(spec, np.int64(12), np.uint8(3)) == found(plain, 12, 3)


def test_a_run_of_numpys_numbers_is_the_run_of_plain_ones(tmp_path):
    budgets = (np.int64(6), 6), ({"seconds": np.float32(8)}, {"seconds": 8.0})
    for number, (numpys, pythons) in enumerate(budgets):
        folder = str(tmp_path / str(number))
        first = run(
            RunSpec({"name": "random", "batch": np.int64(2)}, numpys, folder, np.int64(1), "NASTable-MLP-v0")
        )
        again = run(RunSpec({"name": "random", "batch": 2}, pythons, folder, 1, "NASTable-MLP-v0"))
        assert again == json.loads(json.dumps(first))


@pytest.mark.parametrize("size", [np.float32(0.25), np.float16(0.25), 0.25])
def test_a_share_is_a_share_and_a_count_a_count(size):
    x, y = np.random.default_rng(0).normal(size=(80, 3)), np.arange(80) % 2
    task = Task.from_arrays(x, y, train_size=size, validation_size=np.int64(20), split_seed=np.int64(1))
    assert (len(task.y_train), len(task.y_validation)) == (20, 20)
    assert json.dumps(task.spec)
    assert make_task(task.spec | {"x": x, "y": y}).fingerprint == task.fingerprint


def test_search_spaces_take_numpys_numbers():
    plain = make_search_space({"name": "mlp", "widths": [8, 16], "max_layers": 2}, (4,), 2)
    other = make_search_space(
        {"name": "mlp", "widths": np.array([8, 16]), "max_layers": np.int64(2)}, (4,), 2
    )
    assert json.dumps(other.config()) == json.dumps(plain.config())
    assert other == plain


def test_a_network_built_with_numpys_numbers_is_the_one_of_plain_numbers():
    def build(number):
        builder = NetworkBuilder((number(3), number(8)))
        node = builder.conv(builder.input, number(4), number(3), stride=number(2))
        node = builder.linear(
            builder.flatten(builder.pool(node, "max", number(3), stride=number(1))), number(2)
        )
        return builder.build(node)

    assert build(np.int64) == build(int)
    assert repr(build(np.int64)) == repr(build(int))
    assert type(build(np.int64).parameters) is int


def test_a_score_of_a_function_may_be_a_numpy_number():
    evaluator = {"name": "function", "function": lambda architecture: np.float32(0.5), "seconds": np.int64(2)}
    env = gym.make("NAS-v0", evaluator=evaluator, task="digits").unwrapped
    assert json.dumps(env.evaluate("relu-16").as_dict())


EVALUATORS = {
    "train": {"name": "train", "recipe": {"epochs": 1}},
    "function": {"name": "function", "function": lambda architecture, seed: seed % 2},
}


@pytest.mark.parametrize("spec", EVALUATORS.values(), ids=EVALUATORS)
def test_seeds_of_a_final_score_may_be_numpys(spec):
    env = gym.make("NAS-v0", task="digits", store="memory", evaluator=spec).unwrapped
    architecture, seeds = env.search_space.smallest(), np.array([3, 4], dtype=np.uint8)
    scores = env.evaluator.test(architecture, seeds)
    assert scores == env.evaluator.test(architecture, [3, 4])
    assert json.dumps([score.seed for score in scores]) == "[3, 4]"
    assert env.evaluator.final_seeds(np.uint8(2), np.int64(2)) == env.evaluator.final_seeds(2, 2)
    assert json.dumps(env.evaluator.final_seeds(np.int16(2)))


def test_a_network_kept_with_a_seed_in_numpy_is_the_one_of_the_plain_seed():
    env = gym.make("NAS-v0", task="digits", store="memory", evaluator=EVALUATORS["train"]).unwrapped
    architecture = env.search_space.smallest()
    (one, _), (other, _) = (env.evaluator.fit(architecture, seed) for seed in (np.uint8(5), 5))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_snapshots_of_a_trace_may_be_numpys(tmp_path):
    env = Trace(gym.make("NASTable-MLP-v0"), tmp_path, snapshots=np.linspace(0, 1, 3))
    assert json.dumps(env.spec.additional_wrappers[-1].kwargs["snapshots"]) == "[0.0, 0.5, 1.0]"
