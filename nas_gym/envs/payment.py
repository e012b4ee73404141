"""Paying for steps: what the account counts, what is evaluated, and the reward it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nas_gym.envs.ledger import Ledger
from nas_gym.envs.rewards import Reward
from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import Architecture


class Move(NamedTuple):
    """A step of one environment: the architecture before and after it, whether the episode ends."""

    before: Architecture
    after: Architecture
    done: bool


class Payment(NamedTuple):
    """Accuracy after the step (0.0 where nothing was evaluated), reward, error of a failed training."""

    accuracy: float
    reward: float
    error: str


def pay(ledger: Ledger, reward: Reward, moves: Sequence[Move]) -> list[Payment]:
    """Pay for steps that environments make at once, in one request to the evaluator.

    A run ends at the same request as if the steps were made one after another, in order; `stats`
    counts those, too, that were asked for together with the one that ends it.

    Raises:
        BudgetExhausted: if the run's budget or `max_steps` does not reach for all steps; the
            requests before the one that it does not reach for are made and in `ledger.history`.
    """
    return [
        _payment(reward, move, evaluations)
        for move, evaluations in zip(moves, _ask(ledger, [_asked(reward, m) for m in moves]), strict=True)
    ]


def _asked(reward: Reward, move: Move) -> list[Architecture]:
    if reward.episodic and not move.done:
        return []
    return [move.before, move.after] if reward.needs_before else [move.after]


def _payment(reward: Reward, move: Move, evaluations: Sequence[Evaluation]) -> Payment:
    if not evaluations:
        return Payment(0.0, float(reward(0.0, 0.0, move.done)), "")
    before = evaluations[0].accuracy if reward.needs_before else 0.0
    after = evaluations[-1]
    return Payment(after.accuracy, float(reward(before, after.accuracy, move.done)), after.error)


def _ask(ledger: Ledger, asked: Sequence[list[Architecture]]) -> list[list[Evaluation]]:
    """The evaluations that each step asks for."""
    if isinstance(ledger.budget, dict):
        # Every request moves the limits of a budget in seconds, so the steps go one at a time.
        return [_ask_within(ledger, [one])[0] for one in asked]
    return _ask_within(ledger, asked)


def _ask_within(ledger: Ledger, asked: Sequence[list[Architecture]]) -> list[list[Evaluation]]:
    left = len(asked) if ledger.max_steps is None else max(0, ledger.max_steps - ledger.stats.steps)
    within = asked[:left]
    ledger.count_steps(len(within))
    found = iter(ledger.evaluate([architecture for one in within for architecture in one]))
    if len(within) < len(asked):
        ledger.count_steps(len(asked) - len(within))
    return [[next(found) for _ in one] for one in asked]
