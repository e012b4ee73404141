"""Agents by name: which there are, how they are made, and what their hyperparameters refuse."""

from __future__ import annotations

import subprocess
import sys

import pytest
from nas_agents import AGENTS, make_agent

from nas_gym.errors import NASGymError

BAD = [
    ("random", "batch", 0),
    ("q-learning", "alpha", 0),
    ("q-learning", "alpha", "fast"),
    ("q-learning", "gamma", 1.1),
    ("q-learning", "epsilon_start", -0.1),
    ("q-learning", "epsilon_end", True),
    ("q-learning", "replay", 2.5),
    ("q-learning", "initial_q", float("nan")),
    ("ppo", "learning_rate", 0),
    ("ppo", "n_steps", 1),
    ("ppo", "batch_size", 7),
    ("ppo", "clip_range", 0),
    ("dqn", "buffer_size", 0),
    ("dqn", "gamma", -1),
    ("tpe", "startup", 0),
    ("nsga2", "population", 1),
    ("evolution", "population", 0),
    ("evolution", "crossover", 2),
    ("reinforce", "learning_rate", 0),
    ("reinforce", "momentum", 1),
    ("reinforce", "batch", 0),
    ("successive-halving", "eta", 1),
    ("successive-halving", "lowest", 0),
    ("successive-halving", "finalists", 0),
    ("hyperband", "eta", "three"),
    ("hyperband", "lowest", 1.5),
    ("model-based", "near", -1),
    ("model-based", "noise", 0),
    ("model-based", "growth", 1),
    ("pretrained", "first", 0),
    ("pretrained", "memory", 3),
    ("pretrained", "temperature", 0),
    ("pretrained-walk", "detour_cost", -1),
]


@pytest.mark.parametrize(("name", "hyperparameter", "value"), BAD)
def test_a_hyperparameter_out_of_range_is_refused_by_name(name, hyperparameter, value):
    with pytest.raises(NASGymError, match=hyperparameter):
        make_agent({"name": name, hyperparameter: value})


def test_unknown_names_list_the_known_and_the_nearest():
    with pytest.raises(NASGymError, match=r"did you mean 'evolution'.*local-search"):
        make_agent("evolutoin")
    with pytest.raises(NASGymError, match=r"did you mean 'alpha'.*epsilon_end"):
        make_agent({"name": "q-learning", "alhpa": 0.1})
    with pytest.raises(NASGymError, match="did you mean 'best'"):
        make_agent({"name": "local-search", "improvement": "bset"})
    with pytest.raises(NASGymError, match="metaqnn"):
        make_agent({"name": "q-learning", "epsilon_schedule": "cosine"})


def test_an_agent_passes_through_make_agent():
    agent = make_agent("random")
    assert make_agent(agent) is agent


def test_an_agent_of_ones_own_goes_by_its_import_path():
    agent = make_agent({"name": "nas_agents.evolution:Evolution", "population": 3})
    assert agent == make_agent({"name": "evolution", "population": 3})
    for other in ("collections:OrderedDict", "nas_agents.optuna_samplers:OptunaSearch"):
        with pytest.raises(NASGymError, match=r"derive it from nas_agents\.Agent"):
            make_agent(other)
    with pytest.raises(NASGymError, match="module:Name"):
        make_agent("nowhere:Agent")
    with pytest.raises(NASGymError, match="'math:pi' is a float"):
        make_agent("math:pi")


def test_the_registry_imports_nothing_heavy():
    code = (
        "import sys, nas_agents; nas_agents.make_agent('evolution'); list(nas_agents.AGENTS);"
        "print([m for m in ('torch', 'stable_baselines3', 'optuna', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_agent_says_how_it_reaches_architectures():
    assert {name: AGENTS[name].access for name in AGENTS} == {
        "beta-darts": "gradient",
        "brute-force": "query",
        "darts": "gradient",
        "dqn": "walk",
        "drnas": "gradient",
        "enas": "gradient",
        "evolution": "query",
        "gdas": "gradient",
        "greedy-walk": "walk",
        "hyperband": "query",
        "local-search": "query",
        "model-based": "query",
        "pretrained": "query",
        "pretrained-walk": "walk",
        "nsga2": "query",
        "optuna-random": "query",
        "pc-darts": "gradient",
        "ppo": "walk",
        "preference-ppo": "walk",
        "proxyless": "gradient",
        "q-learning": "walk",
        "random": "query",
        "random-sharing": "gradient",
        "random-walk": "walk",
        "reinforce": "query",
        "spos": "gradient",
        "successive-halving": "query",
        "tpe": "query",
    }
    assert all(AGENTS[name].name == name for name in AGENTS)
