"""How columns of cells become features, kept so that new rows become the same features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from nas_gym.errors import DataError, unknown
from nas_gym.tasks.reading.date_column import DateColumn
from nas_gym.tasks.reading.number_forms import PLAIN, PLAIN_FORM, NumberForm, all_plain
from nas_gym.tasks.reading.raw_table import (
    USUAL,
    Cells,
    ColumnCells,
    MissingTexts,
    RawTable,
    listed,
    text_of,
)

SHOWN = 8  # categories or columns that an error lists
NEARLY = 1e-3  # from 0 and 1, for features that were standardised and back
TRUTH = {"true": 1.0, "false": 0.0}
FILL = "fill them or leave those rows out, since none was missing in training"


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: one feature, and one more that is 1 where a cell is missing.

    Attributes:
        name: name of the column and of the feature.
        form: how its texts are written.
        truth: whether its values were True and False, which are 1 and 0, as their names are then.
        fill: the number that a missing cell becomes; None where missing cells are refused.
        flagged: whether a feature says which cells are missing.
    """

    name: str
    form: NumberForm = PLAIN_FORM
    truth: bool = False
    fill: float | None = None
    flagged: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features."""
        return (self.name, missing_name(self.name)) if self.flagged else (self.name,)

    @property
    def fills(self) -> tuple[float, ...] | None:
        """What fills the features of a missing cell; None where it is refused."""
        return None if self.fill is None else (self.fill,)

    def encode(self, cells: ColumnCells, missing: MissingTexts, source: str) -> np.ndarray:
        """Return the numbers, and 1 where one was missing if the column is flagged, float64 (n, 1 or 2).

        Raises:
            NASGymError: naming the first row whose cell is missing, where that is refused, or is not a finite
                number of this form.
        """
        if self.fill is None:
            return self._values(cells, missing, source)
        gaps = self._gaps(cells, missing)
        present = [cell for cell, gone in zip(listed(cells), gaps[:, 0].tolist(), strict=True) if not gone]
        if self.form == PLAIN_FORM and not self.truth and all_plain(present):
            values = np.full((len(cells), 1), self.fill)
            values[gaps == 0] = np.fromiter(map(float, present), np.float64, len(present))
            self._check_finite(values, cells, source)
        else:
            values = self._values(cells, missing, source)
        return np.concatenate([values, gaps], axis=1) if self.flagged else values

    def _gaps(self, cells: ColumnCells, missing: MissingTexts) -> np.ndarray:
        """Return 1 where a cell is missing, else 0, float64 (n, 1)."""
        if missing.texts is None and (isinstance(cells, np.ndarray) or all_plain(cells)):
            return np.zeros((len(cells), 1))
        return np.array([[missing.among_numbers(cell)] for cell in listed(cells)], dtype=np.float64)

    def _values(self, cells: ColumnCells, missing: MissingTexts, source: str) -> np.ndarray:
        plain = self.form == PLAIN_FORM and not self.truth
        if missing.texts is not None:
            values = self._one_by_one(listed(cells), missing, source)
        elif isinstance(cells, np.ndarray):
            values = cells.astype(np.float64)[:, None]
        elif set(map(type, cells)) <= {bool, float} or (plain and all_plain(cells)):
            values = np.fromiter(map(float, cells), np.float64, len(cells))[:, None]
        else:
            values = self._one_by_one(cells, missing, source)
        self._check_finite(values, cells, source)
        return values

    def _check_finite(self, values: np.ndarray, cells: ColumnCells, source: str) -> None:
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values[:, 0]))[0])
            cell = listed(cells)[row]
            raise DataError(
                f"column {self.name!r} of {source} has {cell!r} in row {row + 1:,}, which is not a "
                "finite number: mend it or leave that row out"
            )

    def _one_by_one(self, cells: Cells, missing: MissingTexts, source: str) -> np.ndarray:
        values = np.empty((len(cells), 1))
        for row, cell in enumerate(cells):
            if isinstance(cell, str):
                number = self._read(cell, missing)
            else:
                number = _float(cell) if isinstance(cell, bool | int | float) else None
                number = None if missing.among_numbers(cell) else number
            if number is None and self.fill is not None and missing.among_numbers(cell):
                number = self.fill
            if number is None:
                raise self._refusal(row, cells, missing, source)
            values[row] = number
        return values

    def _read(self, cell: str, missing: MissingTexts) -> float | None:
        if missing.among_numbers(cell):
            return None
        return TRUTH.get(cell.casefold()) if self.truth else self.form.value(cell)

    def _refusal(self, row: int, cells: Cells, missing: MissingTexts, source: str) -> DataError:
        cell = cells[row]
        if missing.among_numbers(cell):
            return missing_values(self.name, [missing.among_numbers(each) for each in cells], FILL)
        expected = "a number" if self.form == PLAIN_FORM else f"a number with {self.form.words()}"
        return DataError(
            f"column {self.name!r} of {source} has {cell!r} in row {row + 1:,}, expected {expected}: "
            "mend it or leave that row out"
        )

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this column."""
        return {
            "kind": "number",
            "name": self.name,
            "form": self.form.config(),
            "truth": self.truth,
            "fill": self.fill,
            "flagged": self.flagged,
        }


@dataclass(frozen=True)
class CategoryColumn:
    """A column of texts: one feature of 0 and 1 for each text, named ``column=text``.

    Attributes:
        name: name of the column.
        texts: the categories, in the order of the features.
        gaps: whether missing cells are one more category, the last; else they are refused.
    """

    name: str
    texts: tuple[str, ...]
    gaps: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features."""
        last = (missing_name(self.name),) if self.gaps else ()
        return (*(f"{self.name}={text}" for text in self.texts), *last)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: place for place, text in enumerate(self.texts)}

    @cached_property
    def _by_value(self) -> dict[float, int | None]:
        """The place of each category that is a number, by its value; None where two have one value."""
        places: dict[float, int | None] = {}
        for place, text in enumerate(self.texts):
            if PLAIN.fullmatch(text):
                value = float(text)
                places[value] = None if value in places else place
        return places

    def encode(self, cells: ColumnCells, missing: MissingTexts, source: str) -> np.ndarray:
        """Return zeros and ones, float64 (n, categories).

        Raises:
            NASGymError: naming the first row whose cell is missing, where that is refused, or is none of the
                categories.
        """
        cells = listed(cells)
        features = np.zeros((len(cells), len(self.feature_names)))
        for row, cell in enumerate(cells):
            place = self._place(cell)
            if place is None and self.gaps and missing.among_numbers(cell):
                place = len(self.texts)
            if place is None:
                if missing.among_numbers(cell):
                    raise missing_values(self.name, [self._place(each) is None for each in cells], FILL)
                shown = ", ".join(map(repr, self.texts[:SHOWN]))
                more = f" and {len(self.texts) - SHOWN:,} more" if len(self.texts) > SHOWN else ""
                raise DataError(
                    f"column {self.name!r} of {source} has {cell!r} in row {row + 1:,}, which is none of its "
                    f"categories: known: {shown}{more}"
                )
            features[row, place] = 1.0
        return features

    def _place(self, cell: Any) -> int | None:
        place = None if cell is None else self._places.get(text_of(cell))
        # A code such as "007" arrives as the number 7 from whatever read its file as numbers.
        if place is None and isinstance(cell, int | float) and not isinstance(cell, bool):
            place = self._by_value.get(_float(cell))
        return place

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this column."""
        return {"kind": "category", "name": self.name, "texts": list(self.texts), "gaps": self.gaps}


Column = NumberColumn | CategoryColumn | DateColumn


@dataclass(frozen=True)
class TableEncoder:
    """How the columns of a table become features.

    Attributes:
        columns: in the order of their features.
        missing: which texts stand for missing values.
    """

    columns: tuple[Column, ...]
    missing: MissingTexts = USUAL

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @cached_property
    def places(self) -> tuple[tuple[Column, slice], ...]:
        """Each column, and where its features are among those of the table."""
        ends = accumulate(len(column.feature_names) for column in self.columns)
        return tuple(
            (column, slice(end - len(column.feature_names), end))
            for column, end in zip(self.columns, ends, strict=True)
        )

    def encode(self, table: RawTable) -> np.ndarray:
        """Return the features of a table's rows, float64 (n, features); its columns may be in any order.

        Raises:
            NASGymError: if a column is missing, or a cell is missing, unknown or not a number.
        """
        lacking = [name for name in self.names if name not in table.columns]
        if lacking:
            raise unknown_columns(lacking, table)
        parts = [
            column.encode(table.columns[column.name], self.missing, table.source) for column in self.columns
        ]
        return np.concatenate(parts, axis=1)

    def check(self, x: np.ndarray) -> None:
        """Check that features which came encoded have one category in each column of categories.

        Features that say whether a number is missing are checked, too.

        Raises:
            NASGymError: naming the first row that has none or several.
        """
        for column, place in self.places:
            features = x[:, place]
            if not isinstance(column, CategoryColumn):
                _check_flags(column, features)
                continue
            one = np.isclose(features.max(axis=1), 1, atol=NEARLY) & np.isclose(
                np.abs(features).sum(axis=1), 1, atol=NEARLY
            )
            if not one.all():
                raise DataError(
                    f"row {int(np.flatnonzero(~one)[0]) + 1:,} of x is of no category of column "
                    f"{column.name!r}: set one of {', '.join(column.feature_names[:SHOWN])} to 1 and the "
                    "others to 0"
                )

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description that `from_config` makes this encoder of."""
        texts = None if self.missing.texts is None else list(self.missing.texts)
        return {"columns": [column.config() for column in self.columns], "missing": texts}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TableEncoder:
        """Return the encoder that a description is of."""
        columns = tuple(_column(each) for each in config["columns"])
        texts = None if config["missing"] is None else tuple(config["missing"])
        return cls(columns, MissingTexts(texts))

    @classmethod
    def of_numbers(cls, names: Sequence[str]) -> TableEncoder:
        """Return the encoder of columns of plain numbers."""
        return cls(tuple(NumberColumn(name) for name in names))


def _column(config: Mapping[str, Any]) -> Column:
    # Encoders that were written before missing cells had a meaning know neither fills nor gaps.
    if config["kind"] == "number":
        return NumberColumn(
            config["name"],
            NumberForm(**config["form"]),
            config["truth"],
            config.get("fill"),
            config.get("flagged", False),
        )
    if config["kind"] == "date":
        fills = None if config["fills"] is None else tuple(config["fills"])
        parts = tuple(config["parts"])
        return DateColumn(config["name"], config["order"], parts, fills, config["flagged"])
    return CategoryColumn(config["name"], tuple(config["texts"]), config.get("gaps", False))


def _check_flags(column: NumberColumn | DateColumn, features: np.ndarray) -> None:
    """Check that the feature which says whether a number or date is missing is 0 or 1."""
    if not column.flagged:
        return
    flags = features[:, -1]
    good = np.isclose(flags, 0, atol=NEARLY) | np.isclose(flags, 1, atol=NEARLY)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise DataError(
            f"row {row + 1:,} of x has {flags[row]:g} for {column.feature_names[-1]!r}, expected 0 or 1: "
            f"pass 1 where {column.name!r} is missing, else 0"
        )


def missing_name(name: str) -> str:
    """Return the name of the feature that says where a column's cells are missing."""
    return f"{name} is missing"


def missing_values(name: str, missing: Sequence[bool], remedy: str) -> DataError:
    """Return the error for a column in which values are missing.

    Args:
        name: name of the column.
        missing: for each row, whether its value is missing.
        remedy: what to do.
    """
    return DataError(
        f"column {name!r} misses {sum(missing):,} of {len(missing):,} values, "
        f"the first in row {missing.index(True) + 1:,}: {remedy}"
    )


def unknown_columns(names: Sequence[str], table: RawTable) -> DataError:
    """Return the error for columns that a table lacks, the first with the nearest that it has."""
    first = unknown("column", names[0], table.columns)
    if len(names) == 1:
        return DataError(f"{table.source} lacks a column that the network was trained on, {first}")
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return DataError(
        f"{table.source} lacks {len(names):,} columns that the network was trained on, "
        f"{', '.join(map(repr, names[:SHOWN]))}{more}; {first}"
    )


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number beyond float64
        return math.inf
