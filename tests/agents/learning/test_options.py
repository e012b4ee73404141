"""Options that agents which learn from nothing share: demonstrations, warm starts, restarts, their errors."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent

from nas_gym.errors import NASGymError
from tests.helpers.environments import environment, relu_layers, texts

LEARNERS = ("q-learning", "reinforce", "dqn", "ppo")
WALKS = ("q-learning", "dqn", "ppo")
# Those of stable-baselines3 simulate little here, which tests nothing less and takes a tenth of the time.
QUICK = {"q-learning": {}, "reinforce": {}, "dqn": {"planning": 1}, "ppo": {"planning": 1, "n_epochs": 1}}


@pytest.mark.parametrize("name", LEARNERS)
def test_demonstrations_count_in_the_budget(name):
    agent = {"name": name, "demonstrations": 6} | QUICK[name]
    env = environment(relu_layers)
    result = make_agent(agent).search(env, 8, 0)
    assert 6 <= len(result.evaluations) <= 8
    assert len(result.evaluations) == len(env.unwrapped.evaluator.trained)
    assert make_agent(agent).search(environment(relu_layers), 8, 0) == result


@pytest.mark.parametrize("name", WALKS)
def test_demonstrations_of_a_walk_are_a_walk_and_the_same_for_all(name):
    def first(each):
        agent = make_agent({"name": each, "demonstrations": 6} | QUICK[each])
        return texts(agent.search(environment(relu_layers, horizon=50), 6, 3))

    found = first(name)
    space = environment().unwrapped.search_space
    starts = [str(space.smallest()), *found]
    assert len(found) == 6
    for text in found[:2]:
        around = {str(each) for start in starts for each in space.neighbours(space.parse(start))}
        assert text in around | {str(space.smallest())}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_warm_start_goes_to_the_best_of_a_pool_by_a_proxy(name):
    env = gym.make(
        "NAS-v0",
        search_space={"name": "mlp", "max_layers": 2, "widths": [8, 64], "activations": ["relu"]},
        task="breast_cancer",
        evaluator={"name": "train", "recipe": {"epochs": 1, "batch_size": 128}},
        store="memory",
    )
    agent = QUICK[name] | {"name": name, "demonstrations": 4, "warm_start": {"proxy": "params", "pool": 6}}
    found = texts(make_agent(agent).search(env, 4, 0))
    assert len(found) == 4
    # All six are in the pool, of which the largest by parameters comes first: by steps, on the way to it.
    assert "relu-64 > relu-64" in found[: 1 if name == "reinforce" else 4]


def test_an_agent_that_restarts_by_itself_is_back_at_the_start_sooner():
    class Watch(gym.Wrapper):
        resets = 0

        def reset(self, **options):
            self.resets += 1
            return super().reset(**options)

    def resets(episode):
        env = Watch(environment(relu_layers))
        make_agent({"name": "q-learning", "episode": episode}).search(env, 10, 0)
        return env.resets

    assert resets(2) > resets(None)


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ({"name": "q-learning", "outputs": "edits"}, "unknown outputs of Q-learning 'edits'"),
        ({"name": "dqn", "outputs": 3}, "unknown outputs of DQN 3"),
        ({"name": "ppo", "outputs": ""}, "unknown outputs of PPO ''"),
        ({"name": "preference-ppo", "outputs": "successors"}, "unknown option .* 'outputs'"),
        (
            {"name": "ppo", "outputs": "actions", "demonstrations": 4, "warm_start": {"proxy": "params"}},
            "warm_start is of outputs='successors'",
        ),
        ({"name": "q-learning", "exploration": "none"}, "unknown exploration"),
        ({"name": "q-learning", "planning": -1}, "planning must be a whole number of at least 0"),
        ({"name": "q-learning", "n_steps": 0}, "n_steps must be a whole number of at least 1"),
        ({"name": "q-learning", "novelty": -1}, "novelty must be a number"),
        ({"name": "ppo", "episode": 0}, "episode must be a whole number of at least 1"),
        ({"name": "ppo", "normalise": 1}, "normalise must be True or False"),
        ({"name": "dqn", "beliefs": None}, "beliefs must be True or False"),
        ({"name": "dqn", "demonstrations": 2.5}, "demonstrations must be a whole number"),
        ({"name": "reinforce", "warm_start": {"proxy": "params"}}, "set demonstrations to at least 2"),
        ({"name": "reinforce", "planning": True}, "planning must be a whole number"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_in_one_sentence(agent, sentence):
    with pytest.raises(NASGymError, match=sentence) as refused:
        make_agent(agent)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", WALKS)
def test_the_plain_forms_are_left(name):
    result = make_agent({"name": name, "outputs": "actions"}).search(environment(), 8, 0)
    assert len(result.evaluations) == 8
    assert type(result.policy).__name__ == ("TabularPolicy" if name == "q-learning" else "NeuralPolicy")


@pytest.mark.parametrize("name", WALKS)
def test_a_saved_policy_has_the_scores_of_the_agent_in_every_state_of_a_small_space(name, tmp_path):
    from nas_gym.traces import State, load_policy

    env = environment(relu_layers)
    space = env.unwrapped.search_space
    result = make_agent({"name": name} | QUICK[name]).search(env, 6, 0)
    masks = np.array([space.mask(each) for each in space])
    states = [State(each) for each in space]
    result.policy.save(tmp_path / "policy.npz")
    read = load_policy(tmp_path / "policy.npz", space)
    assert read.kind == result.policy.kind
    scores = result.policy.scores(states, masks)
    assert np.allclose(read.scores(states, masks)[masks], scores[masks])
    assert np.ptp(scores[masks]) > 0


def test_an_environment_of_several_objectives_is_refused_in_one_sentence():
    env = gym.make("NASMultiObjective-v0", evaluator={"name": "table", "benchmark": "mlp"}, task="mnist1d")
    with pytest.raises(NASGymError, match="learns from one reward"):
        make_agent("q-learning").search(env, 5, 0)
