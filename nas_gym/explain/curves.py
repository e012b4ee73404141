"""Estimates with their intervals out of a section's tables, for charts in TensorBoard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nas_gym.explain.section import Section, Table

_LOW = re.compile(r"\b(low|lower|from|lowest)\b", re.IGNORECASE)
_HIGH = re.compile(r"\b(high|higher|upper|to|highest)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Curve:
    """A column of numbers, with its interval where the table has one.

    Attributes:
        group, title: of its chart.
        tag: of its scalars.
        steps: the numbers of the first column where it counts something, else the rows' own numbers.
        values, low, high: of each row that has them; no interval where `low` and `high` are None.
    """

    group: str
    title: str
    tag: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None


def curves_of(section: Section) -> Iterator[Curve]:
    """The curves of a section: each column that is followed by its interval, and what is counted along."""
    for table in section.tables:
        counted = _counts(table)
        for number in range(1, len(table.columns)):
            has_interval = _has_interval(table, number)
            if has_interval or (counted and not _is_end(table, number)):
                yield from _curve(section, table, number, has_interval=has_interval, counted=counted)


def _curve(
    section: Section, table: Table, number: int, *, has_interval: bool, counted: bool
) -> Iterator[Curve]:
    width = 3 if has_interval else 1
    rows = [
        (int(row[0]) if counted and isinstance(row[0], int) else position, row[number : number + width])
        for position, row in enumerate(table.rows)
    ]
    complete = [
        (step, [float(cell) for cell in cells if isinstance(cell, int | float)]) for step, cells in rows
    ]
    complete = [(step, cells) for step, cells in complete if len(cells) == width]
    if complete:
        steps = tuple(step for step, _ in complete)
        columns = [tuple(cells[part] for _, cells in complete) for part in range(width)]
        title = f"{table.name}: {_without_brackets(table.columns[number])}"
        yield Curve(section.question, title, f"{section.key}/{title}", steps, *columns)


def _without_brackets(column: str) -> str:
    """A column's name for a tag: Custom Scalars draws nothing for one that has brackets."""
    return re.sub(r"\s*\(([^)]*)\)", r", \1", column)


def _counts(table: Table) -> bool:
    """Whether the first column counts upwards, like leaves or evaluations."""
    first = [row[0] for row in table.rows]
    numbers = [cell for cell in first if isinstance(cell, int) and not isinstance(cell, bool)]
    return len(numbers) == len(first) > 1 and numbers == sorted(set(numbers))


def _has_interval(table: Table, number: int) -> bool:
    columns = table.columns[number + 1 : number + 3]
    return len(columns) == 2 and bool(_LOW.search(columns[0]) and _HIGH.search(columns[1]))


def _is_end(table: Table, number: int) -> bool:
    """Whether the column is the end of an interval of another."""
    return any(_has_interval(table, before) for before in (number - 1, number - 2) if before >= 0)
