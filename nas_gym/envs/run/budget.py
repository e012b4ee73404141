"""The budget of a run, the exception that ends it, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from nas_gym._checks import number, whole
from nas_gym.errors import ConfigError

Budget = int | dict[str, float]


class BudgetExhausted(Exception):  # noqa: N818 - it ends a search and is not an error
    """The run's budget is spent; raised by the request or step that would exceed it.

    Attributes:
        reason: ``"budget"``, or ``"max_steps"`` for an agent that only revisits.
    """

    def __init__(self, reason: Literal["budget", "max_steps"]) -> None:
        super().__init__(f"the run ended: {reason}")
        self.reason = reason


@dataclass(slots=True)
class Stats:
    """Counts of a run.

    Attributes:
        steps: environment steps, and architectures asked for by `evaluate`.
        evaluations: architectures asked for, repeats included.
        unique: distinct (architecture, seeds, fidelity) asked for; what an integer budget limits where
            there are no fidelities.
        stored: training runs that the store already had.
        cost: recorded seconds charged for the distinct evaluations; what a budget in seconds limits.
        seconds: wall time spent waiting for the evaluator.
    """

    steps: int = 0
    evaluations: int = 0
    unique: int = 0
    stored: int = 0
    cost: float = 0.0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """Return all counts by name."""
        return asdict(self)


def check_budget(budget: Any) -> Budget | None:
    """Return a budget as it is, if it is one.

    Raises:
        NASGymError: if it is neither a whole number of at least 1 nor ``{"seconds": s}`` with s > 0.
    """
    if budget is None:
        return None
    count = whole(budget)
    if count is not None and count >= 1:
        return count
    if isinstance(budget, Mapping) and set(budget) == {"seconds"}:
        seconds = number(budget["seconds"])
        if seconds is not None and 0 < seconds < float("inf"):
            return {"seconds": float(seconds)}
    raise ConfigError(
        "budget must be a whole number of evaluations of at least 1, or {'seconds': s} with s above 0, "
        f"not {budget!r}"
    )
