"""How the cells of a table are read: the one rule, for files and data frames alike.

Each column is given one reading, by the first of these that fits its cells. A reading that is not plain
is said in one line, and what may be meant otherwise is refused.

1. A column named in ``categorical``: categories, the texts as they stand.
2. Numbers and bools of Python, NumPy, Excel, Parquet or a data frame: these numbers.
3. Whole numbers in texts, of which some begin with 0, such as ``007``: codes, so categories, and said;
   ``numeric`` says that they are numbers.
4. Plain numbers in ASCII, such as ``12``, ``-0.5``, ``1.2e-3``: these numbers; said where one looks like a
   code, such as ``1e5`` or ``07.5``. Where all may have points between thousands, as ``1.234`` may, this is
   said if semicolons are between cells, and refused if some have no point, as ``950``, or another column has
   a decimal comma; ``decimal`` says which.
5. Numbers in one other form, such as ``7,5``, ``1,234.50``, ``5%``, ``$9.50``, ``(12)`` or ``1 234``: the
   numbers that they stand for, and said. Where all may be in two forms, as ``1,234`` may, the comma stands
   between thousands, and before decimals if semicolons are between cells or another column has a decimal
   comma; refused if another number of the column has four digits and no comma; ``decimal`` says which.
6. Numbers in several forms, such as ``7,5`` and ``7.5``: refused.
7. Numbers in at least half of the cells, and other texts, such as ``1O``: refused with the first of them.
8. Anything else: categories, the texts as they stand; said where one begins like a number, or
   they differ in numbers only.

Spaces around a text are no part of it. Which texts are missing values is told by `MissingTexts`. A missing
number is filled and flagged by a feature of its own, see `nas_gym.tasks.fitting`, and a missing text is one
more category; ``impute=False`` refuses both. A column without any value is left out, and said. ``inf``,
``1_000`` and digits of other scripts are texts. Labels are never numbers: see `nas_gym.tasks.labels`. A
target of values always is: its numbers are read by 2, 4, 5 and 6, those that begin with 0, too, and any
other text is refused. Where several columns are refused, all are named in one message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.reading.columns import CategoryColumn, Column, NumberColumn, TableEncoder, missing_values
from nas_gym.tasks.reading.number_forms import (
    PLAIN,
    PLAIN_FORM,
    NumberForm,
    all_plain,
    exact,
    forms_of,
    is_number,
    taken_apart,
)
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import USUAL, Cells, ColumnCells, RawTable, listed, text_of

SHOWN = 8  # columns that an error lists
EXACT = 2**53  # up to here a float64 holds every whole number
LIKE_A_NUMBER = re.compile(r"[\W_]{0,2}\d")
A_CODE = re.compile(r"\n([+-]?(?:0[0-9]|[0-9]+[eE][0-9])[^\n]*)")
A_PADDED = re.compile(r"\n(0[0-9]+)(?=\n)")
MARK = re.compile("[., ']")
THOUSANDS = re.compile(r"[+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]{1,3})")
DIGITS = re.compile(r"\d[\d.,]*")


def read_columns(table: RawTable, options: ReadingOptions) -> tuple[TableEncoder, np.ndarray, list[str]]:
    """Return the features of a table, how they were made, and what is to be said of it.

    Returns:
        The encoder, the features as float64 (n, features), and notes.

    Raises:
        NASGymError: naming each column that can be read in several ways or in none, or misses values where
            that is refused.
    """
    reader = _Reader(table, options)
    troubles: list[DataError] = []
    columns, parts = [], []
    for name in table.columns:
        try:
            column = reader.column(name)
            if column is not None:
                parts.append(column.encode(reader.cells(column), options.missing, table.source))
                columns.append(column)
                if isinstance(column, NumberColumn):
                    _check_exact(name, table.columns[name], parts[-1][:, 0], options)
        except DataError as error:
            troubles.append(error)
    if troubles:
        raise _all_of(troubles, table.source)
    if not columns:
        raise DataError(f"{table.source} has no column that can be a feature: {'; '.join(reader.notes)}")
    _check_names(columns)
    return TableEncoder(tuple(columns), options.missing), np.concatenate(parts, axis=1), reader.notes


def read_values(
    table: RawTable, target: str, options: ReadingOptions
) -> tuple[np.ndarray, list[bool], list[str]]:
    """Return the numbers of a target column, which rows lack one, and what is to be said of them.

    They are read as those of a feature beside the other columns, which tell of decimal commas.

    Returns:
        Numbers, float64 (n,), those that are missing arbitrary; whether each is missing; notes.

    Raises:
        NASGymError: if all are missing, one is not a number, or they can be read in several ways.
    """
    if target in options.categorical - table.declared:
        raise ConfigError(
            f"column {target!r} is in categorical, and target_kind='values' predicts its numbers: leave it "
            "out of one of them"
        )
    cells = table.columns[target]
    lacking = [options.missing.among_numbers(cell) for cell in listed(cells)]
    if all(lacking):
        raise missing_values(target, lacking, "a target needs values")
    if not isinstance(cells, np.ndarray):
        for row, cell in enumerate(cells, start=1):
            if lacking[row - 1]:
                continue
            if not (is_number(cell) if isinstance(cell, str) else isinstance(cell, bool | int | float)):
                raise DataError(
                    f"target {target!r} has {str(cell)!r} in row {row:,}, and values are numbers: mend it, "
                    "leave that row out, or predict classes with target_kind='classes'"
                )
    # Whatever a number looks like, the user says that it is one.
    numbers = replace(
        options,
        categorical=options.categorical - {target},
        numeric=options.numeric | {target},
        impute=True,
    )
    reader = _Reader(table, numbers)
    column = reader.column(target)
    assert column is not None, "it has values"
    values = column.encode(cells, options.missing, table.source)
    return values[:, 0], lacking, reader.notes


class _Reader:
    """The readings of the columns of one table.

    Attributes:
        notes: what is to be said of them.
    """

    def __init__(self, table: RawTable, options: ReadingOptions) -> None:
        self.table = table
        self.options = options
        self.notes: list[str] = []
        # Most columns hold plain numbers and nothing else; whatever else they may be is looked at only for
        # the others, since a table may have millions of cells.
        usual = {
            name: cells
            for name, cells in table.columns.items()
            if options.missing == USUAL and name not in options.categorical
        }
        self._arrays = {name: cells for name, cells in usual.items() if isinstance(cells, np.ndarray)}
        self._cells = {
            name: listed(cells) for name, cells in table.columns.items() if name not in self._arrays
        }
        self._plain = {name for name, cells in self._cells.items() if name in usual and all_plain(cells)}
        self._written = {name: self._numbers(name, cells) for name, cells in self._cells.items()}
        self._decimal_comma = any(
            len(forms) == 1 and forms[0].decimal == "," for forms in self._written.values()
        )

    def column(self, name: str) -> Column | None:
        """Return the reading of a column; None where it is left out."""
        if name in self._arrays:
            return NumberColumn(name, truth=self._arrays[name].dtype == bool)
        cells = self._cells[name]
        if name in self._plain and self._written[name]:
            return self._number_column(name, cells, cells)
        if self._is_empty(name, cells):
            self.notes.append(f"column {name!r} has no values and is left out")
            return None
        self._check_values(name, cells)
        missing = self.options.missing
        if name in self.options.categorical:
            return self._categories(name, cells, self._gaps(name, cells, missing.always))
        if not any(isinstance(cell, str) for cell in cells):
            gaps = self._gaps(name, cells, missing.always)
            values = [cell for cell in cells if cell is not None]
            return self._numbers_of(name, gaps, truth=all(isinstance(cell, bool) for cell in values))
        texts = self._texts(cells)
        numbers = sum(map(is_number, texts))
        if 2 * numbers >= len(texts) or name in self.options.numeric:
            self._gaps(name, cells, missing.among_numbers)
            if numbers < len(texts):
                raise self._mixed(name, cells, numbers)
            return self._number_column(name, cells, texts)
        gaps = self._gaps(name, cells, missing.always)
        self._note_categories(name, cells, texts)
        return self._categories(name, cells, gaps)

    def cells(self, column: Column) -> ColumnCells:
        """Return the cells of a column, as numbers where it is known to hold plain ones."""
        if isinstance(column, NumberColumn) and column.name in self._plain and column.form == PLAIN_FORM:
            cells = self._cells[column.name]
            numbers = np.fromiter(map(float, cells), np.float64, len(cells))
            if np.isfinite(numbers).all():  # else who encodes them says which is not
                return numbers
        return self.table.columns[column.name]

    def _is_empty(self, name: str, cells: Cells) -> bool:
        """Return whether all cells of a column are missing, and may be."""
        missing = self.options.missing
        is_missing = missing.always if name in self.options.categorical else missing.among_numbers
        return self.options.impute and all(map(is_missing, cells))

    def _gaps(self, name: str, cells: Cells, is_missing: Callable[[Any], bool]) -> list[bool]:
        """Return which cells are missing, and refuse them unless they may be."""
        gaps = list(map(is_missing, cells))
        if any(gaps) and not self.options.impute:
            remedy = f"fill them, leave those rows out, or the column with drop=[{name!r}]"
            raise missing_values(name, gaps, remedy)
        return gaps

    def _numbers_of(
        self, name: str, gaps: Sequence[bool], form: NumberForm = PLAIN_FORM, *, truth: bool = False
    ) -> NumberColumn:
        """Return a column of numbers; what fills its gaps is told by the training part later."""
        return NumberColumn(name, form, truth, 0.0 if any(gaps) else None, any(gaps))

    def _numbers(self, name: str, cells: Cells) -> list[NumberForm]:
        """Return the forms that a column of numbers may be written in; none for any other column."""
        mark = self.options.mark(name)
        if name in self._plain and mark != ",":
            return [PLAIN_FORM]
        if name in self.options.categorical or not any(isinstance(cell, str) for cell in cells):
            return []
        texts = self._texts(cells)
        if not texts or not all(map(is_number, texts)):
            return []
        if mark == "," and all(PLAIN.fullmatch(text) and "." not in text for text in texts):
            return [PLAIN_FORM]  # whole numbers, of which the mark says nothing
        return forms_of(texts, mark)

    def _texts(self, cells: Cells) -> list[str]:
        """Return the cells of a column that are not missing if it is one of numbers, as texts."""
        return [text_of(cell) for cell in cells if not self.options.missing.among_numbers(cell)]

    def _number_column(self, name: str, cells: Cells, texts: list[str]) -> Column:
        forms, mark = self._written[name], self.options.mark(name)
        if not forms:
            raise self._no_form(name, texts, mark)
        if PLAIN_FORM in forms and (name in self._plain or all(map(PLAIN.fullmatch, texts))):
            lines = "\n" + "\n".join(texts) + "\n"  # searched at once, several times as fast as one by one
            if mark is None and "." in lines:
                self._check_points(name, texts)
            gaps = self._gaps_among_numbers(name, cells)
            padded = _first(A_PADDED, lines)
            if padded is not None and name not in self.options.numeric and all(map(str.isdigit, texts)):
                self.notes.append(
                    f"column {name!r} is read as {len(set(texts)):,} codes, since {padded!r} begins with 0: "
                    f"numeric=[{name!r}] reads numbers"
                )
                return self._categories(name, cells, gaps)
            self._note_plain(name, padded or _first(A_CODE, lines))
            return self._numbers_of(name, gaps)
        return self._numbers_of(
            name, self._gaps_among_numbers(name, cells), self._other_form(name, texts, forms)
        )

    def _gaps_among_numbers(self, name: str, cells: Cells) -> list[bool]:
        return [] if name in self._plain else list(map(self.options.missing.among_numbers, cells))

    def _other_form(self, name: str, texts: list[str], forms: list[NumberForm]) -> NumberForm:
        form, sure = forms[0], len(forms) == 1
        if not sure:
            if form.decimal == "." and not form.thousands and any("." not in text for text in texts):
                raise self._ambiguous(name, texts, "some have no point")
            if any(len(re.match(r"\d*", _body(text))[0]) > 3 for text in texts):  # type: ignore[index]
                raise self._ambiguous(name, texts, "not every number of four digits has a mark")
            comma = self._decimal_comma or self.table.delimiter == ";"
            form = next((each for each in forms if (each.decimal == ",") == comma), form)
        marked = [text for text in texts if MARK.search(_body(text))]
        odd = [text for text in texts if not PLAIN.fullmatch(text)]
        example = next((text for text in odd if text in marked), (odd or marked)[0])
        other = "," if form.decimal == "." else "."
        remedy = "" if sure else f"; decimal={{{name!r}: {other!r}}} reads it otherwise"
        self.notes.append(
            f"column {name!r} is read as numbers with {form.words()}, {example!r} as "
            f"{form.value(example):.12g}{remedy}"
        )
        return form

    def _check_points(self, name: str, texts: list[str]) -> None:
        """Refuse, or say, that points in plain numbers may be between thousands."""
        if not all(map(THOUSANDS.fullmatch, texts)):
            return
        pointed = next(text for text in texts if "." in text)
        if self._decimal_comma:
            raise self._ambiguous(name, texts, "other columns have decimal commas")
        if any("." not in text for text in texts):
            raise self._ambiguous(name, texts, "some have no point")
        if self.table.delimiter == ";":
            self.notes.append(
                f"column {name!r} is read as numbers, {pointed!r} as {float(pointed):.12g}; "
                f"decimal={{{name!r}: ','}} reads it otherwise"
            )

    def _note_plain(self, name: str, odd: str | None) -> None:
        if odd is not None and name not in self.options.numeric:
            self.notes.append(
                f"column {name!r} is read as numbers, {odd!r} as {float(odd):.12g}: "
                f"categorical=[{name!r}] reads codes"
            )

    def _note_categories(self, name: str, cells: Cells, texts: list[str]) -> None:
        words = [cell for cell in cells if self.options.missing.among_numbers(cell)]
        if words:
            word, count = words[0], words.count(words[0])
            self.notes.append(
                f"column {name!r} has {word!r} in {count:,} of {len(cells):,} rows, read as a category like "
                f"its other texts: missing=[{word!r}] says that it is a missing value"
            )
        different = set(texts)
        odd = next((text for text in texts if LIKE_A_NUMBER.match(text)), None)
        if odd is None and len(different) > 1 and len({DIGITS.sub("0", text) for text in different}) == 1:
            odd = texts[0]  # such as "Rs 500" and "Rs 1,200"
        if odd is not None:
            self.notes.append(
                f"column {name!r} is read as {len(different):,} categories, although {odd!r} is like a "
                f"number: mend it if it is one, or confirm with categorical=[{name!r}]"
            )

    def _categories(self, name: str, cells: Cells, gaps: Sequence[bool]) -> CategoryColumn:
        known = [text_of(cell) for place, cell in enumerate(cells) if not (gaps and gaps[place])]
        texts = sorted(set(known))
        if len(texts) > self.options.max_categories:
            odd = next((text for text in known if not is_number(text)), texts[0])
            numbers = f", read its numbers with numeric=[{name!r}]" if all(map(is_number, texts)) else ""
            raise DataError(
                f"column {name!r} has {len(texts):,} different texts, such as {odd!r}, more than "
                f"max_categories={self.options.max_categories}: mend it{numbers}, leave it out with "
                f"drop=[{name!r}], or raise max_categories"
            )
        return CategoryColumn(name, tuple(texts), any(gaps))

    def _check_values(self, name: str, cells: Cells) -> None:
        for row, cell in enumerate(cells, start=1):
            if cell is not None and not isinstance(cell, str | bool | int | float):
                raise DataError(
                    f"column {name!r} has a {type(cell).__name__} in row {row:,}, such as {str(cell)!r}, "
                    f"and features are numbers or texts: convert it or leave it out with drop=[{name!r}]"
                )

    def _mixed(self, name: str, cells: Cells, numbers: int) -> DataError:
        row, odd = next(
            (row, text_of(cell))
            for row, cell in enumerate(cells, 1)
            if not (self.options.missing.among_numbers(cell) or is_number(text_of(cell)))
        )
        return DataError(
            f"column {name!r} has {odd!r} in row {row:,} and {numbers:,} numbers in its {len(cells):,} rows: "
            f"mend it, name it in missing=, or read categories with categorical=[{name!r}]"
        )

    def _no_form(self, name: str, texts: list[str], mark: str | None) -> DataError:
        wrong = next((text for text in texts if not forms_of([text], mark)), None)
        if wrong is not None:
            return DataError(
                f"column {name!r} has {wrong!r}, which is not a number where decimals follow {mark!r}: mend "
                f"it, or pass decimal={{{name!r}: {',' if mark == '.' else '.'!r}}}"
            )
        other = next((text for text in texts if not forms_of([texts[0], text], mark)), texts[-1])
        categories = f", or read categories with categorical=[{name!r}]" * (name not in self.options.numeric)
        return DataError(
            f"column {name!r} writes numbers in several ways, such as {texts[0]!r} and {other!r}: "
            f"write them in one way{categories}"
        )

    def _ambiguous(self, name: str, texts: list[str], why: str) -> DataError:
        example = next(text for text in texts if re.search("[.,]", text))
        return DataError(
            f"column {name!r} has numbers such as {example!r}, which may have decimals or thousands, since "
            f"{why}: pass decimal={{{name!r}: '.'}} or decimal={{{name!r}: ','}}"
        )


def _first(pattern: re.Pattern[str], lines: str) -> str | None:
    """Return the first line that a pattern finds."""
    found = pattern.search(lines)
    return None if found is None else found[1]


def _body(text: str) -> str:
    parts = taken_apart(text)
    assert parts is not None
    return parts.body


def _check_names(columns: Sequence[Column]) -> None:
    owner: dict[str, str] = {}
    for column in columns:
        for feature in column.feature_names:
            if feature in owner:
                raise DataError(
                    f"columns {owner[feature]!r} and {column.name!r} would both make the feature "
                    f"{feature!r}: rename one of them"
                )
            owner[feature] = column.name


def _all_of(troubles: Sequence[DataError], source: str) -> DataError:
    """Return one error for several columns."""
    if len(troubles) == 1:
        return troubles[0]
    more = f"; and {len(troubles) - SHOWN} more" if len(troubles) > SHOWN else ""
    listed_troubles = "; ".join(map(str, troubles[:SHOWN]))
    return DataError(f"{source} has {len(troubles)} columns that cannot be read: {listed_troubles}{more}")


def _check_exact(name: str, cells: ColumnCells, values: np.ndarray, options: ReadingOptions) -> None:
    """Refuse different whole numbers that one float64 stands for, such as ids of 21 digits."""
    if not np.abs(values).max(initial=0.0) >= EXACT:  # to which the next whole number is rounded
        return
    cells = listed(cells)
    whole: dict[float, Any] = {}
    for cell, value in zip(cells, values.tolist(), strict=True):
        if options.missing.among_numbers(cell):
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
