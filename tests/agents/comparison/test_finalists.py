"""The last choice among a search's best networks is by trainings that the search did not see."""

from __future__ import annotations

import json
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent
from nas_agents.runs.finalists import best_choice, finalists
from nas_agents.runs.run import RunSpec, run

from nas_gym.errors import ConfigError
from nas_gym.explain import read_evidence

SMALL = {"name": "mlp", "max_layers": 2, "widths": [4, 16], "activations": ["relu", "tanh"]}
ENV = {
    "search_space": SMALL,
    "task": {"name": "breast_cancer", "folds": 4},
    "evaluator": {"name": "train", "recipe": {"epochs": 2}},
    "store": "memory",
}


def test_the_smallest_of_those_that_are_as_good_is_chosen():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (1, 8))
    scores = np.array([[0.9], [0.899], [0.895], [0.5]]) + noise + rng.normal(0, 0.002, (4, 8))
    assert (
        best_choice(scores, [300, 200, 100, 1]) == 1
    )  # a tenth of a point is within the error, half a point is not
    assert best_choice(scores[[3, 0]], [1, 300]) == 1
    same = np.full((3, 5), 0.9)
    assert best_choice(same, [30, 20, 20]) == 1  # the first of equal ones


def test_a_search_with_finalists_says_what_they_scored_and_explains_the_one_it_chose(tmp_path):
    spec = RunSpec("random", 12, str(tmp_path / "run"), 3, env=ENV, finalists=4)
    result = run(spec, keep_network=True)
    listed = result["finalists"]
    assert len(listed) == 4
    assert result["architecture"] == listed[0]["architecture"]
    seen = {one["architecture"]: one for one in result["evaluations"]}
    assert result["score"] == seen[result["architecture"]]["score"]
    best = sorted((one["score"] for one in result["evaluations"]), reverse=True)[:4]
    assert sorted((seen[one["architecture"]]["score"] for one in listed), reverse=True) == best
    used = {0, 1, 2, 3} | {one["seed"] for one in result["final"]}
    for one in listed:
        assert one["seeds"] == listed[0]["seeds"]
        assert len(one["seeds"]) == len(one["scores"]) == 5
        assert not used & set(one["seeds"])
        assert one["score"] == pytest.approx(np.mean(one["scores"]))
    assert len(result["evaluations"]) == 12  # finalists cost no budget of the search
    assert str(read_evidence(tmp_path / "run").chosen.architecture) == result["architecture"]
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["config"]["finalists"] == 4
    assert run(spec) == result


def test_finalists_are_so_few_that_their_trainings_end_in_time():
    env = gym.make("NAS-v0", **ENV)
    found = make_agent("random").search(env, 8, seed=3)
    same = tuple(replace(one, seconds=4.0) for one in found.evaluations)  # a second for each of four folds
    found = replace(found, evaluations=same)

    def listed(seconds):
        return len(finalists(env.unwrapped, found, 6, seconds=seconds))  # each by five trainings

    assert listed(None) == listed(30.0) == 6
    assert listed(29.9) == 5
    assert listed(10.0) == 2
    assert listed(9.9) == 0  # where one alone could be trained, the search's best is taken as it is


def test_a_search_without_finalists_records_none(tmp_path):
    run(RunSpec("random", 3, str(tmp_path / "run"), env=ENV))
    assert "finalists" not in json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert "finalists" not in json.loads((tmp_path / "run" / "result.json").read_text())


def test_where_nothing_is_trained_there_are_no_finalists(tmp_path):
    with pytest.raises(ConfigError, match="this environment trains nothing: leave them out"):
        run(RunSpec("random", 3, str(tmp_path / "run"), env_id="NASTable-MLP-v0", finalists=2))
