"""Every progress bar of the command line; what is below it tells its progress by callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_agents import Advance

    from nas_gym.evaluators import Evaluator
    from nas_gym.training import Progress as TrainingProgress


@contextmanager
def counting_bar(console: Console) -> Iterator[Progress]:
    """Show a bar with evaluations (or recorded seconds) done, a note, and the time left.

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


@contextmanager
def comparison_bar(console: Console) -> Iterator[Callable[[Advance], None]]:
    """Show what all runs of a comparison have done, and how many of them are over."""
    with counting_bar(console) as progress:
        shown: TaskID | None = None

        def move(at: Advance) -> None:
            nonlocal shown
            note = f"({at.runs_over} of {at.runs} runs)"
            if shown is None:
                shown = progress.add_task("comparing", total=at.total, unit=at.unit, note=note)
            progress.update(shown, completed=at.done, note=note)

        yield move


@contextmanager
def explanation_bar() -> Iterator[Progress]:
    """Show a bar on standard error that leaves nothing behind."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        yield progress


def building_bar(description: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """Show the trainings of a table that are done, from the first call on."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trainings"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return _late(Progress(*columns, console=Console(stderr=True), speed_estimate_period=600), description)


def reading_bar(description: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """Show how much of a file is read, from the first call on; it leaves nothing behind."""
    columns: tuple[str | ProgressColumn, ...] = Progress.get_default_columns()
    return _late(Progress(*columns, console=Console(stderr=True), transient=True), description)


@contextmanager
def _late(progress: Progress, description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar from the first call on, so that what is refused before is told without one."""
    shown: TaskID | None = None

    def move(done: int, total: int) -> None:
        nonlocal shown
        if shown is None:
            progress.start()
            shown = progress.add_task(description, total=total, completed=done)
        progress.update(shown, completed=done)

    try:
        yield move
    finally:
        if shown is not None:
            progress.stop()


@contextmanager
def training_bar(evaluator: Evaluator, console: Console | None = None) -> Iterator[None]:
    """Show how far the networks are that an evaluator trains, while the context is open.

    Every finished member is in the store already, so an interruption loses only what is unfinished.

    ```python
    with training_bar(env.unwrapped.evaluator):
        env.unwrapped.evaluate([str(architecture) for architecture in env.unwrapped.search_space])
    ```

    Args:
        evaluator: an evaluator that trains networks, with a store in front or not.
        console: where to draw; stderr if None.

    Raises:
        NASGymError: if the evaluator trains nothing.
    """
    if not evaluator.trains:
        raise ConfigError(
            f"training_bar shows networks that are trained, and {type(evaluator).__name__} trains none: "
            "leave it out"
        )
    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("{task.fields[done]}/{task.fields[members]} networks, loss {task.fields[loss]:.4f}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as shown_bar:
        task = shown_bar.add_task("training", total=1.0, done=0, members=0, loss=float("nan"))

        def show(progress: TrainingProgress) -> None:
            shown_bar.update(
                task,
                completed=progress.share,
                done=progress.done,
                members=progress.members,
                loss=progress.loss,
            )

        evaluator.progress = show
        try:
            yield
        finally:
            evaluator.progress = None
