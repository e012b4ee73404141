"""Data frames as tables: pandas, polars and whatever else has named columns, none of them imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.reading.origins import index_of
from nas_gym.tasks.reading.raw_table import ColumnCells, RawTable, array_of, clean_cell
from nas_gym.tasks.reading.typed_files import structured_table


def is_frame(x: Any) -> bool:
    """Return whether x has columns with names; those of pandas that are only numbered are none."""
    if isinstance(x, np.ndarray):
        return x.dtype.names is not None and x.ndim == 1
    names = _names(x)
    return names is not None and names != list(range(len(names)))


def is_numbered_as(x: Any, names: Sequence[str]) -> bool:
    """Return whether x has columns that are only numbered, and these numbers are names that are known."""
    found = None if isinstance(x, np.ndarray) else _names(x)
    return found is not None and set(names) <= set(map(str, found))


def single_column(y: Any) -> Any:
    """Return the column of a data frame that has one; anything else as it is."""
    names = None if isinstance(y, np.ndarray) else _names(y)
    return y[names[0]] if names is not None and len(names) == 1 else y


def frame_table(frame: Any, source: str) -> RawTable:
    """Return the table of a data frame.

    Raises:
        NASGymError: if two of its columns have one name.
    """
    if isinstance(frame, np.ndarray):
        return structured_table(frame, source)
    columns: dict[str, ColumnCells] = {}
    declared = set()
    for name in _names(frame) or []:
        text, column = str(name), _column(frame, name, source)
        if text in columns or np.ndim(column) > 1:
            raise DataError(f"{source} has the column {text!r} twice: rename one of them")
        columns[text] = _cells(column)
        # What a frame declares as categories is never numbers, even if it looks like them.
        if str(getattr(column, "dtype", "")).lower().startswith(("category", "categorical", "enum")):
            declared.add(text)
    rows = len(next(iter(columns.values()), ()))
    return RawTable(source, columns, frozenset(declared), origins=index_of(frame, rows))


def of_mapping(columns: Mapping[Any, Any], source: str) -> RawTable:
    """Return the table of a dict, of columns or of one row.

    Raises:
        NASGymError: if its columns differ in length.
    """
    listed = {
        str(name): [values] if isinstance(values, str) or np.ndim(values) == 0 else list(values)
        for name, values in columns.items()
    }
    if len({len(values) for values in listed.values()}) > 1:
        raise DataError(f"the columns of {source} differ in length: pass columns of one length, or one row")
    return RawTable(
        source, {name: [clean_cell(value) for value in values] for name, values in listed.items()}
    )


def _column(frame: Any, name: Any, source: str) -> Any:
    try:
        return frame[name]
    except (TypeError, KeyError) as error:
        raise DataError(
            f"{source} is a {type(frame).__name__}, whose column {str(name)!r} cannot be taken out: pass a "
            "data frame in memory, of a lazy one that of collect()"
        ) from error


def _names(frame: Any) -> list[Any] | None:
    """Return the names of a frame's columns; None for anything that is not a frame."""
    names = getattr(frame, "column_names", getattr(frame, "columns", None))
    if names is None or callable(names) or not hasattr(frame, "__getitem__") or isinstance(frame, Mapping):
        return None
    return list(names)


def _cells(column: Any) -> ColumnCells:
    numbers = array_of(column)
    if numbers is not None:
        return numbers
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            return [clean_cell(value) for value in getattr(column, method)()]
    return [clean_cell(value) for value in column]
