"""What a run may ask for, and where its budget ends it."""

from __future__ import annotations

import pytest

from nas_gym import NASGymError
from nas_gym.envs import BudgetExhausted
from tests.fakes import action, fake_env


def test_the_budget_stops_the_request_that_would_exceed_it():
    env = fake_env()
    env.unwrapped.start_run(2)
    env.reset(seed=0)
    env.step(0)
    env.step(action(env, "add relu-64 after layer 1"))
    with pytest.raises(BudgetExhausted, match="budget"):
        env.step(action(env, "add relu-64 after layer 1"))
    assert str(env.unwrapped.architecture) == "relu-64 > relu-64"
    assert [evaluation.architecture for evaluation in env.unwrapped.ledger.history] == [
        "relu-64",
        "relu-64 > relu-64",
    ]


def test_an_agent_that_only_revisits_is_stopped_at_fifty_steps_a_request():
    env = fake_env(horizon=1000)
    env.unwrapped.start_run(2)
    env.reset(seed=0)
    for _ in range(100):
        env.step(0)
    with pytest.raises(BudgetExhausted) as raised:
        env.step(0)
    assert raised.value.reason == "max_steps"


def test_a_batch_that_crosses_the_budget_is_trimmed():
    env = fake_env()
    env.unwrapped.start_run(3)
    with pytest.raises(BudgetExhausted):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    assert env.unwrapped.stats.unique == 3
    assert env.unwrapped.ledger.remaining == 0


def test_a_budget_in_seconds_limits_the_recorded_cost():
    env = fake_env()
    env.unwrapped.start_run({"seconds": 4.5})
    with pytest.raises(BudgetExhausted):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    assert env.unwrapped.stats.cost == 4.0


def test_a_repeat_costs_nothing():
    env = fake_env()
    env.unwrapped.start_run(1)
    assert env.unwrapped.evaluate("relu-64") == env.unwrapped.evaluate(["relu-64", "relu-64"])[1]
    assert env.unwrapped.stats.evaluations == 3
    assert env.unwrapped.stats.unique == 1


@pytest.mark.parametrize("budget", [0, -1, 1.5, True, "many", {"seconds": 0}, {"minutes": 3}])
def test_a_budget_that_is_none_gives_one_sentence(budget):
    with pytest.raises(NASGymError, match="budget must be a whole number of evaluations"):
        fake_env().unwrapped.start_run(budget)
