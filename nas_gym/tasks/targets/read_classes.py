"""Class labels: numbered in sorted order, never merged, named as they are written.

Labels of a file are texts, whatever they look like: ``01`` and ``1``, ``1e1`` and ``10``, ``1_1`` and
``11`` are different classes with these names. They are sorted by value where all are plain numbers,
else as texts. Where at least half of them are numbers and others are none, such as ``1``, ``2`` and ``a``,
this is refused, as it is of a feature, unless a user says that they are classes; where fewer are, it is said.
Labels in memory are whole numbers of any size, or texts, or bools, and not a mixture,
since ``1``, ``"1"`` and ``True`` may be one class or three.

A target of more than ten different numbers is one of values if some have decimals, or if most are too rare to
be a class; where classes were asked for, or a few are too rare, it is refused.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.checks import as_array
from nas_gym.tasks.reading.frames import single_column
from nas_gym.tasks.reading.number_forms import PLAIN, exact, is_number
from nas_gym.tasks.reading.raw_table import ColumnCells, MissingTexts, listed, text_of

FEW = 10  # different numbers that surely name classes
MANY = 50  # different numbers that are said to be read as classes
FEWEST = 3  # examples that a class needs, one for each part


class LooksLikeValuesError(DataError):
    """Labels that are hardly classes, so that they are values unless a user says otherwise.

    Args:
        message: what is said where classes were asked for.
        note: what is said where they are read as values.
    """

    def __init__(self, message: str, note: str) -> None:
        super().__init__(message)
        self.note = note


Labels = tuple[np.ndarray, tuple[str, ...], list[str]]


def lacking(cells: ColumnCells, missing: MissingTexts, *, categorical: bool = False) -> list[bool]:
    """Return which labels of a table's column are missing.

    Args:
        cells: cells of the column.
        missing: which texts stand for missing values.
        categorical: whether the user says that its numbers are classes.
    """
    cells = listed(cells)
    words = [text_of(cell) for cell in cells if not missing.among_numbers(cell)]
    numeric = not categorical and all(map(is_number, words))
    return [missing.among_numbers(cell) if numeric else missing.always(cell) for cell in cells]


def of_cells(target: str, cells: ColumnCells, missing: MissingTexts, *, categorical: bool = False) -> Labels:
    """Return labels of a table's column as int64 (n,) in [0, classes), a name per class, and notes.

    Args:
        target: name of the column.
        cells: its cells, none of them missing, see `lacking`.
        missing: which texts stand for missing values.
        categorical: whether the user says that its numbers are classes.

    Raises:
        NASGymError: if labels are of a regression, of one class or of several types.
    """
    cells = listed(cells)
    words = [text_of(cell) for cell in cells if not missing.among_numbers(cell)]
    numeric = not categorical and all(map(is_number, words))
    texts = [text_of(cell) for cell in cells]
    counts = Counter(texts)
    if not categorical:
        _check_types(target, cells, missing)
    if len(counts) < 2:
        raise DataError(
            f"target {target!r} has one class, {texts[0]!r}, in all {len(texts):,} rows, and a task needs at "
            "least 2: name another column, or bring rows of other classes"
        )
    plain = all(map(PLAIN.fullmatch, counts))
    names = sorted(counts, key=lambda text: (exact(text), text)) if plain else sorted(counts)
    notes = _equal_values(target, names) if plain else []
    if len(words) < len(cells):
        word = next(text for text in texts if missing.among_numbers(text))
        notes.append(
            f"target {target!r} has the class {word!r}: missing=[{word!r}] says that it is a missing value"
        )
    if numeric:
        values = [exact(name) for name in names] if plain else []
        what, meant = f"target {target!r}", f"categorical=[{target!r}]"
        notes += _classes(what, values, list(counts.values()), meant, counted=False)
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[text] for text in texts], dtype=np.int64), tuple(names), notes


def check_mixture(target: str, cells: ColumnCells, missing: MissingTexts) -> list[str]:
    """Return what is to be said of texts of which some are numbers; refuse those of which most are.

    Raises:
        NASGymError: for labels of a file of which at least half are numbers and others are none, such as
            ``inf``.
    """
    cells = listed(cells)
    known = [
        (row, text_of(cell)) for row, cell in enumerate(cells, start=1) if not missing.among_numbers(cell)
    ]
    numbers = [cell for _, cell in known if is_number(cell)]
    if not numbers or len(numbers) == len(known):
        return []
    row, odd = next((row, cell) for row, cell in known if not is_number(cell))
    different = len(set(numbers))
    if different > FEW and 10 * (len(known) - len(numbers)) <= len(cells):
        raise DataError(
            f"target {target!r} has {odd!r} in row {row:,} and {different:,} different numbers: mend it, "
            f"name it in missing=, or pass categorical=[{target!r}] for classes"
        )
    if not all(isinstance(cell, str) for cell in cells):
        return []  # what a workbook says of its cells is looked at by `of_cells`
    mixes = f"target {target!r} mixes labels of several types, such as {numbers[0]!r} and {odd!r}"
    if 2 * len(numbers) < len(known):
        return [f"{mixes}, which are all read as texts"]
    raise DataError(
        f"{mixes}, the latter in row {row:,}: mend it, name it in missing=, or pass categorical=[{target!r}] "
        "to take all for texts"
    )


def _check_types(target: str, cells: Sequence[Any], missing: MissingTexts) -> None:
    """Refuse labels of several types, as a workbook or a Parquet file may hold."""
    first: dict[str, Any] = {}
    for cell in cells:
        kind = "bool" if isinstance(cell, bool) else "number" if isinstance(cell, int | float) else "text"
        first.setdefault(kind, cell)
    if len(first) > 1:
        one, other = list(first.values())[:2]
        raise DataError(
            f"target {target!r} mixes labels of several types, such as {one!r} and {other!r}: make them one, "
            f"or pass categorical=[{target!r}] to take all for texts"
        )


def of_array(y: Any, class_names: Sequence[str] | None, *, split: bool = True) -> Labels:
    """Return labels in memory as int64 (n,) in [0, classes), a name per class, and notes.

    Args:
        y: as in `nas_gym.tasks.Task.from_arrays`.
        class_names: a name per class in sorted order; None for the labels.
        split: whether the examples are still to be split, so that rare classes are refused anyway.

    Raises:
        NASGymError: for anything but one whole number or text an example, or fewer than two classes.
    """
    values, numbers, counts = _distinct(_one_dimensional(y))
    if len(values) < 2:
        raise DataError(f"y has {len(values)} class, a task needs at least 2: pass data of several classes")
    names = tuple(str(value) for value in (values if class_names is None else class_names))
    if len(names) != len(values):
        raise ConfigError(
            f"class_names has {len(names)} names for {len(values)} classes in y: pass one for each"
        )
    notes = []
    if class_names is None and split and isinstance(values[0], int) and not isinstance(values[0], bool):
        notes = _classes("y", values, counts, "class_names", counted=True)
    return numbers.astype(np.int64), names, notes


def check_classes(y: Any) -> None:
    """Refuse labels in memory that are not classes, as `of_array` does."""
    of_array(y, None, split=False)


def given_classes(y: Any) -> np.ndarray:
    """Return the different labels in memory as they were given, (classes,), in the order of their classes.

    Labels that are missing are left out: rows of a data frame without a label are none of a task.

    Args:
        y: as `of_array` takes it.

    Returns:
        An array of the dtype of `y`; of objects such as nullable integers of one that holds them.
    """
    array = _one_dimensional(y)
    if array.dtype.kind in "biuUS":
        return np.unique(array)
    labels: dict[Any, Any] = {}
    for value in array:
        label = _label(value)
        if label is not None:
            labels.setdefault(label, value)
    found = [labels[label] for label in sorted(labels)]
    is_text = array.dtype == object and not isinstance(y, list | tuple) and isinstance(found[0], str)
    return np.array(found, dtype=object if is_text else None)


def _one_dimensional(y: Any) -> np.ndarray:
    """Return the labels as an array (n,), its dtype ordinary, or object where that could merge them."""
    y = single_column(y)
    if np.ma.is_masked(y):
        raise DataError(
            f"y has {np.ma.getmaskarray(y).sum():,} masked labels: leave those examples out, for "
            "example with y[~y.mask]"
        )
    if isinstance(y, list | tuple) and not any(isinstance(label, list | tuple | np.ndarray) for label in y):
        array = np.empty(len(y), dtype=object)
        array[:] = y
        return array
    array = as_array(y, "y")
    if array.ndim != 1:
        raise DataError(
            f"y must hold one label an example, shape (n,), not {array.shape}: "
            "pass y.ravel() of a column, y.argmax(axis=1) of one-hot labels, target_kind='labels' where an "
            "example has several, or target_kind='values'"
        )
    if array.dtype.kind not in "biufUSOT":
        raise DataError(f"y is of dtype {array.dtype}: pass class labels, whole numbers or texts")
    return array if array.dtype.kind in "biufUS" else array.astype(object)


def _distinct(y: np.ndarray) -> tuple[list[Any], np.ndarray, list[int]]:
    """Return the different labels in order, the number of each example's, and how many examples each has."""
    if y.dtype == object:
        labels = [_label(value) for value in y]
        _check_kinds(labels)
        values = sorted(set(labels))
        places = {value: place for place, value in enumerate(values)}
        numbers = np.array([places[label] for label in labels], dtype=np.int64)
        return values, numbers, np.bincount(numbers, minlength=len(values)).tolist()
    found, numbers, counts = np.unique(y, return_inverse=True, return_counts=True)
    values = [_label(value) for value in found]
    if None in values:
        _check_kinds([_label(value) for value in y])
    return values, numbers, counts.tolist()


def _label(value: Any) -> Any:
    """Return a label as a bool, an exact int, a text, or None where it is missing.

    Raises:
        NASGymError: if it is something else.
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"y has bytes such as {value!r} that are no UTF-8: pass texts") from error
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Real | Decimal):
        if math.isnan(value):
            return None
        number: Any = value  # the tower of types does not say that int takes every real number
        if math.isfinite(number) and number == int(number):
            return int(number)
        raise LooksLikeValuesError(
            f"y has values such as {float(value)}, which looks like regression: pass target_kind='values' to "
            "predict them, or class labels, whole numbers or texts",
            f"y is read as values, since it has numbers such as {float(value):g}: pass whole numbers or "
            "texts for classes",
        )
    raise DataError(
        f"y has a {type(value).__name__} such as {str(value)!r}: pass class labels, whole numbers or texts"
    )


def _check_kinds(labels: Sequence[Any]) -> None:
    """Refuse labels that are missing or of several kinds."""
    if None in labels:
        missing = labels.count(None)
        raise DataError(
            f"y misses {missing:,} of {len(labels):,} labels, the first at {labels.index(None):,}: "
            "leave those examples out, or give them a label such as 'none'"
        )
    first: dict[type, Any] = {}
    for label in labels:
        first.setdefault(type(label), label)
    if len(first) > 1:
        one, other = list(first.values())[:2]
        raise DataError(
            f"y mixes labels of several types, such as {one!r} and {other!r}: make them one, for example "
            "with [str(label) for label in y]"
        )


def _equal_values(target: str, names: Sequence[str]) -> list[str]:
    """Return a note on the first two classes that are one number."""
    for one, other in pairwise(names):
        if exact(one) == exact(other):
            return [f"target {target!r} has the classes {one!r} and {other!r}, different as they are written"]
    return []


def _classes(
    what: str, values: Sequence[int | Decimal], counts: Sequence[int], meant: str, *, counted: bool
) -> list[str]:
    """Return what is to be said of numbers as classes.

    Args:
        what: what they are labels of.
        values: the different numbers in order; empty where they are no plain ones.
        counts: examples of each.
        meant: the option that says that they are classes.
        counted: whether numbers from 0 or 1 on are surely classes, as in arrays that were made for it.

    Raises:
        NASGymError: if they look like regression.
    """
    decimals = not values or any(value != int(value) for value in values)
    rare = sum(count < FEWEST for count in counts)
    if len(counts) > FEW and (decimals or rare):
        few = f", {rare:,} of them in fewer than {FEWEST} examples" if rare else ""
        classes = "remove the rare classes" if rare else f"pass {meant}"
        message = (
            f"{what} has {len(counts):,} different numbers{few}, which looks like regression: pass "
            f"target_kind='values' to predict them, or, if they are classes, {classes}"
        )
        if not decimals and 2 * rare < len(counts):  # perhaps classes, of which a few lack examples
            raise DataError(message)
        raise LooksLikeValuesError(
            message,
            f"{what} is read as values, {len(counts):,} different numbers: {meant} says that they are "
            "classes",
        )
    if decimals:
        return [f"{what} has {len(counts)} different numbers that are not whole, read as classes"]
    counting = counted and values[0] in (0, 1) and values[-1] - values[0] < len(values)
    if len(counts) > MANY and not counting:
        return [
            f"{what} has {len(counts):,} different whole numbers, read as classes and not as a quantity: "
            f"cut it into ranges if it is one, or confirm with {meant}"
        ]
    return []
