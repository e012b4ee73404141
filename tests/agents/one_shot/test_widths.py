"""Searches by gradients over perceptrons whose layers have several widths."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import make_agent
from nas_agents.one_shot.candidate_costs import arithmetic

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import DataWarning, NASGymError
from nas_gym.evaluators import TrainEvaluator
from nas_gym.networks import Blend, mixtures
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.traces import Trace
from tests.helpers.supernets import RECIPE

TASK = make_task({"name": "mnist1d", "train_size": 120, "validation_size": 60, "test_size": 60})
SPACE = {"name": "mlp", "max_layers": 2, "widths": [16, 32], "activations": ["relu", "sigmoid", "tanh"]}
FORMS = {
    "darts": {"name": "darts"},
    "darts of order 2": {"name": "darts", "order": 2},
    "gdas": {"name": "gdas"},
    "drnas": {"name": "drnas"},
    "beta-darts": {"name": "beta-darts"},
    "proxyless": {"name": "proxyless"},
    "proxyless with cost": {"name": "proxyless", "cost_weight": 0.5},
    "proxyless by reinforce": {"name": "proxyless", "reinforce": True, "omega": -0.1},
}


def environment(space=SPACE):
    evaluator = {"name": "train", "recipe": RECIPE}
    return gym.make("NAS-v0", search_space=space, task=TASK, evaluator=evaluator, store="memory")


def search(form, env=None, budget=14, seed=0, **options):
    agent = make_agent(FORMS[form] | {"diagnosis": False} | options)
    with pytest.warns(DataWarning, match="every network of the mlp space at depth 2"):
        return agent.search(env or environment(), budget, seed)


@pytest.mark.parametrize("form", FORMS)
def test_every_search_by_gradients_chooses_widths_and_trains_its_choice_alone(form):
    env = environment()
    result = search(form, env=env)
    space = env.unwrapped.search_space
    architecture = space.parse(result.architecture)
    assert len(architecture.layers) == 2
    alone = TrainEvaluator(space, TASK, "cpu", recipe=RECIPE)
    assert result.score == alone.scores([architecture])[0]
    again = search(form)
    assert (again.architecture, again.score, again.shares) == (
        result.architecture,
        result.score,
        result.shares,
    )


def test_the_diagnosis_reads_every_width(tmp_path):
    env = Trace(environment(), tmp_path / "run", agent="darts")
    env.finish(search("darts", env=env, diagnosis=True).as_dict())
    found = [json.loads(line) for line in (tmp_path / "run" / "one_shot.jsonl").read_text().splitlines()]
    names = {f"layer {layer} {aspect}" for layer in (1, 2) for aspect in ("width", "activation")}
    assert all(set(reading["weights"]) == names for reading in found)
    assert {len(found[-1]["without"][name]) for name in names} == {2, 3}
    # Activations have no weights of their own, all widths do; so nothing can collapse.
    assert [reading["free_weight"] for reading in found] == [None] * len(found)
    assert not any(reading["degenerate"] for reading in found)
    assert found[-1]["eigenvalue"] is not None


def test_the_arithmetic_of_a_path_is_that_of_its_network_and_its_expectation_the_mean():
    space = make_search_space(SPACE | {"max_layers": 3, "widths": [2, 5, 3]}, (1, 40), 10)
    mixture = space.mixture()
    costs = arithmetic(mixture)
    counts = {name: len(mixture.nodes[numbers[0]].inputs) for name, numbers in mixtures(mixture).items()}
    widest = space.network(space.parse("relu-5 > relu-5 > relu-5")).flops
    rng = np.random.default_rng(0)
    rows = {name: torch.tensor(rng.normal(size=count)) for name, count in counts.items()}
    p = {name: torch.softmax(row, 0).numpy() for name, row in rows.items()}
    mean = 0.0
    for first in range(3):
        for second in range(3):
            for third in range(3):
                layers = {f"layer {place} width": w for place, w in enumerate((first, second, third), 1)}
                values = dict.fromkeys(space.variables, 0) | space.outside_mixture() | layers
                share = space.network(space.decode(values)).flops / widest
                path = {name: Blend(torch.eye(count)[values[name]]) for name, count in counts.items()}
                assert costs.of_path(path) == pytest.approx(share)
                mean += share * np.prod([p[name][choice] for name, choice in layers.items()])
    assert float(costs.expected(rows)) == pytest.approx(mean)


def test_a_search_for_little_arithmetic_chooses_the_narrowest_layers():
    result = search("proxyless with cost", cost_weight=50.0, arch_learning_rate=0.1)
    assert [text.rpartition("-")[2] for text in result.architecture.split(" > ")] == ["16", "16"]


def test_a_part_of_the_channels_and_other_spaces_of_chains_stay_refused_in_a_sentence():
    conv = {"name": "conv", "max_layers": 2}
    for agent, space, words in (
        ("pc-darts", SPACE, "no mixture of a part of the channels"),
        ("darts", conv, "has no mixture of its candidates, since 'layer 1 operation' and"),
    ):
        with pytest.raises(NASGymError, match=words) as caught:
            make_agent({"name": agent}).search(environment(space), 14, 0)
        assert "\n" not in str(caught.value)
