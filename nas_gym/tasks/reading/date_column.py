"""Columns of dates: their parts as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.reading.dates import ORDERS, parts_of
from nas_gym.tasks.reading.raw_table import Cells, ColumnCells, MissingTexts, listed

PARTS = ("year", "month", "day", "weekday", "hour")


@dataclass(frozen=True)
class DateColumn:
    """A column of dates: one feature for each part, named ``column year`` and so on.

    Attributes:
        name: name of the column.
        order: how its dates are written, one of `nas_gym.tasks.reading.dates.ORDERS`.
        parts: the parts that are features, of `PARTS`.
        fills: what the parts of a missing date become; None where missing dates are refused.
        flagged: whether a feature says which dates are missing.
    """

    name: str
    order: str
    parts: tuple[str, ...]
    fills: tuple[float, ...] | None = None
    flagged: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features."""
        last = (f"{self.name} is missing",) if self.flagged else ()
        return (*(f"{self.name} {part}" for part in self.parts), *last)

    def encode(self, cells: ColumnCells, missing: MissingTexts, source: str) -> np.ndarray:
        """Return the parts, and 1 where a date was missing if the column is flagged, float64 (n, features).

        Raises:
            NASGymError: naming the first row whose cell is missing, where that is refused, or is not a date.
        """
        cells = listed(cells)
        places = [PARTS.index(part) for part in self.parts]
        features = np.zeros((len(cells), len(self.feature_names)))
        for row, cell in enumerate(cells):
            found = None if missing.always(cell) else parts_of(cell, self.order)
            if found is not None:
                features[row, : len(places)] = [found[place] for place in places]
            elif self.fills is not None and missing.among_numbers(cell):
                features[row] = (*self.fills, *([1.0] if self.flagged else []))
            else:
                raise self._refusal(row, cells, missing, source)
        return features

    def _refusal(self, row: int, cells: Cells, missing: MissingTexts, source: str) -> DataError:
        if missing.among_numbers(cells[row]):
            count = sum(map(missing.among_numbers, cells))
            return DataError(
                f"column {self.name!r} misses {count:,} of {len(cells):,} dates, the first in row "
                f"{row + 1:,}: fill them or leave those rows out, since none was missing in training"
            )
        example = {"ymd": "2024-12-31", "dmy": "31.12.2024", "mdy": "12/31/2024"}[self.order]
        return DataError(
            f"column {self.name!r} of {source} has {str(cells[row])!r} in row {row + 1:,}, expected a date "
            f"such as {example}: mend it or leave that row out"
        )

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this column."""
        fills = None if self.fills is None else list(self.fills)
        return {
            "kind": "date",
            "name": self.name,
            "order": self.order,
            "parts": list(self.parts),
            "fills": fills,
            "flagged": self.flagged,
        }


def most_usual_order(cells: Sequence[Any]) -> tuple[str, int]:
    """Return the order in which most cells are dates, and how many are."""
    counts = {order: sum(parts_of(cell, order) is not None for cell in cells) for order in ORDERS}
    order = max(counts, key=counts.__getitem__)
    return order, counts[order]


def orders_of(cells: Sequence[Any]) -> list[str]:
    """Return the orders in which all these cells are dates."""
    return [order for order in ORDERS if all(parts_of(cell, order) is not None for cell in cells)]


def date_column(name: str, cells: Sequence[Any], order: str, *, gaps: bool) -> DateColumn:
    """Return the column of dates, with the hour as a part if some have another than midnight."""
    timed = any(found[-1] for cell in cells if (found := parts_of(cell, order)) is not None)
    parts = PARTS if timed else PARTS[:-1]
    return DateColumn(name, order, parts, (0.0,) * len(parts) if gaps else None, gaps)
