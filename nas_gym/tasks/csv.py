"""The user's own ``.csv`` file with a named target column."""

from __future__ import annotations

from collections.abc import Sequence
from csv import Error, reader
from pathlib import Path

import numpy as np

from nas_gym.errors import NASGymError, unknown
from nas_gym.tasks import files
from nas_gym.tasks.data import Data

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})

Columns = dict[str, list[str]]


def csv(
    path: str | Path,
    target: str,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    max_categories: int = 50,
    delimiter: str = ",",
) -> Data:
    """A task of a ``.csv`` file (UTF-8) whose first line names the columns.

    A column of numbers is one feature. A column with any other text is categorical: one feature of
    0 and 1 for each of its texts, named ``column=text``, in sorted order.

    Args:
        path: of the file.
        target: column of the class labels.
        drop: columns to leave out, such as row numbers.
        categorical: columns of numbers to be treated as categorical.
        max_categories: most different texts of a categorical column.
        delimiter: the character between cells.
    """
    full = files.existing(path, ".csv")
    if not isinstance(max_categories, int) or max_categories < 1:
        raise NASGymError(f"max_categories must be a whole number of at least 1, not {max_categories!r}")
    columns = _read(full, delimiter)
    if not isinstance(target, str) or target not in columns:
        raise unknown(f"target column of {full.name}", target, columns)
    dropped, chosen = _names("drop", drop, columns), _names("categorical", categorical, columns)
    if target in dropped:
        raise NASGymError(f"column {target!r} is the target and in drop: leave it out of one of them")
    labels = _labels(target, columns.pop(target))
    kept = {name: cells for name, cells in columns.items() if name not in dropped}
    if not kept:
        raise NASGymError(f"{full.name} has no column beside the target {target!r}: add features")
    features: dict[str, np.ndarray] = {}
    for name, cells in kept.items():
        features |= _encoded(name, cells, chosen, max_categories)
    x = np.stack(list(features.values()), axis=1)
    spec = {"path": str(full)}
    return Data(x, labels, feature_names=tuple(features), title=files.title(full), spec=spec)


def _read(path: Path, delimiter: str) -> Columns:
    """The cells of each column, stripped of spaces around them."""
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise NASGymError(f"delimiter must be one character, not {delimiter!r}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = reader(file, delimiter=delimiter, strict=True)
            rows = [(lines.line_num, [cell.strip() for cell in row]) for row in lines if row]
    except (Error, UnicodeDecodeError, OSError) as error:
        raise NASGymError(f"{path} cannot be read as a .csv file in UTF-8: {error}") from error
    if len(rows) < 2:
        raise NASGymError(f"{path} has no rows: it needs a line of column names and one line an example")
    (_, names), *body = rows
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise NASGymError(f"{path} has the column {repeated!r} twice: rename one of them")
    for line, row in body:
        if len(row) != len(names):
            raise NASGymError(
                f"line {line} of {path} has {len(row)} cells for {len(names)} columns: mend the line "
                f"or pass another delimiter than {delimiter!r}"
            )
    return {name: [row[place] for _, row in body] for place, name in enumerate(names)}


def _names(option: str, chosen: Sequence[str], columns: Columns) -> set[str]:
    if not isinstance(chosen, Sequence):
        raise NASGymError(f"{option} must be a list of column names, not {chosen!r}")
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    for name in names:
        if not isinstance(name, str) or name not in columns:
            raise unknown(f"column in {option}", name, columns)
    return set(names)


def _labels(target: str, cells: list[str]) -> np.ndarray:
    """The labels as whole numbers where all are, as numbers where all are, otherwise as texts."""
    _check_missing(target, cells, "leave those rows out")
    for number in (int, float):
        try:
            return np.array([number(cell) for cell in cells])
        except (ValueError, OverflowError):
            continue
    return np.array(cells)


def _encoded(name: str, cells: list[str], chosen: set[str], max_categories: int) -> dict[str, np.ndarray]:
    """The features of one column by name."""
    _check_missing(name, cells, f"fill them, leave those rows out, or the column with drop=[{name!r}]")
    if name not in chosen:
        try:
            return {name: np.array([float(cell) for cell in cells])}
        except ValueError:
            pass  # one text makes the column categorical
    texts = sorted(set(cells))
    if len(texts) > max_categories:
        raise NASGymError(
            f"column {name!r} has {len(texts):,} different texts, such as {_first_text(cells)!r}, more than "
            f"max_categories={max_categories}: mend it, leave it out with drop=[{name!r}], "
            "or raise max_categories"
        )
    array = np.array(cells)
    return {f"{name}={text}": (array == text).astype(np.float64) for text in texts}


def _check_missing(name: str, cells: list[str], remedy: str) -> None:
    missing = [number for number, cell in enumerate(cells, start=1) if cell.lower() in MISSING]
    if missing:
        raise NASGymError(
            f"column {name!r} misses {len(missing):,} of {len(cells):,} values, "
            f"the first in row {missing[0]:,}: {remedy}"
        )


def _first_text(cells: list[str]) -> str:
    """The first cell that is no number, for a column of numbers spoilt by a few."""
    for cell in cells:
        try:
            float(cell)
        except ValueError:
            return cell
    return cells[0]
