"""Columns of cells with names: what files and data frames are before anything is made of their cells."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.reading.origins import Origins

Cells = list[Any]
ColumnCells = Cells | np.ndarray
"""The cells of a column; an array (n,) holds bools or numbers, none of them missing."""

BYTE_ORDER_MARK = "\ufeff"
ALWAYS_MISSING = frozenset({"", "?", "nan", "<na>", "nat", "#n/a", "#na", "#n/a n/a"})
ERRORS = frozenset({"#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"})
MISSING_WORDS = frozenset({"na", "n/a", "none", "null"})
EVERYWHERE = ALWAYS_MISSING | ERRORS
AMONG_NUMBERS = EVERYWHERE | MISSING_WORDS
MOST_COLUMNS = 100_000
"""Columns beyond which a table is refused: the first layer of a network would have millions of weights."""


@dataclass(frozen=True)
class RawTable:
    """The cells of a table by column.

    Attributes:
        source: what the table is called in messages: the name of a file, or ``"x"``.
        columns: the cells of each column, in order. A cell is a text without spaces around it, a bool,
            an int, a float, None where it is missing, or something else that makes no feature. Columns of
            numbers may be arrays, since tables may have millions of cells.
        declared: columns that a data frame declares as categories.
        delimiter: what stood between the cells; None where nothing did.
        notes: what is to be said of how it was read.
        origins: what the user calls the rows; None where nobody knows.
    """

    source: str
    columns: dict[str, ColumnCells]
    declared: frozenset[str] = frozenset()
    delimiter: str | None = None
    notes: tuple[str, ...] = ()
    origins: Origins | None = None

    def __post_init__(self) -> None:
        check_width(len(self.columns), self.source)

    def picked(self, rows: np.ndarray) -> np.ndarray:
        """Return some rows as an array of cells (n, columns)."""
        cells = np.empty((len(rows), len(self.columns)), dtype=object)
        for place, column in enumerate(self.columns.values()):
            few = column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]
            cells[:, place] = listed(few)
        return cells

    def at(self, rows: np.ndarray) -> RawTable:
        """Return the table of some rows."""
        columns: dict[str, ColumnCells] = {
            name: cells[rows] if isinstance(cells, np.ndarray) else [cells[row] for row in rows]
            for name, cells in self.columns.items()
        }
        origins = None if self.origins is None else self.origins.at(rows)
        return replace(self, columns=columns, origins=origins)

    def only(self, names: Collection[str]) -> RawTable:
        """Return the table of some columns."""
        return self.without(set(self.columns) - set(names))

    def without(self, names: Collection[str], notes: Sequence[str] = ()) -> RawTable:
        """Return this table without some columns, and with more to be said of it."""
        kept = {name: cells for name, cells in self.columns.items() if name not in names}
        return replace(self, columns=kept, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class MissingTexts:
    """Which texts stand for missing values.

    By default these are an empty cell, ``?``, ``NaN`` and the errors of spreadsheets in every column,
    and ``NA``, ``N/A``, ``None`` and ``null`` in a column of numbers; beside other texts the latter
    are words like those. An option names exactly the texts instead.

    Attributes:
        texts: the texts of the option; None for the default.
    """

    texts: tuple[str, ...] | None = None
    _exact: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", frozenset(self.texts or ()))

    def always(self, cell: Any) -> bool:
        """Return whether a cell is missing in every column."""
        if cell is None:
            return True
        if self.texts is not None:
            return text_of(cell) in self._exact
        return isinstance(cell, str) and cell.casefold() in EVERYWHERE

    def among_numbers(self, cell: Any) -> bool:
        """Return whether a cell is missing in a column of numbers."""
        if self.texts is not None:
            return self.always(cell)
        return cell is None or (isinstance(cell, str) and cell.casefold() in AMONG_NUMBERS)

    @classmethod
    def of_option(cls, option: object) -> MissingTexts:
        """Make it of the option ``missing``: None, a text, or a list of texts and numbers.

        Raises:
            NASGymError: if it is anything else.
        """
        if option is None:
            return cls()
        values = [option] if isinstance(option, str | Real) else option
        if not isinstance(values, Sequence) or not all(isinstance(value, str | Real) for value in values):
            raise ConfigError(
                f"missing must be a list of texts that stand for missing values, not {option!r}"
            )
        return cls(tuple(clean_text(v) if isinstance(v, str) else text_of(clean_cell(v)) for v in values))


USUAL = MissingTexts()


def check_width(columns: int, source: str) -> None:
    """Refuse a table of more columns than a network can take.

    Raises:
        NASGymError: with the number of columns.
    """
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{source} has {columns:,} columns, and at most {MOST_COLUMNS:,} can be read: choose those that "
            "matter"
        )


def clean_text(text: str) -> str:
    """Return a text without the spaces and byte-order marks around it."""
    stripped = text.strip()
    return stripped.strip(BYTE_ORDER_MARK).strip() if BYTE_ORDER_MARK in stripped else stripped


def clean_cell(value: Any) -> Any:
    """Return a value as a cell of a `RawTable`."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, str):
        return clean_text(str(value))
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        number = float(value)
        return None if math.isnan(number) else number
    return value


def listed(cells: ColumnCells) -> Cells:
    """Return cells as a list; the numbers of an array become Python's."""
    return list(cells.tolist()) if isinstance(cells, np.ndarray) else cells


def array_of(column: Any) -> np.ndarray | None:
    """Return a column as an array of numbers or bools; None where it is of something else or lacks values."""
    try:
        array = np.asarray(column)
    except (TypeError, ValueError):  # a column of missing values, of rows of several lengths and the like
        return None
    fits = array.ndim == 1 and array.dtype.kind in "biuf"
    return array if fits and not (array.dtype.kind == "f" and np.isnan(array).any()) else None


def text_of(cell: Any) -> str:
    """Return a cell as a text; a whole number has no decimals, whatever its type."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def of_rows(source: str, names: Sequence[str], rows: Sequence[Any]) -> RawTable:
    """Return the table of rows, each of which holds a value for each name or is a dict of them by name.

    Raises:
        NASGymError: for a row of another length or without one of the names.
    """
    columns: dict[str, Cells] = {name: [] for name in names}
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Mapping):
            lacking = next((name for name in names if name not in row), None)
            if lacking is not None:
                raise DataError(
                    f"row {number} of {source} lacks {lacking!r}: each row needs {', '.join(names)}"
                )
            values = [row[name] for name in names]
        else:
            values = list(row)
            if len(values) != len(names):
                raise DataError(
                    f"row {number} of {source} has {len(values)} cells for {len(names)} columns: "
                    f"pass {', '.join(names)} in this order"
                )
        for name, value in zip(names, values, strict=True):
            columns[name].append(clean_cell(value))
    return RawTable(source, dict(columns))
