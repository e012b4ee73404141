"""Q-learning to convergence on whole tables, against value iteration."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from nas_agents.q_learning import QTable, Transition, updated
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import spsolve

from nas_gym.envs import make_reward
from nas_gym.tables import load_table, table_files
from tests.helpers.data.tables import fake_table

GAMMA, ALPHA = 0.9, 1.0
CONVERGED = 1e-9


class Pairs(NamedTuple):
    """Every legal (state, action) of a table, in order of the states; each state has keep, so at least one.

    Attributes:
        states: state of each pair; `first` are the positions of the first pair of each state.
        actions: action of each pair.
        after: state that it leads to.
        rewards: improvement that it pays.
    """

    states: np.ndarray
    first: np.ndarray
    actions: np.ndarray
    after: np.ndarray
    rewards: np.ndarray


def pairs_of(table) -> Pairs:
    space, scores = table.search_space, table.mean_score()
    reward, found = make_reward("improvement"), []
    for state in range(space.size):
        architecture = space.architecture(state)
        for action in np.flatnonzero(space.mask(architecture)):
            after = space.index(space.apply(architecture, int(action)))
            found.append((state, action, after, reward(scores[state], scores[after], False)))
    states, actions, after, rewards = (np.array(column) for column in zip(*found, strict=True))
    first = np.searchsorted(states, np.arange(space.size))
    return Pairs(states.astype(int), first, actions.astype(int), after.astype(int), rewards)


def q_learning(pairs: Pairs) -> np.ndarray:
    """Q of every pair after sweeps of the agent's update over all pairs, until no update changes much."""
    q = np.zeros(len(pairs.rewards))
    while True:
        future = np.maximum.reduceat(q, pairs.first)[pairs.after]
        before, q = q, updated(q, pairs.rewards, future, ALPHA, GAMMA)
        if np.abs(q - before).max() < CONVERGED:
            return q


def value_iteration(pairs: Pairs) -> np.ndarray:
    """V* of every state by Bellman's optimality equation, from above."""
    v = np.full(len(pairs.first), 1 / (1 - GAMMA))
    for _ in range(400):
        v = np.maximum.reduceat(pairs.rewards + GAMMA * v[pairs.after], pairs.first)
    return v


def value_of_greedy(pairs: Pairs, q: np.ndarray) -> np.ndarray:
    """V of the greedy policy of Q: the solution of V = r + gamma P V."""
    size = len(pairs.first)
    best = np.flatnonzero(q == np.maximum.reduceat(q, pairs.first)[pairs.states])
    chosen = best[np.searchsorted(pairs.states[best], np.arange(size))]
    leads = csr_array((np.ones(size), (np.arange(size), pairs.after[chosen])), shape=(size, size))
    return spsolve((eye_array(size) - GAMMA * leads).tocsc(), pairs.rewards[chosen])


def largest_update(table, pairs: Pairs, q: np.ndarray) -> float:
    """The largest change in a sweep of the agent's own table, one pair at a time."""
    space = table.search_space
    actions, names = len(space.actions), [str(architecture) for architecture in space]
    agent = QTable(ALPHA, GAMMA, actions)
    matrix = np.zeros((space.size, actions))
    matrix[pairs.states, pairs.actions] = q
    agent.values = dict(zip(names, matrix, strict=True))
    legal = np.split(pairs.actions, pairs.first[1:])
    for s, a, r, after in zip(pairs.states, pairs.actions, pairs.rewards, pairs.after, strict=True):
        agent.update(Transition(names[s], a, r, names[after], legal[after]))
    return float(np.abs(matrix[pairs.states, pairs.actions] - q).max())


def shipped(task: str):
    if f"mlp-{task}" not in table_files():
        pytest.skip(f"the table mlp-{task} is not there: build it by nas-gym benchmark build")
    return load_table("mlp", task)


@pytest.mark.parametrize("task", [None, "mnist1d"], ids=lambda task: task or "random numbers")
def test_q_learning_converges_to_the_optimal_policy_in_every_state_of_a_table(task):
    table = fake_table("mlp") if task is None else shipped(task)
    assert table.size == 4680
    pairs = pairs_of(table)
    q = q_learning(pairs)
    assert largest_update(table, pairs, q) < CONVERGED
    optimal = value_iteration(pairs)
    assert np.abs(value_of_greedy(pairs, q) - optimal).max() < 1e-6
    # It is worth something to improve, and nothing where the network is the best there is.
    assert optimal.max() > 0.1
    assert optimal[table.mean_score().argmax()] == pytest.approx(0, abs=1e-6)
