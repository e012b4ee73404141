"""What the training part alone says of a table's columns, once the split is known.

Missing numbers are filled with the median of the training part. The feature that says where they were
missing stays if the training part has such cells: of one that it never saw, a network knows nothing. For the
same reason a column whose cells are equal in the whole training part is left out, and so is one with the
same features there as another, or without any value there. Of a date only parts that vary there stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.data import Data
from nas_gym.tasks.reading.columns import CategoryColumn, Column, NumberColumn, TableEncoder
from nas_gym.tasks.reading.date_column import DateColumn
from nas_gym.tasks.texts.form import TextForm

SHOWN = 8  # columns that a note lists


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A column after it was fitted.

    Attributes:
        column: its encoding.
        x: its features, (n, features).
        kept: which of its features before they are.
    """

    column: Column
    x: np.ndarray
    kept: np.ndarray


def fitted(data: Data, x: np.ndarray, train: np.ndarray) -> tuple[Data, np.ndarray]:
    """Return data whose encoder is fitted on the training part, and its features.

    Args:
        data: raw data; without an encoder, and unless it is texts, it is returned as it is.
        x: its examples, numbers.
        train: indices of the training examples.

    Raises:
        NASGymError: if no column is left.
    """
    if isinstance(data.files, TextForm):
        form, x, said = data.files.fitted(x, train)
        return replace(data, files=form, coded=form.inputs, notes=(*data.notes, *said)), x
    if data.encoder is None:
        return data, x
    found, notes = [], []
    empty: list[str] = []
    for column, place in data.encoder.places:
        one = _fitted(column, x[:, place], train, np.arange(place.start, place.stop))
        if one is None:
            empty.append(column.name)
        else:
            found.append(one)
    if empty:
        notes.append(f"{_columns(empty)} no value in the training part and {_are(empty)} left out")
    found, told = _telling(found, train)
    notes += [*told, *_filled(found), *_shortened(data.encoder, found)]
    if not found:
        raise DataError(f"no column is left that can be a feature: {'; '.join(notes)}")
    kept = np.concatenate([one.kept for one in found])
    names = tuple(data.feature_names)
    encoder = replace(data.encoder, columns=tuple(one.column for one in found))
    rows = None if data.rows is None else data.rows.only(encoder.names)
    fit = replace(
        data,
        encoder=encoder,
        rows=rows,
        feature_names=tuple(names[place] for place in kept),
        notes=(*data.notes, *notes),
    )
    return fit, np.concatenate([one.x for one in found], axis=1)


def _fitted(column: Column, x: np.ndarray, train: np.ndarray, places: np.ndarray) -> _Fitted | None:
    """Return a column with what fills it; None if the training part has no value of it."""
    if isinstance(column, DateColumn):
        return _fitted_date(column, x, train, places)
    if not isinstance(column, NumberColumn) or not column.flagged:
        return _Fitted(column, x, places)
    missing = x[:, 1] == 1
    known = x[train, 0][~missing[train]]
    if not len(known):
        return None
    fill = float(np.median(known))
    flagged = bool(missing[train].any())
    values = np.where(missing, fill, x[:, 0])[:, None]
    features = np.concatenate([values, x[:, 1:]], axis=1) if flagged else values
    return _Fitted(replace(column, fill=fill, flagged=flagged), features, places[: features.shape[1]])


def _fitted_date(column: DateColumn, x: np.ndarray, train: np.ndarray, places: np.ndarray) -> _Fitted | None:
    """Return a column of dates with the parts that vary in training, and what fills them."""
    count = len(column.parts)
    missing = x[:, -1] == 1 if column.flagged else np.zeros(len(x), dtype=bool)
    known = x[train, :count][~missing[train]]
    if not len(known):
        return None
    varying = [place for place in range(count) if (known[:, place] != known[0, place]).any()]
    flagged = bool(missing[train].any())
    if not varying and not flagged:  # which leaves nothing, so that it is constant as it is
        return _Fitted(column, np.broadcast_to(known[0], (len(x), count)), places[:count])
    fills = np.median(known[:, varying], axis=0)
    features = np.where(missing[:, None], fills, x[:, varying])
    kept = [*varying, *([count] if flagged else [])]
    fitted_column = replace(
        column,
        parts=tuple(column.parts[place] for place in varying),
        fills=None if column.fills is None else tuple(map(float, fills)),
        flagged=flagged,
    )
    flags = missing[:, None].astype(np.float64)
    return _Fitted(
        fitted_column, np.concatenate([features, flags], axis=1) if flagged else features, places[kept]
    )


def _filled(found: Sequence[_Fitted]) -> list[str]:
    """Return what is to be said of missing values."""
    numbers = [
        f"{one.column.name!r} {one.column.fill:.6g}"
        for one in found
        if isinstance(one.column, NumberColumn) and one.column.fill is not None
    ]
    dates = [
        repr(one.column.name) for one in found if isinstance(one.column, DateColumn) and one.column.fills
    ]
    texts = [
        f"{one.column.name!r} ({int(one.x[:, -1].sum()):,} of {len(one.x):,})"
        for one in found
        if isinstance(one.column, CategoryColumn) and one.column.gaps
    ]
    notes = []
    if numbers:
        notes.append(
            f"missing numbers become the median of the training part, and a feature says where they are "
            f"missing: {_listed(numbers)}; impute=False refuses them"
        )
    if dates:
        notes.append(
            f"parts of missing dates become their medians in the training part in {_listed(dates)}; "
            "impute=False refuses them"
        )
    if texts:
        notes.append(
            f"missing texts are a category of their own in {_listed(texts)}; impute=False refuses them"
        )
    return notes


def _shortened(before: TableEncoder, found: Sequence[_Fitted]) -> list[str]:
    """Return what is to be said of parts of dates that are left out."""
    parts = {column.name: column.parts for column in before.columns if isinstance(column, DateColumn)}
    lost = []
    for one in found:
        left = getattr(one.column, "parts", ())
        if gone := [part for part in parts.get(one.column.name, ()) if part not in left]:
            lost.append(f"{' and '.join(gone)} of {one.column.name!r}")
    if not lost:
        return []
    return [f"parts of dates that are the same in all training rows are left out: {_listed(lost)}"]


def _telling(found: Sequence[_Fitted], train: np.ndarray) -> tuple[list[_Fitted], list[str]]:
    """Return the columns that tell something in training that no earlier one does, and what is to be said."""
    kept: list[_Fitted] = []
    constant: list[str] = []
    equal: list[str] = []
    seen: dict[bytes, str] = {}
    for one in found:
        x = one.x[train]
        if (x == x[0]).all():
            constant.append(one.column.name)
            continue
        digest = hashlib.sha256(np.ascontiguousarray(x).tobytes()).digest()
        same = seen.setdefault(digest, one.column.name)
        if same != one.column.name:
            equal.append(f"{one.column.name!r} (as {same!r})")
            continue
        kept.append(one)
    notes = []
    if constant:
        notes.append(
            f"{_columns(constant)} the same cell in all {len(train):,} training rows and {_are(constant)} "
            "left out"
        )
    if equal:
        notes.append(f"columns that equal another in training are left out: {_listed(equal)}")
    return kept, notes


def _columns(names: Sequence[str]) -> str:
    listed = _listed([repr(name) for name in names])
    return f"column {listed} has" if len(names) == 1 else f"columns {listed} have"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
