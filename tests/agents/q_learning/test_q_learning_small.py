"""Q-learning against exhaustive training: 14 architectures, 5 training seeds averaged, 20 agent seeds."""

from __future__ import annotations

import numpy as np
import pytest

from examples.q_learning_small import AGENT, BUDGET, greedy_path, main, make_env, near_best, train_all

AGENT_SEEDS = 20


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return str(tmp_path_factory.mktemp("store") / "small.db")


@pytest.fixture(scope="module")
def env(store):
    return make_env(store)


@pytest.fixture(scope="module")
def scores(env):
    return train_all(env)


def test_the_set_within_one_standard_error_is_a_small_part_of_the_space(scores):
    best = near_best(scores)
    assert len(scores) == 14
    assert max(scores, key=lambda architecture: scores[architecture].mean()) in best
    assert len(best) <= 7


def test_a_reward_is_the_mean_over_the_training_seeds(env, scores):
    env.unwrapped.start_run(None)
    architecture = env.unwrapped.search_space.smallest()
    expected = float(np.mean(scores[architecture]))
    assert env.unwrapped.evaluate(architecture).score == pytest.approx(expected, abs=1e-12)


def test_the_greedy_policy_reaches_that_set_from_every_start_state(env, scores):
    best = near_best(scores)
    reached = []
    for seed in range(AGENT_SEEDS):
        policy = AGENT.search(env, BUDGET, seed).policy
        ends = {greedy_path(env, policy, start)[-1][1] for start in scores}
        reached.append(ends <= best)
    assert np.mean(reached) >= 0.95


def test_the_example_shows_the_table_the_policy_and_the_set(store, scores, capsys):
    main(store)
    shown = capsys.readouterr().out
    starred = [line for line in shown.splitlines() if line.startswith("  *")]
    assert "Q-table" in shown
    # The set itself, and the fourteen start states that reach it.
    assert len(starred) == len(near_best(scores)) + 14
