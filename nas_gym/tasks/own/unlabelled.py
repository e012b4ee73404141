"""Rows without a target: nothing can be learned from them, so they are left out and counted, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.errors import DataError, unknown
from nas_gym.tasks.reading.frames import is_frame
from nas_gym.tasks.reading.raw_table import clean_cell

WAYS = ("drop", "refuse")


def check_missing_target(way: object) -> None:
    """Check an option ``missing_target``.

    Raises:
        NASGymError: if it is none of `WAYS`.
    """
    if way not in WAYS:
        raise unknown("missing_target", way, WAYS)


def with_target(what: str, lacking: Sequence[bool], way: str) -> tuple[np.ndarray, list[str]]:
    """Return the indices of the rows that have a target, and what is to be said of the others.

    Args:
        what: what the target is called, such as ``"target 'price'"``.
        lacking: for each row, whether its target is missing.
        way: one of `WAYS`.

    Raises:
        NASGymError: if none has one, or one lacks it and `way` says that this is refused.
    """
    missing = np.asarray(lacking, dtype=bool)
    rows = np.flatnonzero(~missing)
    if len(rows) == len(missing):
        return rows, []
    first = int(np.flatnonzero(missing)[0]) + 1
    misses = f"{what} misses {missing.sum():,} of {len(missing):,} values, the first in row {first:,}"
    if not len(rows):
        raise DataError(f"{misses}: name a column with values")
    if way == "refuse":
        raise DataError(
            f"{misses}: leave those rows out, name the texts that are in missing=, or pass "
            "missing_target='drop'"
        )
    return rows, [f"{misses}: those rows are left out"]


def lacking_labels(y: Any) -> list[bool] | None:
    """Return which labels or values in memory are missing; None where it is not told one by one."""
    if np.ma.isMaskedArray(y) or is_frame(y) or np.ndim(y) != 1:
        return None
    return [clean_cell(label) is None for label in y]
