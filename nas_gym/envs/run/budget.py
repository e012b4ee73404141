"""The budget of a run, the exception that ends it, and what is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from nas_gym._checks import number, whole
from nas_gym.errors import ConfigError

Budget = int | dict[str, float]
LIMITS = ("evaluations", "seconds", "minutes")


class BudgetExhausted(Exception):  # noqa: N818 - it ends a search and is not an error
    """The run's budget is spent; raised by the request or step that would exceed it.

    Attributes:
        reason: ``"budget"``, ``"minutes"`` for the limit by the clock, or ``"max_steps"`` for an agent that
            only revisits.
    """

    def __init__(self, reason: Literal["budget", "minutes", "max_steps"]) -> None:
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


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a run, whichever comes first; None for no such limit.

    Attributes:
        evaluations: evaluations by the full recipe.
        seconds: recorded cost, in seconds.
        minutes: time by the clock, in minutes; a run that ends by it cannot be repeated exactly.
    """

    evaluations: int | None = None
    seconds: float | None = None
    minutes: float | None = None

    @property
    def by_clock_alone(self) -> bool:
        """Whether nothing but the clock ends the run."""
        return self.minutes is not None and self.evaluations is None and self.seconds is None


def limits_of(budget: Budget | None) -> Limits:
    """Return the limits of a checked budget."""
    if budget is None or isinstance(budget, int):
        return Limits(budget)
    evaluations = budget.get("evaluations")
    return Limits(
        None if evaluations is None else int(evaluations), budget.get("seconds"), budget.get("minutes")
    )


def check_budget(budget: Any) -> Budget | None:
    """Return a budget in its plainest form, if it is one.

    Raises:
        NASGymError: if it is neither a whole number of at least 1 nor a dict of ``"evaluations"`` (such a
            number), ``"seconds"`` and ``"minutes"`` (numbers above 0), at least one of them.
    """
    if budget is None:
        return None
    count = whole(budget)
    if count is not None and count >= 1:
        return count
    if isinstance(budget, Mapping) and budget and set(budget) <= set(LIMITS):
        found = {name: _limit(name, budget[name]) for name in LIMITS if name in budget}
        checked = {name: limit for name, limit in found.items() if limit is not None}
        if len(checked) == len(budget):
            return checked if set(checked) != {"evaluations"} else int(checked["evaluations"])
    raise ConfigError(
        "budget must be a whole number of evaluations of at least 1, {'seconds': s} of recorded cost or "
        f"{{'minutes': m}} by the clock, each above 0, or a dict of several of them, not {budget!r}"
    )


def budget_words(budget: Budget) -> str:
    """Return a budget as a sentence says it: ``40 evaluations``, ``30 recorded seconds``."""
    if not isinstance(budget, Mapping):
        return _several(budget, "evaluation")
    words = {"evaluations": "evaluation", "seconds": "recorded second", "minutes": "minute"}
    named = [_several(budget[name], words[name]) for name in LIMITS if name in budget]
    return " or ".join(named) + (" by the clock" if "minutes" in budget else "")


def _several(count: float, what: str) -> str:
    return f"{count:,.15g} {what}" + "s" * (count != 1)


def _limit(name: str, value: Any) -> float | None:
    """Return a limit as a number; None if it is none."""
    if name == "evaluations":
        count = whole(value)
        return count if count is not None and count >= 1 else None
    found = number(value)
    return float(found) if found is not None and 0 < found < float("inf") else None
