"""Columns that number the rows of a table: they are no features, and tell the labels of sorted rows."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np

from nas_gym.tasks.reading.raw_table import ColumnCells, RawTable, listed

UNNAMED = re.compile(r"(?:Unnamed: \d+(?:\.\d+)*|__index_level_\d+__)")
INDEX_NAMES = frozenset({"index", "id", "row", "row_id", "rowid", "rownames", "row.names", "row_number"})
LOOKED_AT = 100  # cells by which most columns are known to hold equal ones
FEWEST = 10  # rows from which counting is no coincidence
WHOLE = re.compile(r"[0-9]{1,18}(?:\.0)?")
BEYOND = 2**62


def without_row_numbers(table: RawTable, targets: Collection[str] = ()) -> RawTable:
    """Return the table without the columns that only number or name its rows, and notes of them.

    Left out are a first column without a name, as pandas and R write their row names; a column that
    pandas named ``Unnamed: 0`` since it had none, where it holds whole numbers or nothing; and a column
    called ``index``, ``id`` or the like with another whole number in each row, as of rows that were
    shuffled or chosen after they were numbered. A column of another name whose numbers are consecutive, in
    any order, stays, with a note.

    Args:
        table: a table.
        targets: its columns of labels or values, which stay.
    """
    dropped, notes = [], []
    for name, cells in table.columns.items():
        if name in targets:
            continue
        reason = _reason(name, cells)
        if reason:
            dropped.append(name)
            notes.append(f"{reason} and is left out: give it another name to use it")
        elif _are_consecutive(cells):
            notes.append(f"column {name!r} counts the rows: leave it out with drop=[{name!r}] if that is all")
    return table.without(dropped, notes) if notes else table


def _reason(name: str, cells: ColumnCells) -> str:
    if name == "":
        return "the first column has no name, so it is taken for the names of the rows,"
    if UNNAMED.fullmatch(name):
        if all(cell in ("", None) for cell in listed(cells)):
            return f"column {name!r} has neither name nor cells"
        if _whole_numbers(cells) is not None:
            return f"column {name!r} has no name and holds whole numbers, so it is taken for row numbers,"
    if name.casefold() in INDEX_NAMES and _are_different(cells):
        return f"column {name!r} numbers the rows"
    return ""


def _are_different(cells: ColumnCells) -> bool:
    """Return whether each of many cells is another whole number."""
    return _different_numbers(cells) is not None


def _are_consecutive(cells: ColumnCells) -> bool:
    """Return whether many cells are the whole numbers from one to another, each once."""
    numbers = _different_numbers(cells)
    return numbers is not None and int(numbers.max()) - int(numbers.min()) == len(numbers) - 1


def _different_numbers(cells: ColumnCells) -> np.ndarray | None:
    """Return many cells as whole numbers; None if some are none or two are equal."""
    if len(cells) < FEWEST:
        return None
    for looked_at in (cells[:LOOKED_AT], cells):
        numbers = _whole_numbers(looked_at)
        if numbers is None or len(np.unique(numbers)) < len(numbers):
            return None
    return numbers


def _whole_numbers(cells: ColumnCells) -> np.ndarray | None:
    """Return cells as whole numbers; None where some are none, or beyond 64 bits."""
    if not isinstance(cells, np.ndarray):
        found = []
        for cell in cells:  # most columns end it at their first cell
            number = _whole(cell)
            if number is None or abs(number) >= BEYOND:
                return None
            found.append(number)
        return np.array(found, dtype=np.int64)
    if cells.dtype.kind == "f":
        whole = bool((np.abs(cells) < BEYOND).all()) and bool((np.floor(cells) == cells).all())
        return cells.astype(np.int64) if whole else None
    return cells if cells.dtype.kind in "iu" else None


def _whole(cell: Any) -> int | None:
    if isinstance(cell, str):
        return int(cell.removesuffix(".0")) if WHOLE.fullmatch(cell) else None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else None
