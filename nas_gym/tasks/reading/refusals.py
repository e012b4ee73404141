"""Why columns of a table cannot be read, each in one sentence, and all of a table's in one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.reading.columns import Column
from nas_gym.tasks.reading.dates import parts_of
from nas_gym.tasks.reading.number_forms import PLAIN, exact, forms_of, is_number
from nas_gym.tasks.reading.raw_table import Cells, ColumnCells, MissingTexts, listed, text_of

EXACT = 2**53  # up to here a float64 holds every whole number
SHOWN = 8  # columns that an error lists


def all_of(troubles: Sequence[DataError], source: str) -> DataError:
    """Return one error for several columns."""
    if len(troubles) == 1:
        return troubles[0]
    more = f"; and {len(troubles) - SHOWN} more" if len(troubles) > SHOWN else ""
    told = "; ".join(map(str, troubles[:SHOWN]))
    return DataError(f"{source} has {len(troubles)} columns that cannot be read: {told}{more}")


def check_kinds(name: str, cells: Cells) -> None:
    """Refuse cells that are neither numbers nor texts."""
    for row, cell in enumerate(cells, start=1):
        if cell is not None and not isinstance(cell, str | bool | int | float):
            raise DataError(
                f"column {name!r} has a {type(cell).__name__} in row {row:,}, such as {str(cell)!r}, "
                f"and features are numbers or texts: convert it or leave it out with drop=[{name!r}]"
            )


def mixed(name: str, cells: Cells, numbers: int, missing: MissingTexts) -> DataError:
    """Return the error for a column of numbers of which some cells are none."""
    row, odd = next(
        (row, text_of(cell))
        for row, cell in enumerate(cells, 1)
        if not (missing.among_numbers(cell) or is_number(text_of(cell)))
    )
    return DataError(
        f"column {name!r} has {odd!r} in row {row:,} and {numbers:,} numbers in its {len(cells):,} rows: "
        f"mend it, name it in missing=, or read categories with categorical=[{name!r}]"
    )


def mixed_dates(name: str, cells: Cells, order: str, dates: int, missing: MissingTexts) -> DataError:
    """Return the error for a column of dates of which some cells are none, or are in another order."""
    row, odd = next(
        (row, str(cell))
        for row, cell in enumerate(cells, 1)
        if not missing.among_numbers(cell) and parts_of(cell, order) is None
    )
    return DataError(
        f"column {name!r} has {odd!r} in row {row:,} and {dates:,} dates of another form in its "
        f"{len(cells):,} rows: mend it, name it in missing=, or read categories with categorical=[{name!r}]"
    )


def no_form(name: str, texts: list[str], mark: str | None, *, numeric: bool) -> DataError:
    """Return the error for a column of numbers that are not all in one form.

    Args:
        name: name of the column.
        texts: its numbers.
        mark: what stands before decimals where an option says it.
        numeric: whether an option says that it holds numbers.
    """
    wrong = next((text for text in texts if not forms_of([text], mark)), None)
    if wrong is not None:
        return DataError(
            f"column {name!r} has {wrong!r}, which is not a number where decimals follow {mark!r}: mend "
            f"it, or pass decimal={{{name!r}: {',' if mark == '.' else '.'!r}}}"
        )
    other = next((text for text in texts if not forms_of([texts[0], text], mark)), texts[-1])
    categories = "" if numeric else f", or read categories with categorical=[{name!r}]"
    return DataError(
        f"column {name!r} writes numbers in several ways, such as {texts[0]!r} and {other!r}: "
        f"write them in one way{categories}"
    )


def ambiguous(name: str, texts: list[str], why: str) -> DataError:
    """Return the error for numbers whose mark may be before decimals or between thousands."""
    example = next(text for text in texts if re.search("[.,]", text))
    return DataError(
        f"column {name!r} has numbers such as {example!r}, which may have decimals or thousands, since "
        f"{why}: pass decimal={{{name!r}: '.'}} or decimal={{{name!r}: ','}}"
    )


def ambiguous_dates(name: str, example: str) -> DataError:
    """Return the error for dates whose first number may be the day or the month."""
    return DataError(
        f"column {name!r} has dates such as {example!r}, whose first number may be the day or the month: "
        "pass day_first=True or day_first=False"
    )


def check_values(target: str, cells: Cells, lacking: Sequence[bool]) -> None:
    """Refuse cells of a target of values that are neither numbers nor missing."""
    for row, (cell, is_missing) in enumerate(zip(cells, lacking, strict=True), start=1):
        if is_missing:
            continue
        if not (is_number(cell) if isinstance(cell, str) else isinstance(cell, bool | int | float)):
            raise DataError(
                f"target {target!r} has {str(cell)!r} in row {row:,}, and values are numbers: mend it, "
                "leave that row out, or predict classes with target_kind='classes'"
            )


def check_names(columns: Sequence[Column]) -> None:
    """Refuse columns that would make features of one name."""
    owner: dict[str, str] = {}
    for column in columns:
        for feature in column.feature_names:
            if feature in owner:
                raise DataError(
                    f"columns {owner[feature]!r} and {column.name!r} would both make the feature "
                    f"{feature!r}: rename one of them"
                )
            owner[feature] = column.name


def check_exact(name: str, cells: ColumnCells, values: np.ndarray, missing: MissingTexts) -> None:
    """Refuse different whole numbers that one float64 stands for, such as ids of 21 digits."""
    if not np.abs(values).max(initial=0.0) >= EXACT:  # to which the next whole number is rounded
        return
    cells = listed(cells)
    whole: dict[float, Any] = {}
    for cell, value in zip(cells, values.tolist(), strict=True):
        if missing.among_numbers(cell):
            continue
        if isinstance(cell, str) and PLAIN.fullmatch(cell):
            number: Any = exact(cell)
        elif isinstance(cell, int):
            number = cell
        else:
            continue
        if whole.setdefault(value, number) != number:
            raise DataError(
                f"column {name!r} has different numbers that are equal in 64 bits, such as "
                f"{text_of(cell)!r}: leave it out with drop=[{name!r}], or read codes with "
                f"categorical=[{name!r}]"
            )
