"""Rows of a .csv or .csv.gz file of published results, by architecture; every flaw by its line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import DataError, NASGymError
from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import decoded

GZIP = b"\x1f\x8b"
SEEDS_JOINED_BY = ";"


@dataclass(frozen=True, eq=False)
class Rows:
    """The columns of a file as texts.

    Attributes:
        path: path of the file.
        columns: the texts of each column, row by row.
        lines: in which line of the file each row ends.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def order(self, space: SearchSpace[Any], column: str = "architecture") -> np.ndarray:
        """Return the number of the row of each architecture of a space, by index: int64 (size,).

        Raises:
            NASGymError: if an architecture is missing or there twice, or a text is none.
        """
        order = np.full(space.size, -1)
        for row, text in enumerate(self.columns[column]):
            try:
                index = space.index(space.parse(text))
            except NASGymError as error:
                raise DataError(f"line {self.lines[row]} of {self.path}: {error}") from error
            if order[index] >= 0:
                raise DataError(
                    f"{self.path} has the architecture {text!r} in lines {self.lines[order[index]]} and "
                    f"{self.lines[row]}: each must be there once"
                )
            order[index] = row
        missing = order < 0
        if missing.any():
            first = str(space.architecture(int(missing.argmax())))
            raise DataError(
                f"{self.path} lacks {int(missing.sum()):,} of the {space.size:,} architectures, the first "
                f"{first!r}: bring the whole file"
            )
        return order

    def numbers(self, column: str, what: str = "a number", low: float = 0.0, high: float = inf) -> np.ndarray:
        """Return the numbers of a column, float64 (rows,), each in [low, high].

        Raises:
            NASGymError: for a text that is not such a number (`what` is what was expected).
        """
        texts = self.columns[column]
        return np.array([self._number(row, text, column, what, low, high) for row, text in enumerate(texts)])

    def lists(self, column: str, what: str, low: float = 0.0, high: float = inf) -> list[list[float]]:
        """Return the numbers of a column that has several a row, joined by semicolons; at least one a row.

        Raises:
            NASGymError: as `numbers` does.
        """
        return [
            [
                self._number(row, part, column, what, low, high)
                for part in text.rstrip(SEEDS_JOINED_BY).split(SEEDS_JOINED_BY)
            ]
            for row, text in enumerate(self.columns[column])
        ]

    def _number(self, row: int, text: str, column: str, what: str, low: float, high: float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = inf
        if not isfinite(value) or not low <= value <= high:
            raise DataError(
                f"line {self.lines[row]} of {self.path} has {text!r} as {column}, expected {what}: "
                "mend or replace the file"
            )
        return value


def read_rows(path: Path, columns: Sequence[str], *, every: bool = False) -> Rows:
    """Return the rows of a file that has the columns, and perhaps others.

    Args:
        path: path of the file.
        columns: columns that it must have.
        every: whether the others are returned, too.

    Raises:
        NASGymError: if the file does not exist, is cut off or not CSV, or a column is missing.
    """
    try:
        content = path.read_bytes()
        text = decoded(gzip.decompress(content) if content.startswith(GZIP) else content, path.name)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(reader, [])
        found, lines = [], []
        for values in reader:
            if len(values) not in (0, len(names)):
                raise DataError(
                    f"line {reader.line_num} of {path} has {len(values)} values, expected {len(names)}: "
                    "it is cut off or damaged, bring the whole file"
                )
            if values:
                found.append(values)
                lines.append(reader.line_num)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} cannot be read as a .csv or .csv.gz file ({error}): it is cut off or of another kind"
        ) from error
    if missing := [name for name in columns if name not in names]:
        raise DataError(f"{path} has no column {missing[0]!r}: its first line must have {', '.join(columns)}")
    return Rows(
        path,
        {name: [row[names.index(name)] for row in found] for name in (names if every else columns)},
        lines,
    )
