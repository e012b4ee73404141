"""How far a comparison is: the sum of what its runs have done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nas_agents.runs.progress import extent

if TYPE_CHECKING:
    from nas_gym.envs import Budget


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a comparison is.

    Attributes:
        done: evaluations by the full recipe of all runs, or recorded seconds under a budget in seconds.
        total: the evaluations or seconds that there will be at the end.
        unit: ``"evaluations"`` or ``"seconds"``.
        runs_over: runs that have ended.
        runs: all runs.
    """

    done: float
    total: float
    unit: str
    runs_over: int
    runs: int


OnProgress = Callable[[Advance], None]


class Tally:
    """The sum of what many runs with the same budget have done.

    Args:
        runs: number of runs.
        finished: how many of them were finished before.
        budget: budget of each.
        on_progress: called with the sum now and after every report.
    """

    def __init__(
        self, runs: int, finished: int, budget: Budget, on_progress: OnProgress | None = None
    ) -> None:
        self._runs, self._over, self._on_progress = runs, finished, on_progress
        self._each, self._unit = extent(budget)
        self._done: dict[int, float] = {}
        self._before = finished * self._each
        self._tell()

    def report(self, run: int, progress: Any) -> None:
        """Take the progress of a run; None at its end."""
        self._over += progress is None
        done = self._each if progress is None else progress.done(self._unit)
        self._done[run] = min(done, self._each)
        self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None:
            done = self._before + sum(self._done.values())
            total = self._runs * self._each
            self._on_progress(Advance(done, total, self._unit, self._over, self._runs))
