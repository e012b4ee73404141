"""The cadence of a run: when it takes snapshots, and how often it shows what need not be shown every time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nas_gym.envs import Ledger
from nas_gym.errors import ConfigError

FRACTIONS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
FIRST_WITHOUT_BUDGET = 10


class Snapshots:
    """Due once at each fraction of the budget; without a budget at 0, 10, 20, 40, ... evaluations.

    Args:
        fractions: shares of the budget, in [0, 1].

    Raises:
        NASGymError: if a fraction is outside [0, 1].
    """

    def __init__(self, fractions: Sequence[float] = FRACTIONS) -> None:
        for fraction in fractions:
            if not 0 <= fraction <= 1:
                raise ConfigError(f"snapshots must be fractions of the budget from 0 to 1, not {fraction!r}")
        self._ahead = sorted(fractions)
        self._next_count = 0

    def due(self, ledger: Ledger) -> bool:
        """Return whether a snapshot is due now; it then counts as taken."""
        if ledger.budget is None:
            return self._due_without_budget(ledger.stats.unique)
        passed = [fraction for fraction in self._ahead if fraction <= ledger.progress]
        self._ahead = self._ahead[len(passed) :]
        return bool(passed)

    def _due_without_budget(self, unique: int) -> bool:
        if not self._ahead or unique < self._next_count:
            return False
        while self._next_count <= unique:
            self._next_count = max(FIRST_WITHOUT_BUDGET, 2 * self._next_count)
        return True


class Cadence:
    """Due at each of the first calls, then ever more rarely, so that a long run stays small.

    Args:
        every: calls that all are due; afterwards the distance grows with the number of calls.
    """

    def __init__(self, every: int = 50) -> None:
        self._every, self._calls, self._next = every, 0, 1

    def due(self) -> bool:
        """Count a call, and return whether it is due."""
        self._calls += 1
        if self._calls < self._next:
            return False
        self._next = self._calls + max(1, math.ceil(self._calls / self._every) - 1)
        return True
