"""What the user's own data calls its examples: lines of a file, names of files, the index of a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Origins:
    """The places of examples in the data of a user.

    Attributes:
        word: what a place is: ``"line"``, ``"row"``, ``"file"``, ``"index"``.
        about: what the places are, such as ``"their lines in wine.csv"``.
        names: whole numbers, int64 (n,), or texts, (n,).
    """

    word: str
    about: str
    names: np.ndarray | Sequence[str]

    def at(self, rows: np.ndarray) -> Origins:
        """Return the places of some examples."""
        if isinstance(self.names, np.ndarray):
            return replace(self, names=self.names[rows])
        return replace(self, names=tuple(self.names[row] for row in rows.tolist()))

    def name(self, place: int) -> int | str:
        """Return what an example is called: its number or text."""
        found = self.names[place]
        return found if isinstance(found, str) else int(found)

    def said(self, place: int) -> str:
        """Return what an example is called in a sentence: ``"line 1,234"``, ``"file cats/7.png"``."""
        name = self.name(place)
        return f"{self.word} {name if isinstance(name, str) else format(name, ',')}"


def at_lines(source: str, numbers: Sequence[int] | np.ndarray) -> Origins:
    """Return the places of examples that are lines of a file, the first of which is line 1."""
    return Origins("line", f"their lines in {source}", np.asarray(numbers, dtype=np.int64))


def counted(word: str, where: str, count: int, first: int = 0) -> Origins:
    """Return the places of examples that are counted.

    Args:
        word: what each is, ``"row"``.
        where: what they are in, ``"the arrays"``.
        count: how many there are.
        first: number of the first.
    """
    about = f"their places in {where}, counted from {first}"
    return Origins(word, about, np.arange(first, first + count, dtype=np.int64))


def index_of(frame: Any, rows: int) -> Origins:
    """Return the places of the rows of a data frame: its index, and without one their numbers from 0."""
    index = getattr(frame, "index", None)
    if index is None or callable(index) or len(index) != rows:
        return counted("row", "the data frame", rows)
    found = np.asarray(index)
    is_whole = found.ndim == 1 and found.dtype.kind in "iu"
    names = found.astype(np.int64) if is_whole else tuple(map(str, index))
    return Origins("index", "the index of the data frame", names)
