"""How far a search is, and how that is told while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas_gym.evaluators import incumbent

if TYPE_CHECKING:
    import gymnasium as gym

    from nas_gym.envs import Budget

SECONDS_BETWEEN_REPORTS = 0.3
LIMITS = ("evaluations", "seconds", "minutes")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is.

    Attributes:
        evaluations: evaluations by the full recipe.
        seconds: recorded cost.
        clock: seconds by the clock that the search took so far.
        best: score of the incumbent as seen, None before the first evaluation.
        scoring: whether the search is over and its network is being scored.
        preparing: what the evaluator does before its first answer, in words; "" for nothing.
    """

    evaluations: float
    seconds: float
    clock: float
    best: float | None
    scoring: bool = False
    preparing: str = ""

    def done(self, unit: str) -> float:
        """Return how much is done, in the unit of a budget (see `extent`)."""
        return self.clock / 60 if unit == "minutes" else float(getattr(self, unit))


def extent(budget: Budget) -> tuple[float, str]:
    """Return how much a budget is, and of what: ``"evaluations"``, ``"seconds"`` or ``"minutes"``.

    Of several limits it is the first of these.
    """
    if isinstance(budget, int):
        return budget, "evaluations"
    return next((budget[unit], unit) for unit in LIMITS if unit in budget)


@contextmanager
def reported(
    env: gym.Env[Any, Any], on_progress: Callable[[Progress], None] | None
) -> Iterator[Callable[[], None]]:
    """Report the progress of a run now and then, and at its end; what it gives is called after the search."""
    searched, over = list[float](), threading.Event()

    def search_is_over() -> None:
        searched.append(env.unwrapped.ledger.elapsed)  # type: ignore[attr-defined]

    if on_progress is None:
        yield search_is_over
        return

    def watch() -> None:
        while not over.wait(SECONDS_BETWEEN_REPORTS):
            on_progress(_progress(env, searched, scoring=bool(searched)))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield search_is_over
    finally:
        over.set()
        thread.join()
    on_progress(_progress(env, searched, scoring=False))


def _progress(env: gym.Env[Any, Any], searched: Sequence[float], *, scoring: bool) -> Progress:
    unwrapped: Any = env.unwrapped
    ledger = unwrapped.ledger
    history = tuple(ledger.history)
    best = incumbent(history, ledger.worth).score if history else None
    clock = searched[0] if searched else ledger.elapsed
    preparing = unwrapped.evaluator.preparing
    return Progress(ledger.spent, ledger.stats.cost, clock, best, scoring, preparing)
