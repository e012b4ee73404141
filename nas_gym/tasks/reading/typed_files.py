"""Tables whose files know the types of their cells: Excel workbooks, Parquet, NumPy's named columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from nas_gym.errors import DataError, NASGymError, unknown
from nas_gym.tasks.reading.origins import Origins, counted
from nas_gym.tasks.reading.raw_table import ColumnCells, RawTable, array_of, clean_cell, clean_text


def excel_table(content: bytes, source: str, sheet: str | None = None) -> RawTable:
    """Return the table of a sheet of an Excel workbook, whose first row names the columns.

    Raises:
        NASGymError: if openpyxl is not installed, or the sheet does not exist or holds no table.
    """
    openpyxl = _needed("openpyxl", source)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        names = list(book.sheetnames)
        if sheet is not None and sheet not in names:
            raise unknown(f"sheet of {source}", sheet, names)
        rows = [list(row) for row in book[sheet or names[0]].iter_rows(values_only=True)]
    except NASGymError:
        raise
    except Exception as error:  # openpyxl raises whatever a damaged file makes it meet
        why = " ".join(str(error).split())
        raise DataError(f"{source} is damaged ({why}) and cannot be read: save it again") from error
    numbers = [number for number, row in enumerate(rows, start=1) if any(cell is not None for cell in row)]
    rows = [rows[number - 1] for number in numbers]
    if len(rows) < 2:
        raise DataError(f"{source} has no rows: it needs a row of column names and one row an example")
    width = max(len(row) for row in rows)
    cells = [[clean_cell(cell) for cell in row] + [None] * (width - len(row)) for row in rows]
    used = [place for place in range(width) if any(row[place] is not None for row in cells)]
    notes = (f"{source} has {len(names)} sheets, of which {names[0]!r} is read: sheet= reads another",)
    header = [("" if cells[0][place] is None else clean_text(str(cells[0][place]))) for place in used]
    columns = [[row[place] for row in cells[1:]] for place in used]
    table = _table(source, header, columns, notes if len(names) > 1 and sheet is None else ())
    return replace(
        table, origins=Origins("row", f"their rows in {source}", np.array(numbers[1:], dtype=np.int64))
    )


def parquet_table(content: bytes, source: str) -> RawTable:
    """Return the table of a Parquet file.

    Raises:
        NASGymError: if pyarrow is not installed or the file is damaged.
    """
    parquet = _needed("pyarrow.parquet", source)
    try:
        table = parquet.read_table(io.BytesIO(content))
        names = [str(name) for name in table.column_names]
        categories = [str(field.type).startswith("dictionary") for field in table.schema]
        columns = [
            None if is_category else array_of(column)
            for column, is_category in zip(table.columns, categories, strict=True)
        ]
        cells = [
            [clean_cell(cell) for cell in column.to_pylist()] if numbers is None else numbers
            for column, numbers in zip(table.columns, columns, strict=True)
        ]
    except Exception as error:  # pyarrow raises whatever a damaged file makes it meet
        why = " ".join(str(error).split())
        raise DataError(f"{source} is damaged ({why}) and cannot be read: write it again") from error
    declared = {name for name, is_category in zip(names, categories, strict=True) if is_category}
    return replace(_table(source, names, cells), declared=frozenset(declared))


def numpy_table(content: bytes, source: str) -> RawTable:
    """Return the table of an ``.npy`` file that has named columns.

    Raises:
        NASGymError: if it is damaged, holds Python objects, or has no named columns.
    """
    array = numpy_array(content, source)
    if not array.dtype.names or array.ndim != 1:
        raise DataError(
            f"{source} holds one array of shape {array.shape}, and a task needs examples and labels: save "
            "both with numpy.savez('data.npz', x=x, y=y), since an .npz file can be read"
        )
    return structured_table(array, source)


def numpy_array(content: bytes, source: str) -> np.ndarray:
    """Return the array of an ``.npy`` file.

    Raises:
        NASGymError: if it is damaged or holds Python objects.
    """
    try:
        array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        if "pickle" in str(error):
            raise DataError(
                f"{source} holds Python objects, which are never loaded since they can run code: "
                "save numeric arrays, or texts as x.astype(str)"
            ) from error
        raise DataError(
            f"{source} is damaged ({error}) and cannot be read: write it again with numpy.save"
        ) from error
    return array


def structured_table(array: np.ndarray, source: str) -> RawTable:
    """Return the table of an array with named columns."""
    names = list(array.dtype.names or ())
    columns = [array_of(array[name]) for name in names]
    cells = [
        [clean_cell(cell) for cell in array[name].tolist()] if numbers is None else numbers
        for name, numbers in zip(names, columns, strict=True)
    ]
    return _table(source, names, cells)


def _table(
    source: str, names: Sequence[str], columns: Sequence[ColumnCells], notes: tuple[str, ...] = ()
) -> RawTable:
    named: dict[str, ColumnCells] = {}
    for place, (name, cells) in enumerate(zip(names, columns, strict=True)):
        unique = name or (f"Unnamed: {place}" if place else "")
        if unique in named:
            raise DataError(f"{source} has the column {unique!r} twice: rename one of them")
        named[unique] = cells
    if not named or not len(columns[0]):
        raise DataError(f"{source} has no rows: it needs named columns and one row an example")
    return RawTable(source, named, notes=notes, origins=counted("row", source, len(columns[0])))


def _needed(module: str, source: str) -> Any:
    """Return a module that is not a dependency."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise DataError(
            f"{source} cannot be read without {package}: install it with pip install 'nas-gym[data]', or "
            "save the table as .csv"
        ) from error
