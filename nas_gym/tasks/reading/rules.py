"""How the cells of a table are read: the one rule, for files and data frames alike.

Each column is given one reading, by the first of these that fits its cells. A reading that is not plain
is said in one line, and what may be meant otherwise is refused.

1. A column named in ``categorical``: categories, the texts as they stand.
2. Numbers and bools of Python, NumPy, Excel, Parquet or a data frame: these numbers.
3. Dates, such as ``2024-12-31``, ``31.12.2024 18:30`` or ``Dec 31, 2024``, as texts or from a data frame:
   their year, month, day, weekday and, if there are times, hour as numbers, and said. Where all may have
   the day or the month first, as ``03/04/2024`` may, this is refused; ``day_first`` says which. Dates
   beside other texts, or in several orders, are refused.
4. Whole numbers in texts, of which some begin with 0, such as ``007``: codes, so categories, and said;
   ``numeric`` says that they are numbers.
5. Plain numbers in ASCII, such as ``12``, ``-0.5``, ``1.2e-3``: these numbers; said where one looks like a
   code, such as ``1e5`` or ``07.5``. Where all may have points between thousands, as ``1.234`` may, this is
   said if semicolons are between cells, and refused if some have no point, as ``950``, or another column has
   a decimal comma; ``decimal`` says which.
6. Numbers in one other form, such as ``7,5``, ``1,234.50``, ``5%``, ``$9.50``, ``(12)`` or ``1 234``: the
   numbers that they stand for, and said. Where all may be in two forms, as ``1,234`` may, the comma stands
   between thousands, and before decimals if semicolons are between cells or another column has a decimal
   comma; refused if another number of the column has four digits and no comma; ``decimal`` says which.
7. Numbers in several forms, such as ``7,5`` and ``7.5``: refused.
8. Numbers in at least half of the cells, and other texts, such as ``1O``: refused with the first of them.
9. Anything else: categories, the texts as they stand; said where one begins like a number, or
   they differ in numbers only. More than ``max_categories`` of them are left out, and said; where nobody says
   how many, more than 50 are taken if each stands in 3 rows or more, on average, and said, too, and
   texts that differ in every row, of 20 rows or more, such as names, are left out, and said.

Spaces around a text are no part of it. Which texts are missing values is told by `MissingTexts`. A missing
number is filled and flagged by a feature of its own, see `nas_gym.tasks.fitting`, and a missing text is one
more category; ``impute=False`` refuses both. A column without any value is left out, and said. ``inf``,
``1_000`` and digits of other scripts are texts. Labels are never numbers: see
`nas_gym.tasks.targets.read_classes`. A target of values always is: its numbers are read by 2, 5, 6 and 7,
those that begin with 0, too, and any other text is refused. Where several columns are refused, all are
named in one message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.reading.columns import CategoryColumn, Column, NumberColumn, TableEncoder, missing_values
from nas_gym.tasks.reading.date_column import DateColumn, date_column, most_usual_order, orders_of
from nas_gym.tasks.reading.dates import parts_of
from nas_gym.tasks.reading.number_forms import (
    PLAIN,
    PLAIN_FORM,
    NumberForm,
    all_plain,
    forms_of,
    is_number,
    taken_apart,
)
from nas_gym.tasks.reading.options import USUAL_CATEGORIES, ReadingOptions
from nas_gym.tasks.reading.raw_table import USUAL, Cells, ColumnCells, RawTable, listed, text_of
from nas_gym.tasks.reading.refusals import (
    all_of,
    ambiguous,
    ambiguous_dates,
    check_exact,
    check_kinds,
    check_names,
    mixed,
    mixed_dates,
    no_form,
)

LOOKED_AT = 100  # cells by which most columns are known to hold no dates
EACH_ITS_OWN = 20  # rows from which texts that all differ, such as names, are no categories
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
    reader = Reader(table, options)
    troubles: list[DataError] = []
    columns, parts = [], []
    for name in table.columns:
        try:
            column = reader.column(name)
            if column is not None:
                parts.append(column.encode(reader.cells(column), options.missing, table.source))
                columns.append(column)
                if isinstance(column, NumberColumn):
                    check_exact(name, table.columns[name], parts[-1][:, 0], options.missing)
        except DataError as error:
            troubles.append(error)
    if troubles:
        raise all_of(troubles, table.source)
    if not columns:
        raise DataError(f"{table.source} has no column that can be a feature: {'; '.join(reader.notes)}")
    check_names(columns)
    return TableEncoder(tuple(columns), options.missing), np.concatenate(parts, axis=1), reader.notes


class Reader:
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
        self._lacking = {
            name: list(map(options.missing.among_numbers, cells))
            for name, cells in self._cells.items()
            if name not in self._plain
        }
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
        if (dates := self._dates(name, cells)) is not None:
            return dates
        check_kinds(name, cells)
        missing = self.options.missing
        if name in self.options.categorical:
            return self._categories(name, cells, self._gaps(name, cells, missing.always))
        if not any(isinstance(cell, str) for cell in cells):
            gaps = self._gaps(name, cells, missing.always)
            values = [cell for cell in cells if cell is not None]
            return self._numbers_of(name, gaps, truth=all(isinstance(cell, bool) for cell in values))
        texts = self._texts(name, cells)
        numbers = len(texts) if all_plain(texts) else sum(map(is_number, texts))
        if 2 * numbers >= len(texts) or name in self.options.numeric:
            self._refuse_gaps(name, self._gaps_among_numbers(name))
            if numbers < len(texts):
                raise mixed(name, cells, numbers, self.options.missing)
            return self._number_column(name, cells, texts)
        categories = self._categories(name, cells, self._gaps(name, cells, missing.always))
        if categories is not None:
            self._note_categories(name, cells, texts)
        return categories

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
        if not self.options.impute:
            return False
        if name in self.options.categorical:
            return all(map(self.options.missing.always, cells))
        return all(self._lacking[name])

    def _gaps(self, name: str, cells: Cells, is_missing: Callable[[Any], bool]) -> list[bool]:
        """Return which cells are missing, and refuse them unless they may be."""
        gaps = list(map(is_missing, cells))
        self._refuse_gaps(name, gaps)
        return gaps

    def _refuse_gaps(self, name: str, gaps: list[bool]) -> None:
        if any(gaps) and not self.options.impute:
            remedy = f"fill them, leave those rows out, or the column with drop=[{name!r}]"
            raise missing_values(name, gaps, remedy)

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
        texts = self._texts(name, cells)
        if texts and all_plain(texts) and mark != ",":
            return [PLAIN_FORM]
        if not texts or not all(map(is_number, texts)):
            return []
        if mark == "," and all(PLAIN.fullmatch(text) and "." not in text for text in texts):
            return [PLAIN_FORM]  # whole numbers, of which the mark says nothing
        return forms_of(texts, mark)

    def _texts(self, name: str, cells: Cells) -> list[str]:
        """Return the cells of a column that are not missing if it is one of numbers, as texts."""
        if name in self._plain:
            return cells
        return [text_of(cell) for cell, gone in zip(cells, self._lacking[name], strict=True) if not gone]

    def _dates(self, name: str, cells: Cells) -> DateColumn | None:
        """Return the reading of a column as dates; None where it holds none."""
        if name in self.options.categorical | self.options.numeric:
            return None
        lacking = self._lacking.get(name) or [False] * len(cells)
        known = [cell for cell, gone in zip(cells, lacking, strict=True) if not gone]
        for looked_at in (known[:LOOKED_AT], known):
            order, dates = most_usual_order(looked_at)
            if not dates or 2 * dates < len(looked_at):
                return None
        if dates < len(known):
            raise mixed_dates(name, cells, order, dates, self.options.missing)
        self._refuse_gaps(name, lacking)
        column = date_column(name, known, self._order(name, known), gaps=any(lacking))
        year, month, day = map(int, parts_of(known[0], column.order)[:3])  # type: ignore[index]
        self.notes.append(
            f"column {name!r} is read as dates, {str(known[0])!r} as {year}-{month:02d}-{day:02d}, which "
            f"give {', '.join(column.parts)}: categorical=[{name!r}] reads categories"
        )
        return column

    def _order(self, name: str, known: Cells) -> str:
        """Return the order of year, month and day in dates."""
        orders = orders_of(known)
        if "ymd" in orders or len(orders) == 1:
            return orders[0]
        first = self.options.day_first
        if first is None and all("." in text for text in known):
            return "dmy"  # as no one writes the month first
        if first is None:
            raise ambiguous_dates(name, next(text for text in known if isinstance(text, str)))
        return "dmy" if first else "mdy"

    def _number_column(self, name: str, cells: Cells, texts: list[str]) -> Column | None:
        forms, mark = self._written[name], self.options.mark(name)
        if not forms:
            raise no_form(name, texts, mark, numeric=name in self.options.numeric)
        if PLAIN_FORM in forms and (name in self._plain or all(map(PLAIN.fullmatch, texts))):
            lines = "\n" + "\n".join(texts) + "\n"  # searched at once, several times as fast as one by one
            if mark is None and "." in lines:
                self._check_points(name, texts)
            gaps = self._gaps_among_numbers(name)
            padded = _first(A_PADDED, lines)
            if padded is not None and name not in self.options.numeric and all(map(str.isdigit, texts)):
                self.notes.append(
                    f"column {name!r} is read as {len(set(texts)):,} codes, since {padded!r} begins with 0: "
                    f"numeric=[{name!r}] reads numbers"
                )
                return self._categories(name, cells, gaps)
            self._note_plain(name, padded or _first(A_CODE, lines))
            return self._numbers_of(name, gaps)
        return self._numbers_of(name, self._gaps_among_numbers(name), self._other_form(name, texts, forms))

    def _gaps_among_numbers(self, name: str) -> list[bool]:
        """Return which cells are missing if a column is one of numbers; [] where none is."""
        return self._lacking.get(name, [])

    def _other_form(self, name: str, texts: list[str], forms: list[NumberForm]) -> NumberForm:
        form, sure = forms[0], len(forms) == 1
        if not sure:
            if form.decimal == "." and not form.thousands and any("." not in text for text in texts):
                raise ambiguous(name, texts, "some have no point")
            if any(len(re.match(r"\d*", _body(text))[0]) > 3 for text in texts):  # type: ignore[index]
                raise ambiguous(name, texts, "not every number of four digits has a mark")
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
            raise ambiguous(name, texts, "other columns have decimal commas")
        if any("." not in text for text in texts):
            raise ambiguous(name, texts, "some have no point")
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
        missing = self.options.missing
        words = [cell for cell in cells if missing.among_numbers(cell) and not missing.always(cell)]
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

    def _categories(self, name: str, cells: Cells, gaps: Sequence[bool]) -> CategoryColumn | None:
        """Return the categories of a column; None where they are too many, and nobody asked for them."""
        known = [text_of(cell) for place, cell in enumerate(cells) if not (gaps and gaps[place])]
        texts = sorted(set(known))
        most = self.options.most_categories(len(known))
        if len(texts) > most:
            odd = next((text for text in known if not is_number(text)), texts[0])
            numbers = f", read its numbers with numeric=[{name!r}]" if all(map(is_number, texts)) else ""
            many = (
                f"column {name!r} has {len(texts):,} different texts, such as {odd!r}, more than "
                f"max_categories={most}"
            )
            if name in self.options.categorical - self.table.declared:
                raise DataError(f"{many}: leave it out with drop=[{name!r}], or raise max_categories")
            mend = "mend it if it is a number, " if LIKE_A_NUMBER.match(odd) else ""
            self.notes.append(f"{many}, and is left out: {mend}raise max_categories to use it{numbers}")
            return None
        if len(texts) == len(known) >= EACH_ITS_OWN and not self._asked_for(name):
            self.notes.append(
                f"column {name!r} has another text in every row, such as {known[0]!r}, and is left out: "
                f"categorical=[{name!r}] uses it"
            )
            return None
        if len(texts) > max(USUAL_CATEGORIES, self.options.max_categories or 0):
            each = len(known) / len(texts)
            self.notes.append(
                f"column {name!r} has {len(texts):,} categories, each in {each:.1f} rows on average: leave "
                f"it out with drop=[{name!r}] if new rows will have others"
            )
        return CategoryColumn(name, tuple(texts), any(gaps))

    def _asked_for(self, name: str) -> bool:
        """Return whether someone said that a column, or a column with so many texts, is one of categories."""
        return name in self.options.categorical or self.options.max_categories is not None


def _first(pattern: re.Pattern[str], lines: str) -> str | None:
    """Return the first line that a pattern finds."""
    found = pattern.search(lines)
    return None if found is None else found[1]


def _body(text: str) -> str:
    parts = taken_apart(text)
    assert parts is not None
    return parts.body
