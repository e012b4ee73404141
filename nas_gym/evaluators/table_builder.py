"""Building a table: every architecture trained with every seed, kept as it is finished, resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from nas_gym.errors import NASGymError
from nas_gym.evaluators.tabulation import Recorded, Tabulation
from nas_gym.tables.file import write_table
from nas_gym.tables.table import Table

AT_ONCE = 1024
"""Trainings handed to the engine together; it takes like ones out of them for its chunks."""


def build_table(
    tabulation: Tabulation, benchmark: str, label: str, path: Path, console: Console | None = None
) -> Table:
    """Train all that a table is made of and write it to a file.

    Finished trainings are kept beside the file in ``<path>.partial``, one JSON line each, so that an
    interrupted build goes on where it was when it is called again.

    Args:
        tabulation: what to train, and how.
        benchmark: name of the table's family.
        label: of the task.
        path: of the table.
        console: where to draw the progress; stderr if None.

    Raises:
        NASGymError: if the trainings kept beside the file are of another recipe, task or machine.
    """
    partial = Partial(path.with_name(path.name + ".partial"), tabulation)
    size = tabulation.search_space.size
    pairs = [(index, seed) for seed in tabulation.seeds for index in range(size)]
    waiting = [pair for pair in pairs if pair not in partial.results]
    with _bar(console, len(pairs)) as bar, partial.open():
        task = bar.add_task(f"{benchmark} on {label}", total=len(pairs), completed=len(partial.results))
        for start in range(0, len(waiting), AT_ONCE):
            for recorded in tabulation.record(waiting[start : start + AT_ONCE]):
                partial.add(recorded)
                bar.advance(task)
    table = tabulation.table(benchmark, label, partial.results)
    write_table(table, path)
    partial.path.unlink()
    return table


class Partial:
    """The finished trainings of a table that is being built.

    Args:
        path: of the file; the first line says what the rest are results of.
        tabulation: what is being trained.

    Raises:
        NASGymError: if the file holds results of something else.
    """

    def __init__(self, path: Path, tabulation: Tabulation) -> None:
        self.path = path
        self.results: dict[tuple[int, int], Recorded] = {}
        self._header = json.dumps(tabulation.config(), sort_keys=True)
        if path.exists():
            self._read()

    def _read(self) -> None:
        header, *lines = self.path.read_text(encoding="utf-8").split("\n")
        if header != self._header:
            raise NASGymError(
                f"{self.path} holds trainings of another space, task, recipe or machine than are asked for: "
                "give another file, or remove it"
            )
        # What follows the last line's end was cut off by an interruption.
        for line in lines[:-1]:
            index, seed, validation, test, error = json.loads(line)
            self.results[index, seed] = Recorded(index, seed, tuple(validation), test, error)
        kept = "".join(f"{line}\n" for line in [header, *lines[:-1]])
        self.path.write_text(kept, encoding="utf-8")

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let results be added while the context is open."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self.path.exists()
        with self.path.open("a", encoding="utf-8") as self._file:
            if fresh:
                self._file.write(f"{self._header}\n")
            yield

    def add(self, recorded: Recorded) -> None:
        """Keep a result."""
        self.results[recorded.number, recorded.seed] = recorded
        self._file.write(f"{json.dumps(recorded)}\n")
        self._file.flush()


def _bar(console: Console | None, total: int) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trainings"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console or Console(stderr=True), speed_estimate_period=600)
