"""Landscapes, training and weights of the pretrained policy, and searches that start from it."""

from __future__ import annotations

import json
from importlib.resources import files

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import Pretrained, Result, make_agent, pretrain_policy, read_weights
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.training import learning
from nas_agents.pretrained.training.landscapes import KINDS, draw_landscape
from nas_agents.pretrained.training.learning import Plan, fit, fresh_network, pretrain
from nas_agents.pretrained.training.provenance import source_hash
from nas_agents.pretrained.training.spaces import SPACES, UNSEEN, training_space
from nas_agents.pretrained.weights import SHIPPED, PolicyWeights, shipped_weights
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import NASGymError
from nas_gym.tables import load_table
from tests.helpers.environments import environment

SMALL = Plan(rounds=2, searches=3, passes=1, spaces=("mlp-c",))


@pytest.fixture(scope="module")
def pool():
    space = training_space("mlp-c")
    return Pool(space, list(space))


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "policy.npz"
    PolicyWeights.of_network(fresh_network(1), {"command": "none"}).save(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_landscape_follows_from_its_seed_and_has_one_best(pool, kind):
    one, two, other = (draw_landscape(pool, np.random.default_rng(seed), kind) for seed in (5, 5, 6))
    assert np.array_equal(one.scores, two.scores)
    assert not np.array_equal(one.scores, other.scores)
    assert one.kind == kind
    assert ((one.scores >= 0) & (one.scores <= 1)).all()
    assert (one.scores == one.scores.max()).sum() == 1
    assert one.scores.std() > 0.005


def test_a_landscape_is_searched_behind_the_ordinary_environment(pool):
    landscape = draw_landscape(pool, np.random.default_rng(0))
    result = make_agent("random").search(landscape.environment(), 5)
    scores = {str(a): s for a, s in zip(pool.architectures, landscape.scores, strict=True)}
    assert [e.score for e in result.evaluations] == [scores[e.architecture] for e in result.evaluations]


def test_no_space_of_training_is_one_that_the_policy_is_judged_on():
    judged = {load_table(*name).search_space for name in (("mlp", "mnist1d"), ("conv", "mnist1d"))}
    trained = {training_space(name) for name in SPACES}
    assert not trained & judged
    assert not trained & {training_space(name) for name in UNSEEN}
    assert not any(space.name == "macro" or space.size == 5**6 for space in trained)


@pytest.fixture
def quick(monkeypatch, pool):
    monkeypatch.setattr(learning, "Pool", lambda space, architectures: pool)


@pytest.mark.usefixtures("quick")
def test_a_training_that_was_interrupted_ends_as_one_that_was_not(tmp_path):
    whole = pretrain(SMALL, tmp_path / "whole", lambda advance: None)

    def interrupt(advance):
        if advance.done > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(SMALL, tmp_path / "parts", interrupt)
    again = pretrain(SMALL, tmp_path / "parts", lambda advance: None)
    digests = [PolicyWeights.of_network(network, {}).digest for network in (whole, again)]
    assert digests[0] == digests[1] != PolicyWeights.of_network(fresh_network(0), {}).digest


@pytest.mark.usefixtures("quick")
def test_a_folder_of_another_training_is_refused(tmp_path):
    learning._hold(tmp_path, SMALL)
    with pytest.raises(NASGymError, match="another plan"):
        pretrain(Plan(rounds=3), tmp_path, lambda advance: None)


def test_fitting_raises_the_score_of_what_it_is_shown(pool):
    landscape = draw_landscape(pool, np.random.default_rng(1))
    states = learning.played(landscape, lambda seen, pool: seen[:, 0], np.random.default_rng(2))
    graphs = learning._graphs([pool])
    network = fresh_network(0)
    first = network.graph.enter.weight.detach().clone()
    before = fit(network, states, Plan(passes=1, rounds=1), 0, graphs)
    after = fit(network, states, Plan(passes=40, rounds=1, batch=4), 0, graphs)
    assert after < before - 0.3
    assert not torch.equal(first, network.graph.enter.weight)


@pytest.mark.parametrize("passes", [1, 10])
def test_few_states_are_learned_from_in_as_few_steps(pool, passes):
    landscape = draw_landscape(pool, np.random.default_rng(1))
    states = learning.played(landscape, lambda seen, pool: seen[:, 0], np.random.default_rng(2))
    few = Plan(passes=passes, rounds=1, batch=len(states.features))
    assert np.isfinite(fit(fresh_network(0, graph=False), states, few, 0))


def test_the_weights_of_the_package_are_small_and_tell_where_they_come_from():
    folder = files("nas_agents.pretrained")
    assert len(folder.joinpath(SHIPPED).read_bytes()) < 1_000_000
    told = json.loads(folder.joinpath("weights.json").read_text())
    weights = shipped_weights()
    assert weights.digest == told["sha256"]
    assert told["tables_read"] == []
    assert set(told["landscapes"]) <= set(SPACES)
    assert told["command"].startswith("nas-gym pretrain")
    assert told["sources"] == source_hash(), "what the weights follow from has changed: train them again"


def test_a_search_says_what_it_started_from(policy_file):
    own = Pretrained().search(environment(), 6)
    other = Pretrained().search(environment(), 6, start=str(policy_file))
    same = Pretrained(policy=str(policy_file)).search(environment(), 6)
    digest = read_weights(policy_file).digest[:16]
    assert own.started_from == f"the policy of the package, SHA-256 {shipped_weights().digest[:16]}"
    assert other.started_from == same.started_from == f"the policy of {policy_file}, SHA-256 {digest}"
    assert other.evaluations == same.evaluations
    assert Result.from_dict(json.loads(json.dumps(other.as_dict()))) == other


def test_an_agent_that_carries_nothing_refuses_a_start(policy_file):
    result = make_agent("random").search(environment(), 3)
    assert result.started_from == ""
    assert "started_from" not in result.as_dict()
    with pytest.raises(NASGymError, match="carries nothing from one search to the next"):
        make_agent("random").search(environment(), 3, start=str(policy_file))


def test_files_that_are_no_policy_are_refused_in_a_sentence(policy_file, tmp_path):
    with pytest.raises(NASGymError, match="is missing"):
        read_weights(tmp_path / "none.npz")
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK\x03\x04 not a zip")
    damaged.with_suffix(".json").write_text("{}")
    with pytest.raises(NASGymError, match="is damaged"):
        read_weights(damaged)
    changed = tmp_path / "changed.npz"
    changed.write_bytes(policy_file.read_bytes())
    changed.with_suffix(".json").write_text(json.dumps({"sha256": "0"}))
    with pytest.raises(NASGymError, match="is not what its provenance tells of"):
        read_weights(changed)


def test_a_space_too_large_to_list_is_searched(policy_file):
    env = gym.make("NASTable-MLP-v0")
    agent = Pretrained(listed=0, memory=8)
    one, two = (agent.search(env, 14, seed=1, start=str(policy_file)) for _ in range(2))
    assert len(one.evaluations) == 14
    assert one == two


@pytest.mark.slow
def test_a_policy_is_trained_further_on_own_runs_and_searched_by(tmp_path):
    def command(*arguments):
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return done.output

    common = ("--env", "NASTable-MLP-v0", "--logdir", str(tmp_path / "runs"))
    command("search", "--agent", "random", "--budget", "30", *common)
    out = tmp_path / "mine.npz"
    command(
        "pretrain", "--from", str(tmp_path / "runs"), "--out", str(out), "--rounds", "1", "--searches", "2"
    )
    weights = read_weights(out)
    assert weights.provenance["started_from"]["sha256"] == shipped_weights().digest
    assert weights.digest != shipped_weights().digest
    said = command("search", "--agent", "pretrained", "--budget", "5", "--start", str(out), *common)
    assert f"it started from the policy of {out}, SHA-256 {weights.digest[:16]}" in said


def test_own_runs_with_too_little_are_refused(tmp_path):
    with pytest.raises(NASGymError, match="no problem with 24 evaluated architectures"):
        pretrain_policy(tmp_path / "x.npz", {}, "", runs=[tmp_path], work=tmp_path / "work")
