"""The environment: states, edits, rewards, observations, and the account of a run."""

from nas_gym.envs.rewards import REWARDS, Reward
from nas_gym.envs.run.ledger import Budget, BudgetExhausted, Ledger, Stats

__all__ = ["REWARDS", "Budget", "BudgetExhausted", "Ledger", "Reward", "Stats"]
