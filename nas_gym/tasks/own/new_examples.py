"""New examples in whatever form they come, as the features that a network was trained on."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.networks import Shape
from nas_gym.tasks import checks
from nas_gym.tasks.forms.base import ExampleForm, FileExamples, read_files
from nas_gym.tasks.media.collection import is_of
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.reading import file_kinds
from nas_gym.tasks.reading.columns import TableEncoder
from nas_gym.tasks.reading.frames import frame_table, is_frame, is_numbered_as, of_mapping
from nas_gym.tasks.reading.raw_table import RawTable, of_rows
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.reading.typed_files import numpy_array
from nas_gym.tasks.series.form import SeriesExamples

TEXTS = (str, bytes, np.str_)


def features_of(
    x: Any, shape: Shape, encoder: TableEncoder | None, feature_names: Sequence[str]
) -> np.ndarray:
    """Return the raw features of new examples, (n, *shape), finite numbers.

    Args:
        x: as in `nas_gym.deploy.SavedNetwork.predict`.
        shape: shape of an example.
        encoder: how columns become features; None where only arrays are known.
        feature_names: a name per feature, for errors; may be empty.

    Raises:
        NASGymError: if the examples are not like those in training.
    """
    table = x if isinstance(x, RawTable) else _table(x, encoder, shape)
    if table is not None and encoder is not None:
        return _encoded(table, encoder)
    if table is not None:
        x = _by_place(table, shape)
    raw = checks.as_trained(checks.numeric(x.x if isinstance(x, FileExamples | SeriesExamples) else x), shape)
    if raw.shape[1:] != shape or raw.ndim != len(shape) + 1:
        rows = f", or rows of the columns {', '.join(encoder.names)}" if encoder else ""
        raise DataError(
            f"x has shape {raw.shape}, the network takes (n, {', '.join(map(str, shape))}){rows}: "
            "pass raw examples like those it was trained on, one of them as x[None]"
        )
    checks.check_finite(raw, feature_names)
    if encoder is not None:
        encoder.check(raw)
    return raw


def in_rows(x: Any, form: ExampleForm) -> Any:
    """Return what a form finds in a data frame, a dict of columns or a list of dicts; else what was given.

    Raises:
        NASGymError: as `ExampleForm.in_table`.
    """
    if is_frame(x):
        table = frame_table(x, "x")
    elif isinstance(x, Mapping):
        table = of_mapping(x, "x")
    elif isinstance(x, list | tuple) and x and all(isinstance(row, Mapping) for row in x):
        table = of_rows("x", list(x[0]), x)
    else:
        return x
    found = form.in_table(table)
    return x if found is None else found


def _table(x: Any, encoder: TableEncoder | None, shape: Shape) -> RawTable | None:
    """Return examples as a table where they are one; None where they are an array of features."""
    if is_frame(x) or (encoder is not None and is_numbered_as(x, encoder.names)):
        return frame_table(x, "x")
    if encoder is None:
        return None
    if isinstance(x, Mapping):
        return of_mapping(x, "x")
    if isinstance(x, np.ndarray):
        rows: Any = x.tolist() if x.ndim == 2 and not isinstance(x, np.ma.MaskedArray) else None
        texts = x.dtype.kind in "OUST"
    else:
        rows = list(x) if isinstance(x, list | tuple) else None
        texts = rows is not None and any(_has_texts(row) for row in rows)
    if not rows:
        return None
    if all(isinstance(row, Mapping) for row in rows):
        return of_rows("x", _given(encoder, rows[0]), rows)
    if not all(isinstance(row, list | tuple) or (isinstance(row, np.ndarray) and row.ndim) for row in rows):
        return None
    # Numbers are features, unless they can only be the cells of columns.
    cells = len(rows[0]) == len(encoder.names) and len(encoder.names) != shape[0]
    return of_rows("x", encoder.names, rows) if texts or cells else None


def _has_texts(row: Any) -> bool:
    cells = isinstance(row, list | tuple | np.ndarray) and np.ndim(row) == 1
    return cells and any(isinstance(cell, TEXTS) or cell is None for cell in row)


def _given(encoder: TableEncoder, row: Mapping[str, Any]) -> Sequence[str]:
    """Return the names that dicts are asked for: the columns', or the features' if only they are there."""
    return encoder.feature_names if _are_features(set(row), encoder) else encoder.names


def _are_features(given: set[str], encoder: TableEncoder) -> bool:
    """Return whether columns are the features that an encoder makes, rather than what it makes them of."""
    features = set(encoder.feature_names)
    if not features <= given or features == set(encoder.names):
        return False
    others = set(encoder.names) - features
    return not others or not others <= given


def _encoded(table: RawTable, encoder: TableEncoder) -> np.ndarray:
    if _are_features(set(table.columns), encoder):
        features = TableEncoder.of_numbers(encoder.feature_names).encode(table)
        encoder.check(features)
        return features
    return encoder.encode(table)


def _by_place(table: RawTable, shape: Shape) -> np.ndarray:
    """Return the columns of a table as features in their order, for a network that knows no names."""
    if len(shape) > 1:
        raise DataError(f"{table.source} is a table, the network takes arrays (n, {shape}): pass an array")
    names = list(table.columns)
    if all(map(str.isdecimal, names)):  # as pandas numbers columns
        places = list(map(str, range(shape[0])))
        if sorted(names) != sorted(places):
            raise DataError(
                f"{table.source} has the columns {', '.join(names)}, the network takes {shape[0]} features, "
                f"0 to {shape[0] - 1}: pass those columns alone"
            )
        return TableEncoder.of_numbers(places).encode(table)
    if len(table.columns) != shape[0]:
        raise DataError(
            f"{table.source} has {len(table.columns)} columns, the network takes {shape[0]} features and "
            "knows no names: pass its columns alone"
        )
    return TableEncoder.of_numbers(list(table.columns)).encode(table)


def read_examples(
    path: str | Path, encoder: TableEncoder | None, form: ExampleForm | None = None, **reading: str | None
) -> Any:
    """Return the array or the table in a file, or the images or signals in a folder, for `features_of`.

    Args:
        path: path of the file.
        encoder: encoder of the network, whose columns help to recognise the delimiter.
        form: how files became the examples that a network was trained on; None where they did not.
        **reading: options of `nas_gym.tasks.reading.table_file.read_table`.

    Raises:
        NASGymError: if the file does not exist or cannot be read.
    """
    given = Path(path).expanduser()
    if form is not None and (examples := form.examples_in(given, reading)) is not None:
        return examples
    path = files.existing(path, "data")
    found = file_kinds.contents_of(path)
    if found.kind == "npy":
        array = numpy_array(found.content, path.name)
        if form is not None and is_of(path.name, form.suffixes) and array.ndim <= len(form.shape):
            return read_files(path, form)  # one example, not an array of them
        return array if array.dtype.names is None else frame_table(array, path.name)
    if found.kind == "npz":
        try:
            with zipfile.ZipFile(path) as archive:
                return numpy_array(archive.read("x.npy"), path.name)
        except (*file_kinds.DAMAGE, KeyError, UnicodeError) as error:
            raise DataError(
                f"{path.name} has no array 'x' ({error}): save it with numpy.savez(path, x=x)"
            ) from error
    return read_table(path, **reading, expected=() if encoder is None else encoder.names)
