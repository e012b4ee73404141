"""What is to be predicted, of a table's target column, or of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.own.unlabelled import with_target
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable
from nas_gym.tasks.reading.target_values import read_values
from nas_gym.tasks.targets import read_classes, read_labels


@dataclass(frozen=True, eq=False)
class Answers:
    """What is to be predicted.

    Attributes:
        kind: ``"classes"``, ``"values"``, ``"labels"``, or None where classes were told by the cells.
        y: labels or values of the rows that have one.
        class_names: a name per class; None for values and several labels.
        rows: indices of the rows that have one.
        notes: what is to be said of how it was read.
        target_names: a name per value or label; None for classes.
    """

    kind: str | None
    y: np.ndarray
    class_names: tuple[str, ...] | None
    rows: np.ndarray
    notes: list[str]
    target_names: tuple[str, ...] | None = None


def targets_of(target: object, table: RawTable) -> tuple[str, ...]:
    """Return the target columns that are named: one, or several in a list or with commas between.

    Returns:
        Their names; () where a name is not that of a column.

    Raises:
        NASGymError: if a name is there twice.
    """
    if isinstance(target, str):
        names: list[Any] = [target]
        if target not in table.columns and "," in target:
            names = [name.strip() for name in target.split(",") if name.strip()]
    else:
        names = list(target) if isinstance(target, list | tuple) else [target]
    if not names or not all(isinstance(name, str) and name in table.columns for name in names):
        return ()
    if len(set(names)) < len(names):
        raise ConfigError(f"the target {max(names, key=names.count)!r} is named twice: name each column once")
    return tuple(names)


def answers_of(
    table: RawTable,
    targets: tuple[str, ...],
    kind: str | None,
    options: ReadingOptions,
    missing_target: str,
    label_separator: str | None = None,
) -> Answers:
    """Return what the target columns hold: classes, values or several labels, told where nobody said it.

    Args:
        table: the table.
        targets: names of the target columns.
        kind: ``"classes"``, ``"values"`` or ``"labels"``; None to tell by the cells.
        options: how cells are read.
        missing_target: of rows that lack a target, ``"drop"`` or ``"refuse"``.
        label_separator: what stands between the labels of a cell; None where a cell holds one.

    Raises:
        NASGymError: if the cells are not what they should be.
    """
    if label_separator is not None:
        return _listed_labels(table, targets, kind, label_separator, options)
    if len(targets) > 1 or kind == "labels":
        return _several(table, targets, kind, options, missing_target)
    return _single(table, targets[0], kind, options, missing_target)


def _listed_labels(
    table: RawTable, targets: tuple[str, ...], kind: str | None, separator: str, options: ReadingOptions
) -> Answers:
    if len(targets) > 1 or kind not in (None, "labels"):
        raise ConfigError(
            "label_separator is for one target column whose cells list labels: name that column, and leave "
            "target_kind out"
        )
    y, names, notes = read_labels.of_lists(targets[0], table.columns[targets[0]], separator, options.missing)
    return Answers("labels", y, None, np.arange(len(y)), notes, names)


def _several(
    table: RawTable, targets: tuple[str, ...], kind: str | None, options: ReadingOptions, way: str
) -> Answers:
    """Return several labels or values, a column for each."""
    if kind == "classes":
        raise ConfigError(
            f"the {len(targets)} targets are several labels or values, not classes: name one column, or pass "
            "target_kind='labels' or 'values'"
        )
    columns = {name: table.columns[name] for name in targets}
    what = f"targets {', '.join(map(repr, targets))}" if len(targets) > 1 else f"target {targets[0]!r}"
    said = []
    if kind is None:
        flags = all(read_labels.are_flags(cells, options.missing) for cells in columns.values())
        kind = "labels" if flags else "values"
        said = [f"{what} are read as {kind}: target_kind= says another kind"]
    if kind == "labels":
        y, lacking = read_labels.of_columns(columns, options.missing)
        rows, dropping = with_target(what, lacking, way)
        return Answers("labels", y[rows], None, rows, [*dropping, *said], targets)
    read = [read_values(table, name, options) for name in targets]
    rows, dropping = with_target(
        what, [any(one) for one in zip(*(each[1] for each in read), strict=True)], way
    )
    y = np.stack([each[0] for each in read], axis=1)[rows]
    notes = [note for each in read for note in each[2]]
    return Answers("values", y, None, rows, [*dropping, *said, *notes], targets)


def _single(
    table: RawTable, target: str, kind: str | None, options: ReadingOptions, missing_target: str
) -> Answers:
    """Return the labels or values of the target column, whichever it holds where nobody said it."""
    what, is_category = f"target {target!r}", target in options.categorical
    said: list[str] = []
    if kind != "values":
        lacking = read_classes.lacking(table.columns[target], options.missing, categorical=is_category)
        rows, dropping = with_target(what, lacking, missing_target)
        present = table.at(rows).columns[target]
        if kind is None and not is_category:
            dropping += read_classes.check_mixture(target, present, options.missing)
        try:
            y, names, notes = read_classes.of_cells(target, present, options.missing, categorical=is_category)
        except read_classes.LooksLikeValuesError as error:
            if kind is not None:
                raise
            said = [error.note]
        else:
            return Answers(kind, y, names, rows, [*dropping, *notes])
    numbers, lacking, notes = read_values(table, target, options)
    rows, dropping = with_target(what, lacking, missing_target)
    return Answers("values", numbers[rows], None, rows, [*dropping, *said, *notes], (target,))
