"""The user's own arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.base import Inputs
from nas_gym.tasks.data import Data
from nas_gym.tasks.reading.frames import frame_table, is_frame
from nas_gym.tasks.reading.options import ReadingOptions
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
    max_categories: int = 50,
    missing: Sequence[str] | None = None,
    decimal: str | Mapping[str, str] | None = None,
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
        max_categories: most different texts of a column of categories.
        missing: texts that stand for missing values.
        decimal: what stands before the decimals of numbers in texts.
        fingerprint: fingerprint of the task that the arrays must make, as a recorded spec names it.
    """
    if x is None or y is None:
        known = f" (the spec of task {title!r} names their fingerprint only)" if fingerprint else ""
        raise ConfigError(
            f"the task 'arrays' needs x and y{known}: pass both, or save them and use an .npz file"
        )
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
        return data
    table = without_row_numbers(frame_table(x, "x"))
    options = ReadingOptions.of(table, categorical, numeric, max_categories, decimal, missing)
    if not table.columns:
        raise DataError("x has no columns but row numbers: add features")
    encoder, features, notes = read_columns(table, options)
    return replace(
        data,
        x=features,
        feature_names=feature_names if len(feature_names) else encoder.feature_names,
        encoder=encoder,
        rows=table,
        notes=(*table.notes, *notes),
    )
