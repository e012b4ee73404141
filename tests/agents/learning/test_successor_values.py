"""The model of edited networks' values: what it learns, n-step returns, planning that evaluates nothing."""

from __future__ import annotations

import numpy as np
import pytest
from nas_agents import QLearning
from nas_agents.learning.experience import Experience
from nas_agents.learning.states import NONE, States
from nas_agents.learning.successor_values import SuccessorValues

from tests.helpers.environments import environment, relu_layers, scattered

GAMMA = 0.5


class OneColumnEach(States):
    """Features that tell every network from all others, so that a linear model is a table."""

    def __init__(self, space):
        super().__init__(space)
        self.width, self.scales = space.size, np.full(space.size, 30.0)

    def columns(self, numbers):
        return numbers[:, None]


def values_of(states, rng=None, **options):
    experience = Experience(states, normalise=False, rng=np.random.default_rng(0))
    settings = {"gamma": GAMMA, "n_steps": 1, "planning": 0, "novelty": 0.0} | options
    return experience, SuccessorValues(experience, **settings, rng=np.random.default_rng(1))


def optimal_values(space, reward, gamma):
    """W* of the continuing process by value iteration: the reward of a network and what follows it."""
    states = list(space)
    number = {state: position for position, state in enumerate(states)}
    after = [[number[each] for each in (state, *space.neighbours(state))] for state in states]
    rewards = np.array([reward(state, 0) for state in states])
    found = rewards.copy()
    for _ in range(200):
        found = rewards + gamma * np.array([found[edits].max() for edits in after])
    return found


def test_the_shared_model_learns_the_values_of_a_table_where_features_tell_all_networks_apart():
    space = environment().unwrapped.search_space
    states = OneColumnEach(space)
    experience, values = values_of(states)
    for architecture in space:
        number, reward = states.of(architecture), scattered(architecture, 0)
        experience.tell(number, reward)
        values.learn([number], [reward], terminal=False)
    for _ in range(8):
        values._mean_of = -1  # asks for further iterations
        found = values.mean_values(np.arange(space.size))
    assert np.abs(found - optimal_values(space, scattered, GAMMA)).max() < 0.01


def test_what_one_network_earned_tells_of_networks_that_share_choices_with_it():
    space = environment().unwrapped.search_space
    states = States(space)
    experience, values = values_of(states, gamma=0.0)
    kept = [each for number, each in enumerate(space) if number % 3]
    for architecture in kept:
        reward = relu_layers(architecture, 0)
        experience.tell(states.of(architecture), reward)
        values.learn([states.of(architecture)], [reward], terminal=False)
    left = [each for each in space if each not in kept]
    found = values.mean_values(np.array([states.of(each) for each in left]))
    true = [relu_layers(each, 0) for each in left]
    assert np.corrcoef(found, true)[0, 1] > 0.9


def test_the_target_of_a_walk_is_its_rewards_and_the_best_value_after_them():
    space = environment().unwrapped.search_space
    states = OneColumnEach(space)
    experience, values = values_of(states, n_steps=2)
    one, two = states.of(space.architecture(3)), states.of(space.architecture(5))
    experience.tell(one, 0.2), experience.tell(two, 0.6)
    values.learn([one, two], [0.2, 0.6], terminal=False)
    weights = np.zeros(states.width)
    _, after = states.after(two)
    weights[after[1]] = 0.8
    target = values._targets(weights, None, 0.0)
    assert target == pytest.approx([0.2 + GAMMA * 0.6 + GAMMA**2 * 0.8])
    values.learn([one], [0.2], terminal=True)
    assert values._targets(weights, None, 0.0) == pytest.approx([0.2])


def test_edits_to_evaluated_networks_cost_their_lack_of_novelty():
    space = environment().unwrapped.search_space
    experience, values = values_of(States(space), novelty=2.0)
    before = values.values(np.array([1, 2]))
    experience.tell(1, 0.0)
    assert values.values(np.array([1, 2])) - before == pytest.approx([-2.0, 0.0])


def test_planning_evaluates_nothing_and_learns_of_networks_no_step_has_shown():
    env = environment(relu_layers)
    space = env.unwrapped.search_space
    states = States(space)
    experience, values = values_of(states, planning=12)
    start = states.of(space.smallest())
    experience.tell(start, 0.3)
    values.learn([start], [0.3], terminal=False)
    values.refit()
    assert len(values._model.rows) > 1
    assert len(experience) == 1
    assert env.unwrapped.stats.evaluations == 0


@pytest.mark.parametrize("name", ["n_steps", "planning"])
def test_planning_and_long_returns_spend_no_more_than_the_budget(name):
    found = QLearning(**{name: 5}).search(environment(), 8, 0)
    assert len(found.evaluations) == 8
    assert found == QLearning(**{name: 5}).search(environment(), 8, 0)


def test_padding_marks_illegal_edits():
    space = environment().unwrapped.search_space
    states = States(space)
    start = states.of(space.smallest())
    padded = states.padded_after([start])[0]
    assert (padded != NONE).tolist() == space.mask(space.smallest()).tolist()
    assert padded[0] == start
