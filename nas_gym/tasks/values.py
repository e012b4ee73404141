"""Values to be predicted: read as numbers, and standardised by the training part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.reading.columns import missing_values
from nas_gym.tasks.reading.frames import single_column
from nas_gym.tasks.reading.number_forms import exact, is_number
from nas_gym.tasks.reading.raw_table import ColumnCells, MissingTexts, listed, text_of
from nas_gym.tasks.targets import Values


def of_cells(target: str, cells: ColumnCells, missing: MissingTexts) -> np.ndarray:
    """Return the values of a table's column, float64 (n,).

    Raises:
        NASGymError: if some are missing or are not numbers.
    """
    cells = listed(cells)
    lacking = [missing.among_numbers(cell) for cell in cells]
    if any(lacking):
        raise missing_values(target, lacking, "leave those rows out, or name the texts that are in missing=")
    texts = [text_of(cell) for cell in cells]
    wrong = next((text for text in texts if not is_number(text)), None)
    if wrong is not None:
        raise DataError(
            f"target {target!r} has {wrong!r}, and values are numbers: mend the column, or pass "
            "target_kind='classes'"
        )
    return np.array([float(exact(text)) for text in texts], dtype=np.float64)


def of_array(y: Any, names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return values in memory as float64 (n, values), and a name per value.

    Args:
        y: (n,) or (n, values), numbers.
        names: a name per value; None for ``"value"``, or numbered ones.

    Raises:
        NASGymError: for anything else, or values that are missing or not finite.
    """
    try:
        array = np.asarray(single_column(y), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"y must hold numbers where target_kind is 'values' ({error}): convert it") from error
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or not array.size:
        raise DataError(f"y must be of shape (n,) or (n, values), not {np.shape(y)}: reshape it")
    if not np.isfinite(array).all():
        count, first = (~np.isfinite(array)).sum(), int(np.argwhere(~np.isfinite(array))[0][0])
        raise DataError(
            f"y has {count:,} values that are missing or not finite, the first at {first:,}: leave those "
            "examples out"
        )
    count = array.shape[1]
    default = ("value",) if count == 1 else tuple(f"value {number}" for number in range(count))
    found = default if names is None else tuple(map(str, names))
    if len(found) != count:
        raise ConfigError(f"target_names has {len(found)} names for {count} values in y: pass one for each")
    return array, found


def target_of_training(values: np.ndarray, names: tuple[str, ...]) -> Values:
    """Return the target of the training part's values, float64 (n, values).

    Raises:
        NASGymError: if a value is the same everywhere, so that there is nothing to predict.
    """
    mean, scale = values.mean(axis=0), values.std(axis=0)
    for name, low, high in zip(names, values.min(axis=0), values.max(axis=0), strict=True):
        if low == high:
            raise DataError(
                f"{name!r} is {low:g} in the whole training part, so that there is nothing to predict: "
                "pass a target that varies"
            )
    return Values(names, tuple(map(_rounded, mean.tolist())), tuple(map(_rounded, scale.tolist())))


def _rounded(number: float) -> float:
    """Return a number of 24 bits: how a sum ends in its last bits differs between processors."""
    fraction, exponent = np.frexp(number)
    return float(np.ldexp(np.round(np.ldexp(fraction, 24)), exponent - 24))
