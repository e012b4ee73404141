"""Every progress bar of the command line; what is below it tells its progress by callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
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
from rich.text import Text

from nas_gym.cli.console import print_plain
from nas_gym.cli.outlook import Outlook
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_agents import Advance, Pretraining
    from nas_agents import Progress as SearchProgress

    from nas_gym.envs import Budget
    from nas_gym.evaluators import Evaluator
    from nas_gym.training import Progress as TrainingProgress

FIRST_LINE_AFTER = 10.0
LATER_LINES = 0.5
"""The next line comes when the time so far has grown by this part, so that a long run writes few."""


class Lines:
    """Lines of progress where no terminal shows a bar: the first after ten seconds, then ever more rarely.

    Args:
        console: where they are printed.
    """

    def __init__(self, console: Console) -> None:
        self._console, self._began, self._next = console, time.monotonic(), FIRST_LINE_AFTER

    @property
    def elapsed(self) -> float:
        """Seconds since this was made."""
        return time.monotonic() - self._began

    def tell(self, text: str, *, always: bool = False) -> None:
        """Print a line if it is time for one."""
        if always or self.elapsed >= self._next:
            print_plain(self._console, text)
            self._next = self.elapsed * (1 + LATER_LINES)


class BarWithWords(Progress):
    """A bar with a line below it, which in a narrow terminal beside it would leave no room for the bar."""

    words = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bar and the line."""
        yield from super().get_renderables()
        if self.words:
            yield Text(f"  {self.words}")


class Bar:
    """A bar with words below it that say what is done; plain lines where there is no terminal.

    Args:
        console: where it is shown.
        name: what is going on.
    """

    def __init__(self, console: Console, name: str) -> None:
        self._name, self._text = name, ""
        self._lines = None if console.is_terminal else Lines(console)
        self._progress = BarWithWords(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("left"),
            # Runs differ in speed, so the time left is judged by minutes and not by seconds.
            TimeRemainingColumn(),
            console=console,
            disable=self._lines is not None,
            speed_estimate_period=180,
        )
        self._task = self._progress.add_task(name, total=1.0)
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since this was made."""
        return time.monotonic() - self._began

    def move(self, share: float, text: str) -> None:
        """Show that a share in [0, 1] is done, and what in words."""
        self._text = text
        self._progress.words = text
        self._progress.update(self._task, completed=share)
        if self._lines is not None:
            self._lines.tell(f"{self._name}: {text}")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            # What is said of the error stands alone, without a bar that came to nothing.
            self._progress.remove_task(self._task)
            self._progress.words = ""
        elif self._lines is not None and self._text:
            self._lines.tell(f"{self._name}: {self._text}", always=True)
        self._progress.stop()


@contextmanager
def search_bar(
    console: Console, name: str, budget: Budget, *, outlook: bool = False
) -> Iterator[Callable[[SearchProgress], None]]:
    """Show how far a search is: by what it is limited, by the clock, and the best so far.

    With `outlook` it also says what a further minute would gain, see `nas_gym.cli.outlook`.
    """
    limits = {"evaluations": budget} if isinstance(budget, int) else budget
    course = Outlook()

    def move(at: SearchProgress) -> None:
        share = max(at.done(unit) / limit for unit, limit in limits.items())
        best = "" if at.best is None else f"; best {at.best:.4f}"
        scoring = "; trains the chosen network again" if at.scoring else ""
        preparing = f"; {at.preparing}" if at.preparing else ""
        text = spent(at.evaluations, at.seconds, at.clock, limits)
        if not at.scoring:
            course.see(at.evaluations, at.best)
        said = course.words(at.clock) if outlook and not at.scoring else ""
        ahead = f", {said}" if best and said else ""
        bar.move(min(1.0, share), f"{text}{preparing}{best}{ahead}{scoring}")

    with Bar(console, name) as bar:
        yield move


def spent(evaluations: float, seconds: float, by_clock: float, limits: Mapping[str, float]) -> str:
    """Return what a search has spent in words: ``"12 of 60 s recorded training time; 0:31 by the clock"``.

    Args:
        evaluations: evaluations by the full recipe.
        seconds: recorded cost.
        by_clock: seconds since it began.
        limits: what ends it, by unit.
    """
    parts = []
    if "evaluations" in limits:
        parts.append(f"{evaluations:.0f} of {limits['evaluations']:.0f} evaluations")
    if "seconds" in limits:
        parts.append(f"{seconds:.0f} of {limits['seconds']:g} s recorded training time")
    if "minutes" in limits:
        parts.append(f"{clock(by_clock)} of {clock(60 * limits['minutes'])} by the clock")
        if len(limits) == 1:
            parts.append(f"{evaluations:.0f} evaluations")
    else:
        parts.append(f"{clock(by_clock)} by the clock")
    return "; ".join(parts)


def clock(seconds: float) -> str:
    """Return a time as a clock shows it: ``"0:31"``, ``"1:02:03"``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def comparison_bar(console: Console) -> Iterator[Callable[[Advance], None]]:
    """Show what all runs of a comparison have done, and how many of them are over."""

    def move(at: Advance) -> None:
        text = spent(at.done, at.done, bar.elapsed, {at.unit: at.total})
        bar.move(at.done / at.total, f"{text}; {at.runs_over} of {at.runs} runs")

    with Bar(console, "comparing") as bar:
        yield move


@contextmanager
def pretraining_bar(console: Console) -> Iterator[Callable[[Pretraining], None]]:
    """Show how far the training of a policy is: its stage, the loss, and the time left."""

    def move(at: Pretraining) -> None:
        loss = "" if at.loss != at.loss else f"; loss {at.loss:.3f}"
        left = bar.elapsed * (1 - at.done) / at.done if at.done > 0 else 0.0
        bar.move(at.done, f"{at.done:.0%}, {at.stage}{loss}; about {clock(left)} left")

    with Bar(console, "pretraining") as bar:
        yield move


@contextmanager
def explanation_bar(console: Console) -> Iterator[Callable[[int, int, str], None]]:
    """Show the stage of an explanation: a bar that leaves nothing behind, or lines without a terminal."""
    lines, held = Lines(console), list[str]()

    def tell(number: int, total: int, what: str) -> None:
        held.append(f"{number + 1} of {total}: {what} ({clock(lines.elapsed)})")
        if number:
            # The first stage is told with the second, so that what is refused in it stands alone.
            for line in held:
                lines.tell(line, always=True)
            held.clear()

    if not console.is_terminal:
        yield tell
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        shown = progress.add_task("Reading the run", total=None)

        def move(number: int, total: int, what: str) -> None:
            progress.update(shown, completed=number, total=total, description=what)

        yield move


@contextmanager
def ranking_bar(console: Console) -> Iterator[Callable[[str, float], None]]:
    """Show which score is under way and the share of it that is done, from the first call on."""
    bar: Bar | None = None
    shown = ""

    def move(what: str, share: float) -> None:
        nonlocal bar, shown
        if bar is None or what != shown:
            if bar is not None:
                bar.__exit__(None)
            bar, shown = Bar(console, what).__enter__(), what
        bar.move(share, f"{share:.0%} of the networks")

    try:
        yield move
    finally:
        if bar is not None:
            bar.__exit__(None)


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
        TextColumn("{task.fields[wait]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as shown_bar:
        task = shown_bar.add_task("training", total=1.0, done=0, members=0, loss=float("nan"), wait="")

        def show(progress: TrainingProgress) -> None:
            shown_bar.update(
                task,
                completed=progress.share,
                done=progress.done,
                members=progress.members,
                loss=progress.loss,
                wait=progress.waiting,
            )

        evaluator.progress = show
        try:
            yield
        finally:
            evaluator.progress = None
