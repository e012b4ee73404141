"""Query agents that begin with the best of a pool by a proxy."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import (
    Evolution,
    Hyperband,
    LocalSearch,
    ModelBased,
    RandomSearch,
    SuccessiveHalving,
    make_agent,
)
from nas_agents.model_based.proxy_features import DRAWN, ProxyScores
from scipy import stats

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import NASGymError
from nas_gym.evaluators import ProxyMeter
from nas_gym.tasks import make_task
from tests.helpers.environments import environment, texts

PARAMS = {"proxy": "params", "pool": 30}
MLP3 = {"name": "mlp", "max_layers": 3}
STARTED = [
    (RandomSearch(warm_start=PARAMS), 30),
    (Evolution(warm_start=PARAMS, population=6), 6),
    (ModelBased(warm_start=PARAMS, first=6), 6),
    (SuccessiveHalving(warm_start=PARAMS), 12),
    (Hyperband(warm_start=PARAMS), 12),
    (LocalSearch(warm_start=PARAMS), 1),
    (make_agent({"name": "tpe", "warm_start": PARAMS, "startup": 6}), 6),
    (make_agent({"name": "nsga2", "warm_start": PARAMS, "population": 6, "batch": 4}), 6),
    (make_agent({"name": "optuna-random", "warm_start": PARAMS}), 30),
]


@pytest.mark.parametrize(("agent", "count"), STARTED, ids=lambda each: getattr(each, "name", ""))
def test_the_best_of_the_pool_are_evaluated_first(agent, count):
    env = environment(space=MLP3)
    space = env.unwrapped.search_space
    asked = texts(agent.search(env, budget=40, seed=3))[:count]
    rng, pool = np.random.default_rng(3), {}
    while len(pool) < 30:
        pool[space.sample(rng)] = None
    ranked = sorted(pool, key=lambda each: -space.network(each).parameters)
    assert asked == [str(each) for each in ranked[:count]]


@pytest.mark.parametrize(
    "agent",
    ["random", "evolution", "local-search", "successive-halving", "hyperband", "model-based", "tpe", "nsga2"],
)
def test_without_one_nothing_changes(agent):
    env = environment(space=MLP3)
    plain, none = make_agent(agent), make_agent({"name": agent, "warm_start": None})
    assert texts(plain.search(env, budget=30, seed=1)) == texts(none.search(env, budget=30, seed=1))
    assert "warm_start" not in plain.hyperparameters()


@pytest.mark.parametrize("agent", [SuccessiveHalving(warm_start=PARAMS), Hyperband(warm_start=PARAMS)])
def test_a_proxy_is_the_rung_below_the_lowest_of_halving(agent):
    env = gym.make("NASTable-MLP-v0")
    space = env.unwrapped.search_space
    result = agent.search(env, budget=3, seed=3)
    lowest = [each.architecture for each in result.evaluations if each.fidelity == 2]
    drawn = np.random.default_rng(3)
    pool = list(dict.fromkeys(space.sample(drawn) for _ in range(30)))
    best = sorted(pool, key=lambda each: -space.network(each).parameters)
    assert lowest == [str(each) for each in best[: len(lowest)]]
    assert len(lowest) > 6


def test_on_a_table_proxies_read_the_data_that_it_was_recorded_on():
    env = gym.make("NASTable-MLP-v0")
    space, task = env.unwrapped.search_space, make_task("mnist1d")
    agent = RandomSearch(warm_start={"proxy": "nwot", "pool": 40, "seeds": [0, 2]})
    result = agent.search(env, budget=40, seed=0)
    asked = [space.parse(text) for text in texts(result)]
    meter = ProxyMeter(space, task, "cpu")
    values = np.mean([meter.pool(asked, ["nwot"], seed).values["nwot"] for seed in (0, 2)], axis=0)
    assert len(set(asked)) == 40
    assert values.tolist() == sorted(values, reverse=True)
    assert json.loads(json.dumps(result.hyperparameters))["warm_start"]["proxy"] == "nwot"


def test_the_pool_ranks_by_az_nas_too():
    env = gym.make("NASTable-MLP-v0")
    result = RandomSearch(warm_start={"proxy": "az_nas", "pool": 20}).search(env, budget=20, seed=0)
    space = env.unwrapped.search_space
    asked = [space.parse(text) for text in texts(result)]
    values = ProxyMeter(space, make_task("mnist1d"), "cpu").pool(asked, ["az_nas"], 0).values["az_nas"]
    assert values.tolist() == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("warm_start", "words"),
    [
        ("synflow", "warm_start must be a dict like"),
        ({"pool": 10}, "warm_start must be a dict like"),
        ({"proxy": "params", "pol": 10}, "unknown option of warm_start 'pol': did you mean 'pool'"),
        ({"proxy": "params", "pool": 0}, "pool of warm_start must be a whole number of at least 1"),
        ({"proxy": "params", "seeds": []}, "seeds of warm_start must be a list of whole numbers"),
    ],
)
def test_bad_options_are_one_sentence(warm_start, words):
    with pytest.raises(NASGymError, match=words):
        make_agent({"name": "evolution", "warm_start": warm_start})


def test_an_unknown_proxy_is_one_sentence_when_the_search_begins():
    agent = Evolution(warm_start={"proxy": "synfow", "pool": 10})
    with pytest.raises(NASGymError, match="unknown proxy 'synfow': did you mean 'synflow'"):
        agent.search(environment(), budget=10)


def test_proxies_of_the_model_are_places_among_networks_of_the_space():
    env = environment(space=MLP3)
    space = env.unwrapped.search_space
    scores = ProxyScores(space, env.unwrapped.task, ["params", "flops"])
    rng = np.random.default_rng(0)
    reference = [space.network(space.sample(rng)).parameters for _ in range(DRAWN)]
    asked = [space.sample(np.random.default_rng(each)) for each in range(50)]
    found = scores(asked)
    assert found.shape == (50, 2)
    for architecture, score in zip(asked, found[:, 0], strict=True):
        parameters = space.network(architecture).parameters
        place = np.mean([(each < parameters) + (each == parameters) / 2 for each in reference])
        assert stats.norm.cdf(score) == pytest.approx(place, abs=1 / DRAWN)
    drawn = scores([space.sample(rng) for _ in range(2000)])
    assert drawn.mean(axis=0) == pytest.approx(0, abs=0.2)
    assert drawn.std(axis=0) == pytest.approx(1, abs=0.2)


def fewest_parameters(architecture, seed):
    space = environment(space=MLP3).unwrapped.search_space
    return 1 / (1 + np.log(space.network(architecture).parameters))


@pytest.mark.parametrize("listed", [50_000, 0])
def test_the_model_learns_that_a_proxy_has_the_wrong_sign(listed):
    env = environment(fewest_parameters, space=MLP3)
    with_proxy = ModelBased(proxies=["params"], first=5, listed=listed)
    result = with_proxy.search(env, budget=25, seed=0)
    space = env.unwrapped.search_space
    fewest = min(space.network(each).parameters for each in space)
    assert space.network(space.parse(result.architecture)).parameters == fewest
    assert result.hyperparameters["proxies"] == ["params"]


@pytest.mark.parametrize("proxies", ["nwot", [], [1]])
def test_proxies_of_the_model_are_a_list_of_names(proxies):
    with pytest.raises(NASGymError, match="proxies must be a list of names"):
        ModelBased(proxies=proxies)


def test_a_common_rank_is_no_feature_of_a_network():
    with pytest.raises(NASGymError, match="az_nas ranks a pool and is not a feature of a network"):
        ModelBased(proxies=["az_nas"]).search(environment(), budget=12)
