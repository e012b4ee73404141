"""Progress bars that move with every evaluation."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def bar(console: Console | None = None) -> Progress:
    """A bar on standard error with evaluations (or seconds) done, a note, and the time left.

    Its tasks have the fields ``unit`` and ``note``.
    """
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console or Console(stderr=True),
        # Runs differ in speed, so the time left is judged by the last minutes and not the last seconds.
        speed_estimate_period=180,
    )
