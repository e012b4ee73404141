"""Searches that go on until most of a space is evaluated: ways out of what is known, and where they end."""

from __future__ import annotations

import numpy as np
import pytest
from nas_agents import make_agent
from nas_agents.agent import Session
from nas_agents.learning.escape import PATIENCE, Escape
from nas_agents.learning.experience import Experience
from nas_agents.learning.states import States
from nas_agents.learning.steps import NumberedSteps

from tests.helpers.environments import environment, relu_layers, scattered

SPACE = {"name": "mlp", "max_layers": 3, "widths": [8, 16], "activations": ["relu", "tanh"]}
WALKS = ("q-learning", "dqn", "ppo")


@pytest.mark.parametrize("reward", ["score", "final"])
@pytest.mark.parametrize("name", [*WALKS, "reinforce"])
def test_a_default_learner_spends_a_budget_of_nine_tenths_of_a_space(name, reward):
    env = environment(scattered, SPACE, reward=reward, horizon=6)
    budget = 9 * env.unwrapped.search_space.size // 10
    result = make_agent(name).search(env, budget, 0)
    assert (result.stopped, len(result.evaluations)) == ("budget", budget)


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_evaluates_all_networks_but_one_and_the_same_by_the_same_seed(name):
    def found():
        env = environment(scattered, SPACE, horizon=6)
        return make_agent(name).search(env, env.unwrapped.search_space.size - 1, 1)

    result = found()
    assert result.stopped == "budget"
    assert found() == result


def walk(horizon=20, **kwargs):
    """Numbered steps of a search under way."""
    env = environment(relu_layers, SPACE, horizon=horizon, **kwargs)
    env.unwrapped.start_run(200)
    session = Session(env, 0)
    experience = Experience(States(session.search_space), True, session.rng)
    return NumberedSteps(session, experience, None, 3.0)


def test_an_episode_with_nothing_new_is_cut_and_the_next_begins_at_a_new_network():
    steps = walk()
    steps.reset(seed=0)
    # The first step evaluates the start state, as `keep` changes nothing.
    cut = [steps.step(0)[3] for _ in range(1 + PATIENCE)]
    assert cut == [False] * PATIENCE + [True]
    known = dict(steps.experience.rewards)
    steps.reset()
    assert steps.state not in known
    assert steps.met[-1] == (steps.state, steps.experience.rewards[steps.state])
    assert steps.idle == 0
    assert not steps.step(0)[3]
    steps.reset()
    assert steps.met == []


def test_under_a_reward_of_the_last_network_a_way_out_waits_there_to_be_paid():
    steps = walk(reward="final")
    steps.reset(seed=0)
    for _ in range(2):  # of the second episode nothing is new
        ends = [steps.step(0)[2] for _ in range(20)]
        assert ends == [False] * 19 + [True]
        if len(steps.experience) == 1 and not steps.idle:
            steps.reset()
    steps.reset()
    assert len(steps.experience) == 2
    assert steps.steps == 0


def test_a_way_out_is_a_shortest_one_to_the_best_network_by_the_model_next_to_what_is_known():
    steps = walk()
    experience = steps.experience
    states, space = experience.states, steps.unwrapped.search_space
    here = states.of(space.smallest())
    for architecture in list(space)[:40]:
        experience.tell(states.of(architecture), relu_layers(architecture, 0))
    escape = Escape(experience, np.random.default_rng(0))
    way = escape.way(here, 20)
    goal = states.graph.architecture(way[-1])
    assert way[-1] not in experience
    assert len(way) == len(space.shortest_path(space.smallest(), goal))
    assert any(states.of(each) in experience for each in space.neighbours(goal))
    assert escape.way(here, 0) == []
    for a, b in zip([here, *way], way, strict=False):
        assert states.graph.follow(a, escape.edit(a, b))[0] == b


def test_where_everything_is_evaluated_there_is_no_way_and_edits_are_uniform_and_legal():
    steps = walk()
    states, space = steps.experience.states, steps.unwrapped.search_space
    for architecture in space:
        steps.experience.tell(states.of(architecture), 0.5)
    escape, here = Escape(steps.experience, np.random.default_rng(0)), states.of(space.smallest())
    assert escape.way(here, 20) == []
    legal = set(np.flatnonzero(states.graph.masks[here]).tolist())
    assert {escape.aimless(here) for _ in range(200)} == legal - {0}
