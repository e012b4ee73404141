"""The form of a table of series: from the last rows of each series an example of what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.forms.base import ARRAYS, ExampleForm, Reading
from nas_gym.tasks.own import paths
from nas_gym.tasks.reading.raw_table import RawTable, text_of
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.series.table import WHOLE, Layout, read_series


@dataclass(frozen=True, eq=False)
class SeriesExamples:
    """The last window of each series of a table.

    Attributes:
        x: raw examples, (n, channels, window).
        beside: for each example the id of its series, where there are ids, and its last time, by column.
    """

    x: np.ndarray
    beside: Mapping[str, list[Any]]


@dataclass(frozen=True)
class SeriesForm(ExampleForm):
    """How a table of series becomes examples.

    Attributes:
        layout: which columns are what.
        window: steps of an example.
    """

    layout: Layout
    window: int
    kind: ClassVar[str] = "series"
    what: ClassVar[str] = "series"
    suffixes: ClassVar[tuple[str, ...]] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(filter(None, (self.layout.time, self.layout.identity, *self.layout.values)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example."""
        return len(self.layout.values), self.window

    def examples_in(self, path: Path, reading: Reading) -> SeriesExamples | None:
        """Return the last windows of the series in a table; None of a file of arrays."""
        if path.suffix in ARRAYS:
            return None
        return self.in_table(read_table(paths.existing(path, "data"), **reading, expected=self.columns))

    def in_table(self, table: RawTable) -> SeriesExamples:
        """Return the last window of each series, whose forecast is of what comes after its last row.

        Raises:
            NASGymError: if a series ends with fewer rows without a gap.
        """
        found = read_series(table, self.layout)
        ends = {name: runs[-1] for name, runs in found.runs.items()}
        for name, run in ends.items():
            if len(run.times) < self.window:
                of = f"series {name!r}" if name != WHOLE else "the series"
                raise DataError(
                    f"{of} of {table.source} ends with {len(run.times):,} rows without a gap, and a forecast "
                    f"needs the last {self.window:,}: add earlier rows, or fill the gap"
                )
        if not ends:
            raise DataError(f"{table.source} has no complete row: a forecast needs the last {self.window:,}")
        identity, time = self.layout.identity, self.layout.time
        beside: dict[str, list[Any]] = {identity: list(ends)} if identity else {}
        beside[f"last {time}"] = [text_of(run.clock[-1]) for run in ends.values()]
        return SeriesExamples(np.stack([run.values[-self.window :].T for run in ends.values()]), beside)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form."""
        return {"kind": self.kind, "window": self.window, "layout": asdict(self.layout)}

    @classmethod
    def of(cls, window: int, layout: Mapping[str, Any]) -> SeriesForm:
        """Return the form of a config without its kind."""
        given: dict[str, Any] = {
            field.name: tuple(value) if isinstance(value := layout[field.name], list) else value
            for field in fields(Layout)
        }
        return cls(Layout(**given), window)
