"""A step is paid by one rule: the short cut of a single step is a batch of one."""

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.envs import BudgetExhausted
from nas_gym.evaluators import TableEvaluator
from tests.helpers.data.tables import fake_table

BUDGETS = [None, 1, 9, {"seconds": 90.0}]


def by_batches_of_one(env):
    """Have an environment pay its steps without the short cut."""
    ledger = env.unwrapped._ledger
    ledger.pay_one = lambda reward, before, after, done, rng: ledger.pay(
        reward, np.array([before]), np.array([after]), np.array([done]), [rng]
    ).one()
    return env


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
@pytest.mark.parametrize("seeds", ["mean", "random"])
def test_the_short_cut_pays_what_a_batch_of_one_does(seeds, reward, budget):
    def walked(prepare):
        evaluator = TableEvaluator(fake_table(), seeds=seeds)
        env = gym.make("NAS-v0", evaluator=evaluator, reward=reward, horizon=7)
        env.unwrapped.start_run(budget)
        prepare(env)
        rng, seen = np.random.default_rng(0), []
        _, info = env.reset(seed=3)
        try:
            for _ in range(500):
                action = rng.choice(np.flatnonzero(info["action_mask"]))
                _, paid, terminated, truncated, info = env.step(action)
                seen.append(
                    [paid, type(paid), terminated, truncated, *list(info.values())[:-2], info.get("seed")]
                )
                if terminated or truncated:
                    _, info = env.reset()
        except BudgetExhausted as exhausted:
            seen.append(exhausted.reason)
        stats = env.unwrapped.stats.as_dict()
        stats.pop("seconds")
        return seen, stats, env.unwrapped.ledger.history, env.unwrapped.ledger.charges

    assert walked(lambda env: env) == walked(by_batches_of_one)
