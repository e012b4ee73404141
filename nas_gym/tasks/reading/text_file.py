"""Tables of text: their encoding, what separates their cells, and their lines."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Collection
from csv import Error, field_size_limit, reader
from dataclasses import replace
from io import StringIO

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.reading.file_kinds import READABLE, is_binary
from nas_gym.tasks.reading.number_forms import is_number
from nas_gym.tasks.reading.origins import Origins, at_lines
from nas_gym.tasks.reading.raw_table import BYTE_ORDER_MARK, ColumnCells, RawTable, check_width, clean_text

DELIMITERS = (",", ";", "\t", "|")
LOOKED_AT = 100_000  # characters that the delimiter is recognised by
MARKS = {  # UTF-32 before UTF-16, whose mark it begins with
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # what Excel writes before a table

Line = tuple[int, list[str]]


def decoded(content: bytes, source: str, encoding: str | None = None) -> str:
    """Return the text of a file; a byte-order mark says which UTF it is and is not part of the text.

    Raises:
        NASGymError: if it is in another encoding than UTF-8 without being told, or no text.
    """
    name = next((name for mark, name in MARKS.items() if content.startswith(mark)), encoding)
    if name is None:
        even, odd = content[:2000:2].count(0), content[1:2000:2].count(0)
        crowded = len(content[:2000]) // 4
        name = "utf-16-le" if odd > max(even, crowded) else "utf-16-be" if even > crowded else "utf-8"
    try:
        text = content.decode(name).lstrip(BYTE_ORDER_MARK)
    except LookupError as error:
        raise ConfigError(f"encoding {encoding!r} is not known: pass one like 'latin-1'") from error
    except UnicodeError as error:
        if not isinstance(error, UnicodeDecodeError):  # of a codec that is for something else
            raise DataError(f"{source} cannot be read in the encoding {encoding!r} ({error})") from error
        if encoding is None and is_binary(content):
            raise _no_text(source) from error
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{source} cannot be read as a .csv file in {name.upper()} (byte {content[error.start]:#04x} in "
            f"line {line:,}): save it in UTF-8 or pass encoding=, such as 'latin-1'"
        ) from error
    if text and not text.strip("\0"):
        raise _no_text(source)
    return text


def _no_text(source: str) -> DataError:
    return DataError(
        f"{source} is no text, but full of characters that no text has: bring the whole file or another one; "
        f"{READABLE}"
    )


def text_table(
    text: str, source: str, delimiter: str | None = None, expected: Collection[str] = ()
) -> RawTable:
    """Return the table in a text whose first line names the columns.

    Args:
        text: without a byte-order mark.
        source: what it is called.
        delimiter: the character between cells; None to recognise it.
        expected: names of columns, which tell the delimiter.

    Raises:
        NASGymError: if it has no rows, a line of another length, or a name twice.
    """
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ConfigError(f"delimiter must be one character, not {delimiter!r}")
    first = 1
    if separator := SEPARATOR_LINE.match(text):
        text, delimiter, first = text[separator.end() :], delimiter or separator[1], 2
    mark = _recognised(text, expected) if delimiter is None else delimiter
    check_width(text.partition("\n")[0].count(mark) + 1, source)
    marked = BYTE_ORDER_MARK in text
    if simple := _simple_columns(text, mark):
        header, columns, numbers = simple
        places = at_lines(source, numbers + first)
        return _table(source, _names(header, source), columns, mark, places, marked=marked)
    try:
        lines = _lines(text, mark, first)
    except Error as error:
        if mark == "\t" and (literal := _simple_columns(text, mark, quotes=True)):
            header, columns, numbers = literal
            places = at_lines(source, numbers + first)
            table = _table(source, _names(header, source), columns, mark, places, marked=marked)
            return replace(table, notes=(*table.notes, f"quotes in {source} are read as part of its texts"))
        raise DataError(
            f"{source} cannot be read as a .csv file with the delimiter {mark!r}: {error}"
        ) from error
    if len(lines) < 2:
        raise DataError(f"{source} has no rows: it needs a line of column names and one line an example")
    (_, header), *body = lines
    _fit(header, body)
    names = _names(header, source)
    for line, row in body:
        if len(row) != len(names):
            titled = ", or delete the lines above the names of the columns" if len(names) == 1 else ""
            raise DataError(
                f"line {line} of {source} has {len(row)} cells for {len(names)} columns: mend the line "
                f"or pass another delimiter than {mark!r}{titled}"
            )
    rows = [row for _, row in body]
    columns = [[row[place] for row in rows] for place in range(len(names))]
    places = at_lines(source, [line for line, _ in body])
    return _table(source, names, columns, mark, places, marked=marked)


def _table(
    source: str, names: list[str], columns: list[list[str]], mark: str, places: Origins, *, marked: bool
) -> RawTable:
    """Return the table of columns of cells as they stand, some of them with byte-order marks or none."""
    clean = clean_text if marked else str.strip  # which is several times as fast
    found: dict[str, ColumnCells] = {}
    notes = []
    for name, cells in zip(names, columns, strict=True):
        cleaned = list(map(clean, cells))
        found[name] = cleaned
        notes += _note_spaces(name, cells, cleaned)
    return RawTable(source, found, delimiter=mark, notes=tuple(notes), origins=places)


def _simple_columns(
    text: str, delimiter: str, *, quotes: bool = False
) -> tuple[list[str], list[list[str]], np.ndarray] | None:
    """Return the table in a text whose lines need no more than to be split; None for any other.

    That is, without quotes (or with `quotes` that stand for themselves, as in tables with tabs), with as many
    cells in each line as in the first, and at least two lines. A table of millions of cells is then read
    several times as fast as by a reader of lines.

    Returns:
        The header, the cells of each column, and the numbers of the rows' lines, int64 (n,), from 0.
    """
    text = text.replace("\r\n", "\n")
    if ('"' in text and not quotes) or "\r" in text or delimiter == "\n":
        return None
    every = text.split("\n")
    lines = list(filter(None, every))
    if len(lines) < 2 or len(max(lines, key=len)) > field_size_limit():
        return None
    header, width = lines[0].split(delimiter), 1 + lines[0].count(delimiter)
    if any(line.count(delimiter) != width - 1 for line in lines):
        return None
    cells = delimiter.join(lines[1:]).split(delimiter)
    numbers = np.flatnonzero(np.fromiter(map(bool, every), dtype=bool, count=len(every)))
    return header, [cells[place::width] for place in range(width)], numbers[1:]


def _note_spaces(name: str, cells: list[str], cleaned: list[str]) -> list[str]:
    """Return a note on texts that are one without the spaces around them."""
    if cells == cleaned:
        return []
    first: dict[str, str] = {}
    for cell, text in zip(cells, cleaned, strict=True):
        if first.setdefault(text, cell) != cell and text and not is_number(text):
            return [f"column {name!r} has {first[text]!r} and {cell!r}, which are read as one without spaces"]
    return []


def _recognised(text: str, expected: Collection[str]) -> str:
    """Return the delimiter with most expected names, then the one all lines agree with, then the first."""
    best, found = (0, False, False), ","
    for mark in DELIMITERS:
        try:
            rows = [row for _, row in _lines(text[:LOOKED_AT], mark, strict=False)]
        except Error:
            continue
        if len(text) > LOOKED_AT:
            rows.pop()  # it may be cut off
        if not rows:
            continue
        names = {clean_text(cell) for cell in rows[0]}
        several = len(rows[0]) > 1
        agree = several and all(len(row) == len(rows[0]) for row in rows)
        score = (len(names.intersection(expected)), agree, several)
        if score > best:
            best, found = score, mark
    return found


def _lines(text: str, delimiter: str, first: int = 1, *, strict: bool = True) -> list[Line]:
    """Return the cells of each line that has any, with its number; of a cell of several lines the first.

    Args:
        text: text of a table.
        delimiter: the character between cells.
        first: number of its first line.
        strict: whether quotes in odd places are refused.
    """
    lines = reader(StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    found, number = [], first
    for row in lines:
        if row:
            found.append((number, row))
        number = first + lines.line_num
    return found


def _fit(header: list[str], body: list[Line]) -> None:
    """Name the column of row names that R leaves without one; drop the empty cells that end all lines."""
    if any(len(row) != len(header) + 1 for _, row in body):
        return
    if any(clean_text(row[-1]) for _, row in body):
        header.insert(0, "")
        return
    for _, row in body:
        row.pop()


def _names(header: list[str], source: str) -> list[str]:
    """Return the names of the columns; one without a name, beside the first, is named as pandas names it."""
    names = [clean_text(name) for name in header]
    names = [name or (f"Unnamed: {place}" if place else "") for place, name in enumerate(names)]
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        if 2 * sum(map(is_number, names)) > len(names):
            raise DataError(
                f"the first line of {source} has {repeated!r} twice, so it seems to be an example: "
                "add a line of column names"
            )
        raise DataError(f"{source} has the column {repeated!r} twice: rename one of them")
    return names
