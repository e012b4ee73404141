"""Tabular Q-learning: its update, its schedules, and what it converges to."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from nas_agents import QLearning
from nas_agents.q_learning import QTable, Transition

from tests.helpers.environments import environment, relu_layers, scattered

LEGAL = np.array([0, 2])


def greedy_end(env, table, start, steps):
    """Where the greedy policy of a table leads within some steps."""
    space, architecture = env.unwrapped.search_space, start
    for _ in range(steps):
        q = np.where(space.mask(architecture), table[str(architecture)], -np.inf)
        architecture = space.apply(architecture, int(q.argmax()))
    return architecture


def optimal_q(space, score, gamma):
    """Q* of the continuing process by value iteration over all states and legal actions."""
    states = list(space)
    number = {state: position for position, state in enumerate(states)}
    masks = np.array([space.mask(state) for state in states])
    after = np.array([[number[space.apply(state, a)] for a in range(len(space.actions))] for state in states])
    reward = np.array([score(state, 0) for state in states])[after]
    q = np.zeros_like(reward)
    for _ in range(400):
        q = reward + gamma * np.where(masks, q, -np.inf).max(axis=1)[after]
    return states, masks, q


def test_an_update_is_the_one_of_the_formula():
    q = QTable(alpha=0.5, gamma=0.9, actions=3)
    q.values["t"] = np.array([1.0, 100.0, 3.0])
    q.values["s"] = np.array([0.0, 2.0, 0.0])
    q.update(Transition("s", 1, 0.7, "t", LEGAL))
    # 2 + 0.5 * (0.7 + 0.9 * 3 - 2): action 1 of t is illegal, so its 100 counts for nothing.
    assert q.values["s"].tolist() == pytest.approx([0.0, 2.7, 0.0])


def test_termination_does_not_bootstrap():
    q = QTable(alpha=0.5, gamma=0.9, actions=3)
    q.values["s"] = np.array([0.0, 2.0, 0.0])
    q.update(Transition("s", 1, 0.7, None, LEGAL))
    assert q.values["s"][1] == pytest.approx(2 + 0.5 * (0.7 - 2))


def test_greedy_takes_the_best_legal_action_and_breaks_ties_uniformly():
    q, rng = QTable(alpha=0.5, gamma=0.9, actions=4), np.random.default_rng(0)
    q.values["s"] = np.array([1.0, 9.0, 1.0, 0.0])
    taken = Counter(q.greedy("s", np.array([0, 2, 3]), rng) for _ in range(2000))
    assert set(taken) == {0, 2}
    assert abs(taken[0] - 1000) < 150


def test_an_episode_that_is_cut_off_bootstraps_and_one_that_ends_does_not():
    def constant(architecture, seed):
        return 0.5

    cut, ends = QLearning(outputs="actions", alpha=1.0), QLearning(outputs="actions", alpha=1.0)
    cut.search(environment(constant, horizon=1), budget=14, seed=0)
    ends.search(environment(constant, horizon=1, reward="final"), budget=14, seed=0)
    highest = max(values.max() for values in cut.q_table.values())
    assert highest > 1
    assert highest <= 0.5 / (1 - 0.9)
    assert max(values.max() for values in ends.q_table.values()) == 0.5


def test_an_episodic_reward_has_states_with_a_clock():
    agent = QLearning(outputs="actions")
    agent.search(environment(reward="final", horizon=3), budget=4, seed=0)
    assert "relu-64 @ 3" in agent.q_table
    assert all(int(key.rsplit(" @ ", 1)[1]) in range(4) for key in agent.q_table)


@pytest.mark.parametrize("replay", [0, 5])
def test_it_converges_to_the_optimal_values(replay):
    env = environment(scattered, initial="random")
    agent = QLearning(outputs="actions", alpha=1.0, replay=replay, epsilon_end=0.5)
    # Steps enough for any seed: the 14 networks are soon known, and 50 steps an evaluation are made.
    agent.search(env, budget=400, seed=0)
    states, masks, q = optimal_q(env.unwrapped.search_space, scattered, gamma=0.9)
    learned = np.array([agent.q_table[str(state)] for state in states])
    assert np.abs(learned - q)[masks].max() < 0.02


@pytest.mark.parametrize("score", [scattered, relu_layers])
def test_its_greedy_policy_leads_to_the_optimum_from_everywhere(score):
    env = environment(score)
    agent = QLearning(outputs="actions", replay=20)
    agent.search(env, budget=40, seed=0)
    states, _, q = optimal_q(env.unwrapped.search_space, score, gamma=0.9)
    optimal = {str(state): values for state, values in zip(states, q, strict=True)}
    for start in states:
        assert greedy_end(env, agent.q_table, start, 20) == greedy_end(env, optimal, start, 20)


def test_replay_brings_the_values_closer_to_the_optimal_ones():
    def error(replay):
        env = environment(scattered)
        agent = QLearning(outputs="actions", replay=replay, epsilon_end=1.0)
        agent.search(env, budget=14, seed=3)
        states, masks, q = optimal_q(env.unwrapped.search_space, scattered, gamma=0.9)
        rows = [agent.q_table.get(str(state), np.zeros(q.shape[1])) for state in states]
        return np.abs(np.array(rows) - q)[masks].mean()

    assert error(replay=20) < 0.5 * error(replay=0)


def test_optimistic_values_drive_a_greedy_walk_through_the_whole_space():
    def visited(initial_q):
        agent = QLearning(outputs="actions", epsilon_start=0, epsilon_end=0, initial_q=initial_q)
        return len(agent.search(environment(scattered), budget=14, seed=0).evaluations)

    assert visited(initial_q=12.0) == 14
    assert visited(initial_q=0.0) < 14


def test_the_linear_schedule_goes_from_start_to_end():
    agent = QLearning(outputs="actions", epsilon_start=0.8, epsilon_end=0.2)
    assert [agent.epsilon(progress) for progress in (0, 0.5, 1)] == pytest.approx([0.8, 0.5, 0.2])


def test_the_metaqnn_schedule_has_the_proportions_of_the_paper():
    agent = QLearning(outputs="actions", epsilon_schedule="metaqnn")
    epsilons = Counter(agent.epsilon(model / 2700) for model in range(2700))
    paper = {
        1.0: 1500,
        0.9: 100,
        0.8: 100,
        0.7: 100,
        0.6: 150,
        0.5: 150,
        0.4: 150,
        0.3: 150,
        0.2: 150,
        0.1: 150,
    }
    # One model more or less at each border, since fractions of the budget are floats.
    assert set(epsilons) == set(paper)
    assert all(abs(epsilons[epsilon] - count) <= 1 for epsilon, count in paper.items())
    assert agent.epsilon(1.0) == 0.1


def test_the_schedule_runs_over_distinct_evaluations():
    class Recorded(QLearning):
        name = "recorded"

        def epsilon(self, progress):
            seen.append(progress)
            return super().epsilon(progress)

    seen: list[float] = []
    Recorded(outputs="actions").search(environment(), budget=10, seed=0)
    assert seen[0] == 0
    assert seen == sorted(seen)
    assert {round(progress * 10) for progress in seen} == set(range(11))
