"""The charges of the requests of a run, and how far its budget reaches."""

from __future__ import annotations

import numpy as np

from nas_gym._clock import Clock
from nas_gym.envs.run.budget import Budget, BudgetExhausted, limits_of
from nas_gym.evaluators import Evaluation, Evaluator
from nas_gym.search_spaces import Architecture

# A distinct request: an architecture, the seed drawn for it or None for all, and a fidelity.
Key = tuple[Architecture, int | None, int | None]


ROUNDING = 1e-6
"""Epochs that a budget is exceeded by without a word."""


class Charges:
    """The charges of a run's distinct requests, in order of first request, by the rule told at `Ledger`.

    Args:
        evaluator: evaluator of the run.
        budget: budget of the run, checked; None for none.

    Attributes:
        seconds: the seconds charged for each request.
        shares: the share of an evaluation charged for each request: in [0, 1], and what `advance` charged.
        cost: the seconds charged so far, added up.
        clock: the time since the run began, with its limit.
    """

    def __init__(self, evaluator: Evaluator, budget: Budget | None) -> None:
        self._evaluator, self._limits = evaluator, limits_of(budget)
        self.clock = Clock(self._limits.minutes)
        self.seconds: list[float] = []
        self.shares: list[float] = []
        self.cost = 0.0
        self._paid: dict[tuple[Architecture, tuple[int, ...]], float] = {}
        # Whole numbers of epochs, so that shares add up without rounding.
        self._full = (evaluator.fidelities() or (1,))[-1]
        self._epochs: dict[tuple[Architecture, int | None], int] = {}
        self._spent = 0
        self._advanced = 0.0
        self._pending = (0.0, 0.0)

    @property
    def spent(self) -> float:
        """The shares of an evaluation charged so far, added up; what an integer budget limits."""
        return self._spent / self._full + self._advanced

    @property
    def progress(self) -> float:
        """The part of the budget that is spent, of the limit that is nearest; 0 without a budget.

        The clock counts only where there is no other limit: what an agent does then does not depend on it,
        and a run that the clock ends is the beginning of the run without that limit.
        """
        limits, parts = self._limits, list[float]()
        if limits.evaluations is not None:
            parts.append(self.spent / limits.evaluations)
        if limits.seconds is not None:
            parts.append(self.cost / limits.seconds)
        return max(parts, default=self.clock.share)

    @property
    def batch(self) -> int | None:
        """The most requests to make at once, so that the run ends near its limit; None for no limit.

        Costs are known only afterwards, so a budget in seconds goes one request at a time.
        """
        if self._limits.seconds is not None:
            return 1
        return self.clock.batch

    @property
    def remaining(self) -> int | None:
        """Evaluations by the full recipe left; None where they are not limited."""
        if self._limits.evaluations is None:
            return None
        return int(self._left // self._full)

    @property
    def _left(self) -> float:
        """Epochs left of a limit on evaluations."""
        assert self._limits.evaluations is not None
        advanced = self._advanced * self._full
        left = self._limits.evaluations * self._full - self._spent - advanced
        # Shares that were advanced add up with rounding.
        return left + ROUNDING if advanced else left

    def affordable(self, fresh: list[Key]) -> list[Key]:
        """Return those of the first requests that a limit on evaluations reaches for; all without one."""
        if self._limits.evaluations is None:
            return fresh
        left = self._left
        for count, key in enumerate(fresh):
            left -= self._epochs_of(key)
            if left < 0:
                return fresh[:count]
        return fresh

    def advance(self, share: float, seconds: float) -> None:
        """Charge arithmetic that is no evaluation; it counts as part of the next one that is charged.

        Args:
            share: how much, in evaluations by the full recipe.
            seconds: how long it took.
        """
        self._advanced += share
        self.cost += seconds
        self._pending = self._pending[0] + share, self._pending[1] + seconds

    def charge(self, key: Key, evaluation: Evaluation) -> None:
        """Charge a first request.

        Raises:
            BudgetExhausted: if it costs more than is left of a budget in seconds; it is then not charged.
        """
        training = key[0], evaluation.seeds
        paid = self._paid.get(training, 0.0) if self._evaluator.resumable else 0.0
        charge = max(0.0, evaluation.seconds - paid)
        cost = self.cost + charge
        if self._limits.seconds is not None and cost > self._limits.seconds:
            raise BudgetExhausted("budget")
        epochs = self._epochs_of(key)
        self._epochs[key[:2]] = max(self._epochs.get(key[:2], 0), key[2] or self._full)
        self._spent += epochs
        self._paid[training] = max(paid, evaluation.seconds)
        (share, seconds), self._pending = self._pending, (0.0, 0.0)
        self.shares.append(epochs / self._full + share)
        self.seconds.append(charge + seconds)
        self.cost = cost

    def _epochs_of(self, key: Key) -> int:
        """Return the epochs that a first request is charged."""
        architecture, seed, fidelity = key
        # What is no number of epochs the evaluator refuses.
        epochs = int(fidelity) if isinstance(fidelity, int | np.integer) else self._full
        paid = self._epochs.get((architecture, seed), 0) if self._evaluator.resumable else 0
        return max(0, epochs - paid)
