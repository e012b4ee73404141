"""Files of the user's tables, whatever their kind, as cells by column."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.reading import file_kinds
from nas_gym.tasks.reading.raw_table import RawTable
from nas_gym.tasks.reading.text_file import decoded, text_table
from nas_gym.tasks.reading.typed_files import excel_table, numpy_table, parquet_table


def read_table(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    expected: Collection[str] = (),
) -> RawTable:
    """Return the table in a file; what kind of file it is is told by its contents.

    Args:
        path: path of the file.
        delimiter: the character between the cells of a table of text; None to recognise it.
        encoding: encoding of a table of text; None for UTF-8, and UTF-16 and UTF-32 with a byte-order mark.
        sheet: name of a workbook's sheet; None for the first.
        expected: names of columns that help to recognise the delimiter.

    Raises:
        NASGymError: if it holds no table, or none that can be read.
    """
    for option, value in (("encoding", encoding), ("sheet", sheet)):
        if value is not None and not isinstance(value, str):
            raise ConfigError(f"{option} must be a text, not {value!r}")
    found = file_kinds.contents_of(path)
    if found.kind != "excel" and sheet is not None:
        raise ConfigError(f"{path.name} is no workbook and has no sheet {sheet!r}: leave sheet out")
    match found.kind:
        case "excel":
            return excel_table(found.content, path.name, sheet)
        case "parquet":
            return parquet_table(found.content, path.name)
        case "npy":
            return numpy_table(found.content, path.name)
        case "npz":
            raise DataError(
                f"{path.name} is an .npz file of arrays without columns: pass it without a target, as "
                "{'name': 'npz', 'path': ...}"
            )
        case _:
            text = decoded(found.content, path.name, encoding)
            table = text_table(text, path.name, delimiter, expected)
            return table.without((), [found.note]) if found.note else table
