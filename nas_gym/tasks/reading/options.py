"""What a user says of how the columns of a table are to be read, checked against the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas_gym.errors import ConfigError, unknown
from nas_gym.tasks.reading.raw_table import USUAL, MissingTexts, RawTable

USUAL_CATEGORIES, MANY_CATEGORIES = 50, 1_000
"""Most different texts of a column of categories: of any, and of one whose texts repeat."""
ROWS_OF_EACH = 3
"""Rows that each text of many stands in, on average, so that something can be learned of it."""


@dataclass(frozen=True)
class ReadingOptions:
    """What the user says of how columns are to be read.

    Attributes:
        categorical: columns of numbers to be treated as categories.
        numeric: columns of codes such as ``007`` to be read as numbers.
        max_categories: most different texts of a column of categories; None for 50, or up to 1,000 where
            each stands in 3 rows or more, on average.
        decimal: what stands before the decimals of numbers, ``"."`` or ``","``, in every column or in
            some by name; a column that is not named tells by its cells.
        missing: which texts stand for missing values.
        impute: whether columns may have missing values; else these are refused.
        day_first: whether dates such as ``03/04/2024`` have the day first; None where nobody said it.
    """

    categorical: frozenset[str] = frozenset()
    numeric: frozenset[str] = frozenset()
    max_categories: int | None = None
    decimal: str | Mapping[str, str] | None = None
    missing: MissingTexts = USUAL
    impute: bool = True
    day_first: bool | None = None

    def most_categories(self, rows: int) -> int:
        """The most different texts of a column of categories with so many rows."""
        if self.max_categories is not None:
            return self.max_categories
        return max(USUAL_CATEGORIES, min(MANY_CATEGORIES, rows // ROWS_OF_EACH))

    def mark(self, name: str) -> str | None:
        """The mark before decimals in a column, where it is known."""
        return self.decimal.get(name) if isinstance(self.decimal, Mapping) else self.decimal

    @classmethod
    def of(
        cls,
        table: RawTable,
        categorical: Sequence[str],
        numeric: Sequence[str],
        max_categories: int | None,
        decimal: str | Mapping[str, str] | None,
        missing: object,
        impute: object = True,
        day_first: object = None,
    ) -> ReadingOptions:
        """Check options against the table that they are for.

        Raises:
            NASGymError: naming the option that does not fit.
        """
        if max_categories is not None and (
            isinstance(max_categories, bool) or not isinstance(max_categories, int) or max_categories < 1
        ):
            raise ConfigError(f"max_categories must be a whole number of at least 1, not {max_categories!r}")
        if isinstance(decimal, Mapping):
            chosen("decimal", list(decimal), table)
        marks = list(decimal.values()) if isinstance(decimal, Mapping) else [decimal or "."]
        if not all(isinstance(mark, str) and mark in (".", ",") for mark in marks):
            raise ConfigError(f"decimal must be '.' or ',', or a dict of them by column, not {decimal!r}")
        if not isinstance(impute, bool):
            raise ConfigError(f"impute must be true or false, not {impute!r}")
        if not (day_first is None or isinstance(day_first, bool)):
            raise ConfigError(f"day_first must be true or false, not {day_first!r}")
        texts, numbers = chosen("categorical", categorical, table), chosen("numeric", numeric, table)
        if both := texts & numbers:
            raise ConfigError(
                f"column {min(both)!r} is in categorical and in numeric: leave it out of one of them"
            )
        return cls(
            texts | (table.declared - numbers),
            numbers,
            max_categories,
            decimal,
            MissingTexts.of_option(missing),
            impute,
            day_first,
        )


def chosen(option: str, names: Sequence[str], table: RawTable) -> frozenset[str]:
    """The columns that an option names, one of which may be given as a text.

    Raises:
        NASGymError: if a name is not that of a column.
    """
    if not isinstance(names, Sequence):
        raise ConfigError(f"{option} must be a list of column names, not {names!r}")
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        if not isinstance(name, str) or name not in table.columns:
            raise unknown(f"column in {option}", name, table.columns)
    return frozenset(listed)
