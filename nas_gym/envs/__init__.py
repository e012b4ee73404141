"""The environment: states, edits, rewards, observations, and the account of a run."""

from nas_gym.envs.ledger import Budget, BudgetExhausted, Ledger, Stats
from nas_gym.envs.rewards import REWARDS, Reward

__all__ = ["REWARDS", "Budget", "BudgetExhausted", "Ledger", "Reward", "Stats"]
