"""Several labels of an example: a column or an array's column for each, or a cell that lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.checks import as_array
from nas_gym.tasks.reading.frames import frame_table, is_frame
from nas_gym.tasks.reading.number_forms import is_number
from nas_gym.tasks.reading.raw_table import ColumnCells, MissingTexts, clean_cell, listed, text_of
from nas_gym.tasks.targets.read_classes import FEWEST

YES = frozenset({"1", "true", "yes", "y", "t"})
NO = frozenset({"0", "false", "no", "n", "f"})
SHOWN = 5  # labels that a note lists
MARKS = ("|", ";", ",")  # what often stands between labels


def of_array(y: Any, names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels in memory as float64 (n, labels), 0 or 1, and a name per label.

    Args:
        y: (n, labels), 0 and 1, True and False, or yes and no; a data frame names its labels.
        names: a name per label; None for those of a data frame, or numbered ones.

    Raises:
        NASGymError: for anything else.
    """
    if is_frame(y):
        table = frame_table(y, "y")
        matrix = np.stack(
            [_flags(f"column {name!r} of y", cells) for name, cells in table.columns.items()], axis=1
        )
        default = tuple(table.columns)
    else:
        array = as_array(y, "y")
        if array.ndim != 2 or not array.size:
            raise DataError(
                f"y of several labels must be of shape (n, labels), not {array.shape}: pass 0 or 1 for each "
                "label of each example"
            )
        columns = [[clean_cell(value) for value in column.tolist()] for column in array.T]
        matrix = np.stack([_flags(f"label {at} of y", cells) for at, cells in enumerate(columns)], axis=1)
        default = tuple(f"label {at}" for at in range(array.shape[1]))
    if names is None:
        return matrix, default
    if isinstance(names, str) or len(names) != matrix.shape[1] or len(set(names)) < len(names):
        raise ConfigError(
            f"target_names must be {matrix.shape[1]} different names, one for each label of y, not {names!r}"
        )
    return matrix, tuple(map(str, names))


def looks_like_labels(y: Any) -> bool:
    """Return whether y is of 0 and 1 in several columns, and not one-hot classes."""
    if is_frame(y):
        columns = frame_table(y, "y").columns
        return len(columns) > 1 and all(are_flags(cells) for cells in columns.values())
    try:
        array = as_array(y, "y")
    except DataError:
        return False
    if array.ndim != 2 or array.shape[1] < 2 or not len(array) or array.dtype.kind not in "biuf":
        return False
    if not np.isin(array, (0, 1)).all():
        return False
    return bool((array.sum(axis=1) != 1).any())


def of_columns(columns: Mapping[str, ColumnCells], missing: MissingTexts) -> tuple[np.ndarray, list[bool]]:
    """Return labels of a table's columns as float64 (n, labels), and which rows lack one.

    Raises:
        NASGymError: if a cell is neither yes nor no.
    """
    lacking = [[missing.among_numbers(cell) for cell in listed(cells)] for cells in columns.values()]
    matrix = [
        _flags(
            f"target {name!r}",
            [0 if absent else cell for cell, absent in zip(listed(cells), gaps, strict=True)],
        )
        for (name, cells), gaps in zip(columns.items(), lacking, strict=True)
    ]
    return np.stack(matrix, axis=1), [any(gaps) for gaps in zip(*lacking, strict=True)]


def are_flags(cells: ColumnCells, missing: MissingTexts | None = None) -> bool:
    """Return whether cells are all yes or no, those that are missing aside."""
    return all(
        _flag(cell) is not None
        for cell in listed(cells)
        if not (missing is not None and missing.among_numbers(cell))
    )


def of_lists(
    target: str, cells: ColumnCells, separator: object, missing: MissingTexts
) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Return labels of cells such as ``"red|round"`` as float64 (n, labels), a name per label, and notes.

    An empty cell has no labels. A label of too few examples to be learned is left out.

    Args:
        target: name of the column.
        cells: its cells.
        separator: what stands between the labels of a cell.
        missing: which texts stand for missing values.

    Raises:
        NASGymError: if the separator is no text, or no label is left.
    """
    if not isinstance(separator, str) or not separator:
        raise ConfigError(f"label_separator must be a text such as '|', not {separator!r}")
    lists = [
        []
        if missing.always(cell)
        else sorted({part for part in map(str.strip, text_of(cell).split(separator)) if part})
        for cell in listed(cells)
    ]
    counts = Counter(label for labels in lists for label in labels)
    rare = sorted(label for label, count in counts.items() if count < FEWEST)
    names = tuple(sorted(set(counts) - set(rare)))
    if not names:
        raise DataError(
            f"target {target!r} has no label of at least {FEWEST} examples with the separator {separator!r}: "
            "pass the one that stands between labels"
        )
    places = {name: place for place, name in enumerate(names)}
    matrix = np.zeros((len(lists), len(names)))
    for row, labels in enumerate(lists):
        matrix[row, [places[label] for label in labels if label in places]] = 1
    empty = int((matrix.sum(axis=1) == 0).sum())
    notes = []
    if rare:
        more = f" and {len(rare) - SHOWN} more" if len(rare) > SHOWN else ""
        notes.append(
            f"labels of fewer than {FEWEST} examples are left out of {target!r}: "
            f"{', '.join(rare[:SHOWN])}{more}"
        )
    if empty:
        notes.append(f"{empty:,} of {len(lists):,} rows have none of the labels in {target!r}")
    return matrix, names, notes


def check_labels(y: np.ndarray, names: Sequence[str], parts: Mapping[str, np.ndarray]) -> None:
    """Check that a network can learn every label, and that each part has some.

    Args:
        y: 0 or 1, (n, labels).
        names: a name per label.
        parts: the indices of each part, by its name; the first is the training part.

    Raises:
        NASGymError: naming the label, or the part.
    """
    for part, places in parts.items():
        if not len(places) or not y[places].any():
            raise DataError(f"the {part} part has no example with a label: move some there")
    train = y[next(iter(parts.values()))]
    for name, share in zip(names, train.mean(axis=0).tolist(), strict=True):
        if share in (0.0, 1.0):
            has = "no" if share == 0 else "every"
            raise DataError(
                f"{has} example of the train part has the label {name!r}, which leaves nothing to learn: add "
                "examples, or leave the label out"
            )


def _flags(what: str, cells: ColumnCells) -> np.ndarray:
    """Return cells as float64 (n,), 1 for yes and 0 for no."""
    flags = np.zeros(len(cells))
    for row, cell in enumerate(listed(cells)):
        flag = _flag(cell)
        if flag is None:
            shown = "" if cell is None else text_of(cell)
            mark = next((mark for mark in MARKS if mark in shown and not is_number(shown)), "")
            remedy = (
                f"pass label_separator={mark!r} where several labels stand in a cell"
                if mark
                else "mend it, or pass target_kind='values' for numbers"
            )
            raise DataError(
                f"{what} has {repr(shown) if shown else 'nothing'} in row {row + 1:,}, and a label is "
                f"0 or 1, yes or no: {remedy}"
            )
        flags[row] = flag
    return flags


def _flag(cell: Any) -> float | None:
    text = text_of(cell).casefold()
    return 1.0 if text in YES else 0.0 if text in NO else None
