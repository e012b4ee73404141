"""Progress bars that move with every evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from rich.console import Console

    from nas_gym.envs import Budget


@contextmanager
def bar(console: Console) -> Iterator[Progress]:
    """A bar with evaluations (or recorded seconds) done, a note, and the time left.

    Its tasks have the fields ``unit`` and ``note``. Where there is no terminal the bar is shown
    once, at its end.
    """
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        # Runs differ in speed, so the time left is judged by minutes and not by seconds.
        speed_estimate_period=180,
    )
    with progress:
        try:
            yield progress
        except Exception:
            # What is said of the error stands alone, without a bar that came to nothing.
            for task in progress.task_ids:
                progress.remove_task(task)
            raise
    if not console.is_terminal:
        console.line()


class Tally:
    """Counts many runs with the same budget on a bar.

    Args:
        progress: the bar.
        runs: number of runs.
        finished: how many of them were finished before.
        budget: of each.
    """

    def __init__(self, progress: Progress, runs: int, finished: int, budget: Budget) -> None:
        self._progress, self._runs, self._over = progress, runs, finished
        self._each, unit = extent(budget)
        self._done: dict[int, float] = {}
        self._before = finished * self._each
        self._task = progress.add_task("comparing", total=runs * self._each, unit=unit, note=self._note())
        progress.update(self._task, completed=self._before)

    def report(self, run: int, progress: Any) -> None:
        """Take the progress of a run; None at its end."""
        self._over += progress is None
        self._done[run] = self._each if progress is None else min(progress.done, self._each)
        self._progress.update(
            self._task, completed=self._before + sum(self._done.values()), note=self._note()
        )

    def _note(self) -> str:
        return f"({self._over} of {self._runs} runs)"


def extent(budget: Budget) -> tuple[float, str]:
    """How much a budget is, and of what."""
    return (budget, "evaluations") if isinstance(budget, int) else (budget["seconds"], "seconds")
