"""Values in memory that are to be predicted: numbers, which vary in every part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks import checks
from nas_gym.tasks.reading.frames import frame_table, is_frame
from nas_gym.tasks.reading.raw_table import Cells, clean_cell, listed


def of_array(y: Any, names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return values in memory as float64 (n, values), and a name per value.

    Args:
        y: (n,) or (n, values), numbers; a data frame names its values.
        names: a name per value; None for those of a data frame, ``"value"``, or numbered ones.

    Raises:
        NASGymError: for anything else, or values that are missing or not finite.
    """
    if is_frame(y):
        columns = frame_table(y, "y").columns
        array = np.stack([_floats(listed(cells)) for cells in columns.values()], axis=1)
        default = tuple(columns)
    else:
        array = _floats_of_array(checks.as_array(y, "y"))
        default = _default_names(y, array.shape[1])
    good = np.abs(array) <= np.finfo(np.float32).max  # comparing also finds NaN
    if not good.all():
        first = int(np.argwhere(~good)[0][0])
        raise DataError(
            f"y has {(~good).sum():,} values that are missing, infinite or beyond float32, the first at "
            f"{first:,}: leave those examples out"
        )
    found = default if names is None else _checked_names(names)
    if len(found) != array.shape[1]:
        raise ConfigError(
            f"target_names has {len(found)} names for {array.shape[1]} values in y: pass one for each"
        )
    return array, found


def check_variation(y: np.ndarray, names: tuple[str, ...], parts: Mapping[str, np.ndarray]) -> None:
    """Check that every value varies in every part, since R² compares errors with how much it does.

    Args:
        y: values, (n, values).
        names: a name per value.
        parts: the indices of each part, by its name.

    Raises:
        NASGymError: naming the part and the value.
    """
    for part, places in parts.items():
        if not len(places):
            raise DataError(f"the {part} part has no examples: move some there")
        for name, low, high in zip(names, y[places].min(axis=0), y[places].max(axis=0), strict=True):
            if low == high:
                raise DataError(
                    f"target {name!r} is the same in all {len(places):,} examples of the {part} part, which "
                    "leaves nothing to predict: pass a target that varies, or make that part larger"
                )


def _floats_of_array(array: np.ndarray) -> np.ndarray:
    """Return an array of numbers as float64 (n, values), NaN where they are missing."""
    if not (1 <= array.ndim <= 2 and array.size):
        raise DataError(f"y must be of shape (n,) or (n, values), not {array.shape}: reshape it")
    if array.dtype.kind in "biuf":
        numbers = array.astype(np.float64)
    else:
        numbers = _floats([clean_cell(value) for value in array.ravel().tolist()]).reshape(array.shape)
    return numbers[:, None] if array.ndim == 1 else numbers


def _floats(cells: Cells) -> np.ndarray:
    """Return cells as float64 (n,), NaN where they are missing.

    Raises:
        NASGymError: if one is something else than a number.
    """
    wrong = next((cell for cell in cells if not (cell is None or isinstance(cell, bool | int | float))), None)
    if wrong is not None:
        what = "the text" if isinstance(wrong, str) else f"a {type(wrong).__name__} such as"
        raise DataError(
            f"y has {what} {str(wrong)!r}, and values are numbers: convert it, or predict classes with "
            "target_kind='classes'"
        )
    return np.array([math.nan if cell is None else _float(cell) for cell in cells])


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number beyond float64
        return math.inf


def _default_names(y: Any, count: int) -> tuple[str, ...]:
    if count > 1:
        return tuple(f"value {number}" for number in range(count))
    name = getattr(y, "name", None)  # of a column of a data frame
    return (name if isinstance(name, str) and name else "value",)


def _checked_names(names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise ConfigError(f"target_names must be a list of names, one for each value, not {names!r}")
    found = tuple(map(str, names))
    if len(set(found)) < len(found):
        raise ConfigError(f"target_names has {max(found, key=found.count)!r} twice: pass different names")
    return found
