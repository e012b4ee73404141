"""Tables of series: rows in order of time, cut where time makes a jump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.own.splitting import times_of
from nas_gym.tasks.reading.number_forms import NumberForm, forms_of, is_number
from nas_gym.tasks.reading.raw_table import USUAL, ColumnCells, RawTable, listed, text_of
from nas_gym.tasks.series.run import Run

JUMP = 1.5
"""Usual steps from which two rows are no neighbours; months differ by less."""
EVEN = 0.01  # of a usual step, by which a step may differ without being called another
WHOLE = ""
"""The id of the one series of a table without a column of ids."""


@dataclass(frozen=True)
class Layout:
    """Which columns of a table are what, and how they are read.

    Attributes:
        time: column of dates or numbers.
        values: columns of numbers, the channels.
        identity: column that says which series a row is of; "" where all are of one.
        gaps: ``"cut"``: no window crosses a jump of time; ``"ignore"``: the next row is the next step.
        day_first: whether dates such as ``03/04/2024`` have the day first; None to tell by the column.
        decimals: the mark before decimals of each of `values`; () to tell by the column.
    """

    time: str
    values: tuple[str, ...]
    identity: str = ""
    gaps: str = "cut"
    day_first: bool | None = None
    decimals: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SeriesTable:
    """The series of a table.

    Attributes:
        runs: runs of each series by its id, in order of time.
        layout: with the decimal marks that were found.
        notes: what is to be said of rows that were skipped, and of steps.
    """

    runs: dict[str, list[Run]]
    layout: Layout
    notes: tuple[str, ...]


def read_series(table: RawTable, layout: Layout) -> SeriesTable:
    """Return the series of a table.

    A row is skipped where a value of it is missing or no number, or where its series has a row of that time
    before it; skipped rows are counted in the notes. They leave a gap, as a missing row does.

    Raises:
        NASGymError: if a column is not there, has hardly any numbers, or the times cannot be read.
    """
    for name in (layout.time, *layout.values, *filter(None, (layout.identity,))):
        if name not in table.columns:
            raise unknown(f"column of {table.source}", name, table.columns)
    cells, times = times_of(f"column {layout.time!r}", table.columns[layout.time], layout.day_first)
    read = [
        _numbers(table.source, name, table.columns[name], mark)
        for name, mark in zip(layout.values, layout.decimals or ("",) * len(layout.values), strict=True)
    ]
    marks = tuple(mark for _, mark in read)
    values = np.stack([numbers for numbers, _ in read], axis=1)
    ids = [WHOLE] * len(times)
    if layout.identity:
        ids = [text_of(cell) for cell in listed(table.columns[layout.identity])]
    complete = np.isfinite(values).all(axis=1)
    notes = list(table.notes)
    if not complete.all():
        first = int(np.flatnonzero(~complete)[0]) + 1
        notes.append(
            f"{(~complete).sum():,} of {len(times):,} rows are skipped, since a value is missing or no "
            f"number, the first of them row {first:,}"
        )
    kept, twice, moved = _ordered(ids, times, complete)
    if twice:
        notes.append(f"{_rows(twice)} skipped, since a row before has the same time")
    if moved:
        notes.append(f"the rows are put in order of {layout.time!r}, which they were not in")
    steps = np.concatenate([np.diff(times[rows]) for rows in kept.values()] or [np.zeros(0)])
    usual = _usual(steps)
    runs = {
        name: [
            Run(values[part], times[part], [cells[row] for row in part])
            for part in (_parts(rows, times, usual) if layout.gaps == "cut" else [rows])
        ]
        for name, rows in kept.items()
    }
    notes += _of_steps(steps, usual, layout)
    found = Layout(layout.time, layout.values, layout.identity, layout.gaps, layout.day_first, marks)
    return SeriesTable(runs, found, tuple(notes))


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"


def _numbers(source: str, name: str, column: ColumnCells, mark: str) -> tuple[np.ndarray, str]:
    """Return cells as float64 (n,), NaN where one is missing or no number, and their decimal mark."""
    if isinstance(column, np.ndarray):
        return column.astype(np.float64), mark
    texts = [text_of(cell) for cell in column if not USUAL.among_numbers(cell)]
    numbers = [text for text in texts if is_number(text)]
    if 2 * len(numbers) <= len(texts) or not texts:
        raise DataError(
            f"{source} has hardly any numbers in column {name!r}: name the columns of numbers with values, "
            "or mend it"
        )
    form = _form(source, name, numbers, mark)
    found = (None if USUAL.among_numbers(cell) else form.value(text_of(cell)) for cell in column)
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64), form.decimal


def _form(source: str, name: str, numbers: Sequence[str], mark: str) -> NumberForm:
    forms = forms_of(numbers, mark or None)
    if not forms:
        raise DataError(f"{source} has numbers in several forms in column {name!r}: write all in one form")
    return forms[0]


def _ordered(
    ids: Sequence[str], times: np.ndarray, complete: np.ndarray
) -> tuple[dict[str, np.ndarray], int, bool]:
    """Return the rows of each series in order of time, how many are left out as doubles, and if any moved."""
    of: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        of.setdefault(name, []).append(row)
    kept, twice, moved = {}, 0, False
    for name, listed_rows in of.items():
        rows = np.array(listed_rows)
        rows = rows[complete[rows]]
        order = rows[np.argsort(times[rows], kind="stable")]
        moved |= bool((order != rows).any())
        new = np.ones(len(order), dtype=bool)
        new[1:] = np.diff(times[order]) > 0
        twice += int((~new).sum())
        kept[name] = order[new]
    return {name: rows for name, rows in kept.items() if len(rows)}, twice, moved


def _usual(steps: np.ndarray) -> float:
    """Return the most frequent step, the shortest of equally frequent ones; 0 where there is none."""
    if not len(steps):
        return 0.0
    sizes, counts = np.unique(np.round(steps, 9), return_counts=True)
    return float(sizes[counts.argmax()])


def _parts(rows: np.ndarray, times: np.ndarray, usual: float) -> list[np.ndarray]:
    """Return rows cut where time makes a jump."""
    jumps = np.flatnonzero(np.diff(times[rows]) >= JUMP * usual) + 1
    return [rows[start:stop] for start, stop in pairwise([0, *jumps.tolist(), len(rows)])]


def _of_steps(steps: np.ndarray, usual: float, layout: Layout) -> list[str]:
    """Return what is to be said of steps that are not the usual one."""
    if not len(steps):
        return []
    jumps = int((steps >= JUMP * usual).sum())
    other = int((np.abs(steps - usual) > EVEN * usual).sum()) - jumps
    told = []
    if jumps and layout.gaps == "cut":
        told.append(f"{layout.time!r} makes {jumps:,} jump{'s' * (jumps > 1)}, and no window crosses one")
    elif jumps:
        told.append(f"{jumps:,} of {len(steps):,} steps of {layout.time!r} are jumps, and count as one step")
    if other:
        told.append(f"{other:,} of {len(steps):,} steps of {layout.time!r} are uneven, and count as one step")
    return told


def check_gaps(gaps: object) -> None:
    """Check the option ``gaps``.

    Raises:
        NASGymError: if there is no such choice.
    """
    if gaps not in ("cut", "ignore"):
        raise ConfigError(f"gaps must be 'cut' or 'ignore', not {gaps!r}")


def longest(runs: dict[str, list[Run]]) -> int:
    """Return the number of rows of the longest run."""
    return max((len(run.times) for each in runs.values() for run in each), default=0)
