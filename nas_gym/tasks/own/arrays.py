"""The user's own arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.data import Data
from nas_gym.tasks.inputs import Inputs
from nas_gym.tasks.own.splitting import divide_arrays, divide_frame
from nas_gym.tasks.own.unlabelled import check_missing_target, lacking_labels, with_target
from nas_gym.tasks.reading.frames import frame_table, is_frame, single_column
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.origins import counted, index_of
from nas_gym.tasks.reading.row_numbers import without_row_numbers
from nas_gym.tasks.reading.rules import read_columns


def arrays(
    x: Any = None,
    y: Any = None,
    title: str = "arrays",
    target_kind: str | None = None,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = (),
    inputs: Inputs | None = None,
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    max_categories: int | None = None,
    missing: Sequence[str] | None = None,
    decimal: str | Mapping[str, str] | None = None,
    day_first: bool | None = None,
    impute: bool = True,
    missing_target: str = "drop",
    split: Any = None,
    group: Any = None,
    time: Any = None,
    gap: int = 0,
    fingerprint: str | None = None,
) -> Data:
    """A task of arrays in memory.

    Args:
        x: as in `Task.from_arrays`.
        y: as in `Task.from_arrays`.
        title: name of the task.
        target_kind: as in `Task.from_arrays`.
        class_names: as in `Task.from_arrays`.
        target_names: as in `Task.from_arrays`.
        feature_names: as in `Task.from_arrays`.
        inputs: ``"features"``, ``"signal"`` or ``"image"``, to read x of an ambiguous shape; a signal or
            an image without a channel gains one.
        categorical: columns of a data frame; see `nas_gym.tasks.own.csv.csv` for these and the next four.
        numeric: columns of codes to be read as numbers.
        max_categories: most different texts of a column of categories; None for 50, or up to 1,000 where each
            stands in 3 rows or more, on average.
        missing: texts that stand for missing values.
        decimal: what stands before the decimals of numbers in texts.
        day_first: whether dates such as ``03/04/2024`` have the day first.
        impute: whether missing cells of a data frame are filled, else refused.
        missing_target: of rows of a data frame whose label or value is missing, ``"drop"`` or ``"refuse"``.
        split: ``"train"``, ``"validation"`` or ``"test"`` for each example, (n,), or the column of a data
            frame that says it; for it and the next three see `nas_gym.tasks.own.csv.csv`.
        group: the group of each example, (n,), or a column.
        time: the time of each example, dates or numbers, (n,), or a column.
        gap: examples left out before later parts, of an order by time.
        fingerprint: fingerprint of the task that the arrays must make, as a recorded spec names it.
    """
    if x is None or y is None:
        known = f" (the spec of task {title!r} names their fingerprint only)" if fingerprint else ""
        raise ConfigError(
            f"the task 'arrays' needs x and y{known}: pass both, or save them and use an .npz file"
        )
    check_missing_target(missing_target)
    data = Data(
        x,
        y,
        target_kind=target_kind,
        class_names=class_names,
        target_names=target_names,
        feature_names=feature_names,
        inputs=inputs,
        title=title,
        in_memory=True,
    )
    if not is_frame(x):
        for option, given in (("categorical", categorical), ("numeric", numeric), ("decimal", decimal)):
            if given:
                raise ConfigError(
                    f"{option} is for the columns of a data frame, and x has none: leave it out"
                )
        division = divide_arrays(split, group, time, gap, _length(y), day_first=day_first)
        origins = index_of(x, _length(y)) if hasattr(x, "columns") else counted("row", "x", _length(y))
        return replace(data, division=division, origins=origins)
    table = frame_table(x, "x")
    division, used = divide_frame(table, split, group, time, gap, day_first)
    table = without_row_numbers(table.without(used))
    options = ReadingOptions.of(
        table, categorical, numeric, max_categories, decimal, missing, impute, day_first
    )
    if not table.columns:
        raise DataError("x has no columns but row numbers: add features")
    encoder, features, notes = read_columns(table, options)
    labels = single_column(y)
    lacking = lacking_labels(labels)
    if lacking is not None and any(lacking) and len(lacking) == len(features):
        rows, said = with_target("y", lacking, missing_target)
        data = _of_rows(data, labels, rows)
        features, table, notes = features[rows], table.at(rows), [*said, *notes]
        division = None if division is None else division.at(rows)
    return replace(
        data,
        x=features,
        feature_names=feature_names if len(feature_names) else encoder.feature_names,
        encoder=encoder,
        rows=table,
        division=division,
        notes=(*table.notes, *notes),
    )


def _length(y: Any) -> int:
    return len(y) if hasattr(y, "__len__") else 0


def _of_rows(data: Data, labels: Any, rows: np.ndarray) -> Data:
    """Return data with the labels or values of some rows; a column of a data frame keeps its name."""
    given = list(labels)
    name = getattr(labels, "name", None)
    named = data.target_kind == "values" and data.target_names is None and isinstance(name, str) and name
    names = (str(name),) if named else data.target_names
    return replace(data, y=[given[row] for row in rows], target_names=names)
