"""What a user says of which examples go to which part: columns of a table, a file beside it, or arrays."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.division import Division
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.reading.dates import parts_of
from nas_gym.tasks.reading.file_kinds import is_file
from nas_gym.tasks.reading.frames import single_column
from nas_gym.tasks.reading.number_forms import PLAIN
from nas_gym.tasks.reading.raw_table import (
    USUAL,
    Cells,
    ColumnCells,
    MissingTexts,
    RawTable,
    clean_cell,
    listed,
    text_of,
)
from nas_gym.tasks.reading.table_file import read_table

WORDS = {
    **dict.fromkeys(("train", "training", "fit", "learn"), 0),
    **dict.fromkeys(("validation", "valid", "validate", "val", "dev"), 1),
    **dict.fromkeys(("test", "testing", "holdout", "hold-out", "evaluation", "eval"), 2),
}
"""What parts are called, in small letters."""
PART_COLUMNS = ("split", "part", "subset", "set")
"""Names of the column of a file beside a table that says the part, where it has several columns."""
DATE_ORDERS = {True: ("ymd", "dmy"), False: ("ymd", "mdy"), None: ("ymd", "dmy", "mdy")}


CLOCK_END = re.compile(
    r":[0-9]{2}(?:[.,](?P<fraction>[0-9]+))? ?(?:[AP]M)? ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?$",
    re.IGNORECASE,
)
"""The end of a time in a text: fractions of its seconds, and its zone."""


def divide_table(
    table: RawTable,
    split: object,
    group: object,
    time: object,
    gap: object = 0,
    *,
    missing: MissingTexts = USUAL,
    day_first: bool | None = None,
) -> tuple[Division | None, frozenset[str]]:
    """Return what the columns of a table say of the split, and the columns that are no features for it.

    Args:
        table: the table.
        split: column that says train, validation or test, or path of a table that does, a row for each row;
            None for neither.
        group: column of groups that must stay together; None for none.
        time: column of times or numbers that order the rows; None for none.
        gap: rows left out before later parts, of an order by time.
        missing: which texts stand for missing values.
        day_first: whether dates such as ``03/04/2024`` have the day first.

    Raises:
        NASGymError: if there is no such column, or a cell of it cannot be used.
    """
    _check_gap(gap, time)
    used, names, parts = set(), [], None
    if split is not None:
        if isinstance(split, str) and split in table.columns:
            name, cells = f"column {split!r}", listed(table.columns[split])
            used.add(split)
        else:
            name, cells = _beside(split, table)
        parts = parts_of_cells(cells, name)
        names.append(("parts", name))
    found: dict[str, tuple[str, Cells]] = {}
    for option, what, given in (("group", "groups", group), ("time", "times", time)):
        if given is None:
            continue
        if not isinstance(given, str) or given not in table.columns:
            raise unknown(f"column in {option}", given, table.columns)
        used.add(given)
        name = f"column {given!r}"
        names.append((what, name))
        found[what] = (name, _complete(name, listed(table.columns[given]), missing))
    return _division(parts, found, gap, names, day_first), frozenset(used)


def beside(split: object, columns: Collection[str]) -> dict[str, str]:
    """Return the option ``split`` as a task's spec records it where it is the path of a file."""
    if split is None or split in columns:
        return {}
    return {"split": str(Path(str(split)).expanduser().resolve())}


def divide_frame(
    table: RawTable, split: Any, group: Any, time: Any, gap: object, day_first: bool | None
) -> tuple[Division | None, frozenset[str]]:
    """Return what columns of a data frame, or arrays beside it, say of the split, and these columns.

    Raises:
        NASGymError: as `divide_arrays`, or if there is no such column.
    """
    used: set[str] = set()
    given: list[Any] = []
    called: list[str] = []
    for option, value in (("split", split), ("group", group), ("time", time)):
        if not isinstance(value, str):
            given.append(value)
            called.append(option)
        elif value in table.columns:
            given.append(listed(table.columns[value]))
            called.append(f"column {value!r}")
            used.add(value)
        else:
            raise unknown(f"column in {option}", value, table.columns)
    rows = len(next(iter(table.columns.values()), ()))
    one, two, three = given
    return divide_arrays(one, two, three, gap, rows, called, day_first), frozenset(used)


def divide_arrays(
    split: Any,
    group: Any,
    time: Any,
    gap: object,
    examples: int,
    called: Sequence[str] = ("split", "group", "time"),
    day_first: bool | None = None,
) -> Division | None:
    """Return what arrays say of the split, a value for each example; None where all are None.

    Args:
        split: ``"train"``, ``"validation"`` or ``"test"`` of each.
        group: its group.
        time: its time, a number or a date.
        gap: examples left out before later parts, of an order by time.
        examples: number of examples.
        called: what the arrays are called.
        day_first: whether dates such as ``03/04/2024`` have the day first.

    Raises:
        NASGymError: if an array is of another length, or a value of it cannot be used.
    """
    _check_gap(gap, time)
    columns: list[tuple[str, Cells] | None] = []
    for name, given in zip(called, (split, group, time), strict=True):
        columns.append(None if given is None else (name, _cells_of(name, given, examples)))
    parts, groups, times = columns
    keys = (("parts", parts), ("groups", groups), ("times", times))
    found = {what: (one[0], _complete(one[0], one[1], USUAL)) for what, one in keys[1:] if one is not None}
    return _division(
        None if parts is None else parts_of_cells(parts[1], parts[0]),
        found,
        gap,
        [(what, one[0]) for what, one in keys if one is not None],
        day_first,
    )


def parts_of_cells(cells: Cells, name: str) -> np.ndarray:
    """Return the part of each example, int64 (n,), of the words of `WORDS`.

    Raises:
        NASGymError: naming the first cell that is none of them.
    """
    places = np.zeros(len(cells), dtype=np.int64)
    for row, cell in enumerate(cells):
        place = WORDS.get(str(cell).strip().casefold())
        if place is None:
            what = "nothing" if cell in (None, "") else repr(str(cell))
            raise DataError(
                f"{name} has {what} in row {row + 1:,}, expected train, validation or test: mend it, or "
                "leave split out"
            )
        places[row] = place
    return places


def _division(
    parts: np.ndarray | None,
    found: dict[str, tuple[str, Cells]],
    gap: Any,
    names: list[tuple[str, str]],
    day_first: bool | None,
) -> Division | None:
    groups = times = None
    clock: Sequence[Any] = ()
    if "groups" in found:
        texts = [text_of(cell) for cell in found["groups"][1]]
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        groups = np.array([places[text] for text in texts], dtype=np.int64)
    if "times" in found:
        name, clock = found["times"]
        times = _times(name, clock, day_first)
    if parts is None and groups is None and times is None:
        return None
    return Division(parts, groups, times, int(gap), clock, tuple(names))


def times_of(name: str, column: ColumnCells, day_first: bool | None) -> tuple[Cells, np.ndarray]:
    """Return the cells of a column of times as they were written, and as numbers that grow, float64 (n,).

    Raises:
        NASGymError: if one is missing, or neither a number nor a date in the order of the others.
    """
    cells = _complete(name, column, USUAL)
    return cells, _times(name, cells, day_first)


def _times(name: str, cells: Cells, day_first: bool | None) -> np.ndarray:
    """Return cells as numbers that grow with time, float64 (n,)."""
    if all(_is_plain(cell) for cell in cells):
        return np.array([float(cell) for cell in cells])
    orders = [
        order for order in DATE_ORDERS[day_first] if all(parts_of(cell, order) is not None for cell in cells)
    ]
    if not orders:
        row, odd = _odd(cells)
        raise DataError(
            f"{name} orders the examples and has {odd!r} in row {row:,}, which is neither a number nor a "
            "date in the order of the others: mend it, or leave time out"
        )
    if len(orders) > 1 and any(_moment(cell, orders[0]) != _moment(cell, orders[1]) for cell in cells):
        raise DataError(
            f"{name} has dates such as {str(cells[0])!r}, whose first number may be the day or the month: "
            "pass day_first=True or day_first=False"
        )
    _check_zones(name, cells)
    return np.array([_moment(cell, orders[0]) for cell in cells])


def _odd(cells: Cells) -> tuple[int, str]:
    """Return the row and text of a cell that is not like most."""
    numbers = sum(_is_plain(cell) for cell in cells)
    if 2 * numbers > len(cells):
        fits = [_is_plain(cell) for cell in cells]
    else:
        counts = {order: [parts_of(cell, order) is not None for cell in cells] for order in DATE_ORDERS[None]}
        fits = max(counts.values(), key=sum)
    row = fits.index(False)
    return row + 1, str(cells[row])


def _beside(split: object, table: RawTable) -> tuple[str, Cells]:
    """Return the cells of a file that says the part of each row of a table."""
    if not isinstance(split, str | Path) or not is_file(Path(split).expanduser()):
        error = unknown("column in split", split, table.columns)
        raise ConfigError(f"{error}, and there is no such file either")
    path = files.existing(split, "table")
    beside = read_table(path, expected=PART_COLUMNS)
    columns = list(beside.columns)
    named = next((name for name in columns if name.casefold() in PART_COLUMNS), None)
    if named is None and len(columns) != 1:
        raise ConfigError(
            f"{path.name} has the columns {', '.join(columns[:8])}: name the one that says train, validation "
            "or test 'split'"
        )
    cells = listed(beside.columns[named or columns[0]])
    rows = len(next(iter(table.columns.values())))
    if len(cells) != rows:
        raise DataError(
            f"{path.name} says the part of {len(cells):,} rows, and {table.source} has {rows:,}: "
            "write one line for each row, below a header"
        )
    return f"the file {path.name}", cells


def _cells_of(name: str, given: Any, examples: int) -> Cells:
    if isinstance(given, str) or not hasattr(given, "__len__") or np.ndim(given) == 0:
        raise ConfigError(f"{name} must hold one value for each example, not {given!r}: pass an array (n,)")
    given = single_column(given)
    values = given.tolist() if isinstance(given, np.ndarray) and given.dtype.kind != "M" else list(given)
    if len(values) != examples or np.ndim(given) != 1:
        held = f"{len(values):,}" if np.ndim(given) == 1 else f"an array of shape {np.shape(given)}"
        raise DataError(
            f"{name} must hold one value for each of the {examples:,} examples, not {held}: pass an "
            "array (n,)"
        )
    cells = []
    for value in values:
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()
        cells.append(clean_cell(value.decode() if isinstance(value, bytes) else value))
    return cells


def _complete(name: str, cells: ColumnCells, missing: MissingTexts) -> Cells:
    """Return cells, none of which is missing."""
    cells = listed(cells)
    lacking = [missing.always(cell) for cell in cells]
    if any(lacking):
        raise DataError(
            f"{name} splits the examples and misses {sum(lacking):,} of {len(cells):,} values, the first in "
            f"row {lacking.index(True) + 1:,}: fill them, or leave those rows out"
        )
    return cells


def _check_gap(gap: object, time: object) -> None:
    if whole(gap) is None or gap < 0:  # type: ignore[operator]
        raise ConfigError(f"gap must be a whole number of examples, at least 0, not {gap!r}")
    if gap and time is None:
        raise ConfigError("gap is of an order by time, and there is none: pass time, or leave gap out")


def _moment(cell: Any, order: str) -> float:
    """Return a date as microseconds since the year 2000; a text is taken without its zone."""
    if isinstance(cell, datetime):
        zone = None if cell.tzinfo is None else UTC
        return float((cell - datetime(2000, 1, 1, tzinfo=zone)) // timedelta(microseconds=1))
    parts = parts_of(cell, order)
    assert parts is not None
    year, month, day, _, hour = parts
    days = date(int(year), int(month), int(day)).toordinal() - date(2000, 1, 1).toordinal()
    clock = CLOCK_END.search(str(cell))
    fraction = float(f"0.{clock['fraction']}") if clock and clock["fraction"] else 0.0
    return float((days * 86400 + round(hour * 3600)) * 10**6 + round(fraction * 10**6))


def _check_zones(name: str, cells: Cells) -> None:
    """Refuse times that cannot be compared: some with a zone and some without, or texts of several zones."""
    zones: dict[str, Any] = {}
    for cell in cells:
        zones.setdefault(_zone(cell), cell)
    if len(zones) > 1:
        one, other, *_ = zones.values()
        raise DataError(
            f"{name} has times of several zones, {str(one)!r} and {str(other)!r}: write all in one zone"
        )


def _zone(cell: Any) -> str:
    """Return the zone in which a time is taken, "" for none."""
    if isinstance(cell, date):
        return "" if not isinstance(cell, datetime) or cell.tzinfo is None else "+0000"
    clock = CLOCK_END.search(str(cell))
    zone = clock["zone"] if clock else None
    return "" if zone is None else "+0000" if zone.isalpha() else zone.replace(":", "")


def _is_plain(cell: Any) -> bool:
    return isinstance(cell, int | float) or PLAIN.fullmatch(text_of(cell)) is not None
