"""The random and the greedy walk: what they step by, and that the greedy one undoes what made it worse."""

from __future__ import annotations

from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import GreedyWalk, RandomWalk
from nas_agents.random_walk import uniform_edit

from nas_gym.search_spaces import KEEP
from tests.helpers.environments import environment, relu_layers, scattered
from tests.helpers.fakes import SMALL

LARGER = {"name": "mlp", "max_layers": 3}


class Steps(gym.Wrapper):
    """Keeps the architecture before and after each step, the edit and the score."""

    def reset(self, **options):
        observation, info = super().reset(**options)
        self.here = info["architecture"]
        self.episodes = [*getattr(self, "episodes", []), []]
        return observation, info

    def step(self, action):
        *rest, info = super().step(action)
        self.episodes[-1].append((self.here, info["edit"], info["architecture"], info["score"]))
        self.here = info["architecture"]
        return *rest, info


def walked(agent, score=scattered, budget=60, seed=0, space=LARGER, **options):
    env = Steps(environment(score, space, **options))
    return agent.search(env, budget, seed), env.episodes


def test_a_random_walk_never_keeps_and_starts_where_the_environment_does():
    _, episodes = walked(RandomWalk(), horizon=7)
    assert len(episodes) > 5
    assert all(len(episode) == 7 for episode in episodes[:-1])
    assert {episode[0][0] for episode in episodes if episode} == {"relu-16"}
    assert str(KEEP) not in {edit for episode in episodes for _, edit, _, _ in episode}


def test_a_random_walk_does_not_look_at_its_rewards():
    def turned(architecture, seed):
        return 1 - scattered(architecture, seed)

    first, second = (walked(RandomWalk(), score)[1] for score in (scattered, turned))
    assert [[step[:3] for step in episode] for episode in first] == [
        [step[:3] for step in episode] for episode in second
    ]


def test_where_nothing_else_is_legal_keep_is_taken():
    rng = np.random.default_rng(0)
    assert uniform_edit(np.array([1, 0, 0], dtype=np.int8), rng) == 0
    assert {uniform_edit(np.array([1, 0, 1, 1], dtype=np.int8), rng) for _ in range(30)} == {2, 3}


@pytest.mark.parametrize("seed", range(5))
def test_a_greedy_walk_undoes_what_made_it_worse_and_nothing_else(seed):
    _, episodes = walked(GreedyWalk(), seed=seed, horizon=9)
    undone = kept = 0
    for episode in episodes:
        value, back = 0.0, None
        for before, _, after, score in episode:
            if back is not None:
                assert after == back
                back, undone = None, undone + 1
            elif score < value:
                back = before
            else:
                value, kept = score, kept + 1
    assert undone > 10
    assert kept > 10


def test_an_undo_costs_a_step_and_no_evaluation():
    result, episodes = walked(GreedyWalk(), budget=40)
    steps = sum(map(len, episodes))
    assert len(result.evaluations) == 40
    assert result.steps >= steps > 60


def test_a_walk_that_cannot_go_back_by_one_edit_goes_on():
    def worse_and_worse(architecture, seed):
        calls.append(architecture)
        return 1.0 / len(calls)

    calls = []
    env = Steps(environment(worse_and_worse, "conv", horizon=30, initial="random"))
    result = GreedyWalk().search(env, 200, 0)
    space = env.unwrapped.search_space
    stuck = 0
    for episode in env.episodes:
        for (before, _, after, _), (_, _, following, _) in pairwise(episode):
            way = space.neighbours(space.parse(after)).get(space.parse(before))
            stuck += way is None and following != before
    assert len(result.evaluations) == 200
    assert stuck > 0


def test_the_greedy_walk_is_ahead_of_the_random_one_where_edits_add_up():
    def mean_best(agent):
        return np.mean([walked(agent, relu_layers, 30, seed, "mlp")[0].score for seed in range(8)])

    assert mean_best(GreedyWalk()) > mean_best(RandomWalk()) + 0.02


@pytest.mark.parametrize("agent", [RandomWalk(), GreedyWalk()], ids=lambda agent: agent.name)
def test_a_failed_network_is_walked_over(agent):
    def half_fail(architecture, seed):
        return float("nan") if "sigmoid" in str(architecture) else scattered(architecture, seed)

    result, _ = walked(agent, half_fail, 12, space=SMALL)
    assert "sigmoid" not in result.architecture
