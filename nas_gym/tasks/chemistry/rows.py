"""Rows of a user's table as examples: what cannot be read is left out and counted, and twins are merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym.errors import DataError, unknown
from nas_gym.tasks.own.answers import Answers
from nas_gym.tasks.reading.raw_table import RawTable


@dataclass(frozen=True, eq=False)
class Kept:
    """The rows of a table that are examples.

    Attributes:
        places: of each example the first of its rows, int64 (n,), counted among those with a target.
        y: labels or values, as `Answers` has them.
        class_names: a name per class; None for values and several labels.
        notes: what was left out or merged, in words.
    """

    places: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...] | None
    notes: list[str]


def column_of(table: RawTable, given: str | None, usual: Sequence[str], what: str) -> str:
    """Return the column of molecules or formulas: the one that is named, or one with a usual name.

    Raises:
        NASGymError: if there is none.
    """
    if given is not None:
        if given not in table.columns:
            raise unknown(f"column of {what} of {table.source}", given, table.columns)
        return given
    for name in table.columns:
        if name.casefold() in usual:
            return name
    raise DataError(
        f"{table.source} has no column called {' or '.join(usual)}: name that of the {what} by {usual[0]}="
    )


def kept_rows(keys: Sequence[str], troubles: Sequence[str], answers: Answers, source: str, what: str) -> Kept:
    """Return which rows are examples.

    Rows of one key are one example: of values their mean, of classes that which all of them have. Where they
    contradict each other, all of them are left out.

    Args:
        keys: what equal examples share, of each row with a target.
        troubles: why a row is no example, "" where it is one.
        answers: the targets.
        source: what the table is called.
        what: what the examples are.

    Raises:
        NASGymError: if no row is an example.
    """
    notes = []
    bad = Counter(one for one in troubles if one)
    if bad:
        told = ", ".join(f"{count:,} with {trouble}" for trouble, count in bad.most_common())
        notes.append(f"left out of {len(troubles):,} {what}: {told}")
    rows: dict[str, list[int]] = {}
    for place, (key, trouble) in enumerate(zip(keys, troubles, strict=True)):
        if not trouble:
            rows.setdefault(key, []).append(place)
    if not rows:
        raise DataError(f"{source} has no {what} that can be read: {notes[0] if notes else 'it is empty'}")
    places, y, contradicting = [], [], 0
    for members in rows.values():
        values = answers.y[members]
        if answers.kind != "values" and not (values == values[0]).all():
            contradicting += len(members)
            continue
        places.append(members[0])
        y.append(values.mean(axis=0) if answers.kind == "values" else values[0])
    twins = sum(map(len, rows.values())) - len(rows)
    if twins:
        notes.append(f"{twins:,} rows are the same {what} as another, up to stereochemistry: they are merged")
    if contradicting:
        notes.append(f"left out, since equal {what} have different classes: {contradicting:,} rows")
    found, names = np.array(y), answers.class_names
    if names is not None:
        there, found = np.unique(found, return_inverse=True)
        names = tuple(names[label] for label in there)
    return Kept(np.array(places, dtype=np.int64), found, names, notes)
