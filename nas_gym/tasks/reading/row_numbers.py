"""Columns that number the rows of a table: they are no features, and tell the labels of sorted rows."""

from __future__ import annotations

import re
from typing import Any

from nas_gym.tasks.reading.raw_table import Cells, RawTable

UNNAMED = re.compile(r"(?:Unnamed: \d+(?:\.\d+)*|__index_level_\d+__)")
INDEX_NAMES = frozenset({"index", "id", "row", "row_id", "rowid", "rownames", "row.names", "row_number"})
FEWEST = 10  # rows from which counting is no coincidence
WHOLE = re.compile(r"[0-9]{1,18}")


def without_row_numbers(table: RawTable, target: str | None = None) -> RawTable:
    """The table without the columns that only number or name its rows, and notes of them.

    Left out are a first column without a name, as pandas and R write their row names; a column that
    pandas named ``Unnamed: 0`` since it had none, where it holds whole numbers or nothing; and a column
    called ``index``, ``id`` or the like that counts the rows from 0 or 1. A column of another name that
    counts them stays, with a note.

    Args:
        table: a table.
        target: its column of labels, which stays.
    """
    dropped, notes = [], []
    for name, cells in table.columns.items():
        if name == target:
            continue
        reason = _reason(name, cells)
        if reason:
            dropped.append(name)
            notes.append(f"{reason} and is left out: give it another name to use it")
        elif _counts(cells):
            notes.append(f"column {name!r} counts the rows: leave it out with drop=[{name!r}] if that is all")
    return table.without(dropped, notes) if notes else table


def _reason(name: str, cells: Cells) -> str:
    if name == "":
        return "the first column has no name, so it is taken for the names of the rows,"
    if UNNAMED.fullmatch(name):
        if all(cell in ("", None) for cell in cells):
            return f"column {name!r} has neither name nor cells"
        if all(_whole(cell) is not None for cell in cells):
            return f"column {name!r} has no name and holds whole numbers, so it is taken for row numbers,"
    if name.casefold() in INDEX_NAMES and _counts(cells):
        return f"column {name!r} counts the rows"
    return ""


def _counts(cells: Cells) -> bool:
    first = _whole(cells[0]) if len(cells) >= FEWEST else None
    return first in (0, 1) and all(_whole(cell) == first + row for row, cell in enumerate(cells))


def _whole(cell: Any) -> int | None:
    if isinstance(cell, str):
        return int(cell) if WHOLE.fullmatch(cell) else None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else None
