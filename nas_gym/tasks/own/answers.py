"""What is to be predicted, of a table's target column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.tasks import labels
from nas_gym.tasks.own.unlabelled import with_target
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable
from nas_gym.tasks.reading.target_values import read_values


@dataclass(frozen=True, eq=False)
class Answers:
    """What is to be predicted.

    Attributes:
        kind: ``"classes"``, ``"values"``, or None where classes were told by the cells.
        y: labels or values of the rows that have one.
        class_names: a name per class; None for values.
        rows: indices of the rows that have one.
        notes: what is to be said of how it was read.
    """

    kind: str | None
    y: np.ndarray
    class_names: tuple[str, ...] | None
    rows: np.ndarray
    notes: list[str]


def answers_of(
    table: RawTable, target: str, kind: str | None, options: ReadingOptions, missing_target: str
) -> Answers:
    """Return the labels or values of the target column, whichever it holds where nobody said it."""
    what, is_category = f"target {target!r}", target in options.categorical
    said: list[str] = []
    if kind != "values":
        lacking = labels.lacking(table.columns[target], options.missing, categorical=is_category)
        rows, dropping = with_target(what, lacking, missing_target)
        present = table.at(rows).columns[target]
        try:
            y, names, notes = labels.of_cells(target, present, options.missing, categorical=is_category)
        except labels.LooksLikeValuesError as error:
            if kind is not None:
                raise
            said = [error.note]
        else:
            return Answers(kind, y, names, rows, [*dropping, *notes])
    numbers, lacking, notes = read_values(table, target, options)
    rows, dropping = with_target(what, lacking, missing_target)
    return Answers("values", numbers[rows], None, rows, [*dropping, *said, *notes])
