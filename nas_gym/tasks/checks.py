"""Checks of raw examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.inputs import INPUTS, CodedInputs, Inputs
from nas_gym.tasks.reading.raw_table import check_width

CHANNELS_LAST = (1, 3, 4)
MOST_CHANNELS = 4  # of an image, above which a shape is suspected of another order of its sides


EXACT = 2**53  # up to here a float64 holds every whole number


def examples(x: Any, inputs: Inputs | None, feature_names: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return raw examples as a numeric array of a shape that a task can have, and what is to be said of it.

    Raises:
        NASGymError: for a wrong type, shape or value, with the call that mends it.
    """
    if inputs is not None and inputs not in INPUTS:
        raise unknown("inputs", inputs, INPUTS)
    array, notes = _shaped(numeric(x), inputs)
    if not array.size:
        raise DataError(
            f"x is empty, of shape {array.shape}: pass at least three examples, of classes three of each"
        )
    if array.ndim == 2:
        check_width(array.shape[1], "x")
    if len(feature_names) and (array.ndim != 2 or len(feature_names) != array.shape[1]):
        raise ConfigError(
            f"feature_names has {len(feature_names)} names for x of shape {array.shape}: "
            "pass one for each feature of a table, none for signals and images"
        )
    check_finite(array, feature_names)
    _check_exact(array)
    return array, notes


def codes(x: Any, coded: CodedInputs) -> np.ndarray:
    """Return examples of codes as a loader made them, float32 (n, *shape)."""
    array = np.asarray(x, dtype=np.float32)
    if not len(array):
        raise DataError(f"x has no {coded.kind}: pass at least three examples, of classes three of each")
    return array


def as_array(given: Any, name: str) -> np.ndarray:
    """Return what was given as an array.

    Args:
        given: what the user calls `name`.
        name: ``"x"`` or ``"y"``.

    Raises:
        NASGymError: if it is no array, or values of it are masked.
    """
    if np.ma.is_masked(given):
        raise DataError(
            f"{name} has {np.ma.getmaskarray(given).sum():,} masked values: fill them or leave those "
            "examples out"
        )
    try:
        return np.asarray(given)
    except ValueError as error:
        raise DataError(f"{name} is no array: its rows differ in length, pass rows of one length") from error
    except Exception as error:  # other libraries' arrays raise what they like, as those on a GPU do
        raise DataError(f"{name} is no array of NumPy ({error}): make it one") from error


def numeric(x: Any) -> np.ndarray:
    """Return an array of real numbers, whatever its shape.

    Raises:
        NASGymError: if x is something else, or values of it are masked.
    """
    array = as_array(x, "x")
    if array.dtype == object and hasattr(x, "toarray"):
        raise DataError("x is a sparse matrix: pass x.toarray()")
    if array.dtype == object:
        raise DataError(
            "x is of dtype object: convert it, for example with x.astype(float), or pass a data frame, whose "
            "columns may hold texts"
        )
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise DataError(f"x must hold real numbers, not dtype {array.dtype}: convert it with x.astype(float)")
    return array


def _shaped(x: np.ndarray, inputs: Inputs | None) -> tuple[np.ndarray, list[str]]:
    """Return examples with their channels first, and what is to be said where their shape was another."""
    if inputs in ("signal", "image") and x.ndim == INPUTS.index(inputs) + 1:
        x = x[:, None]
    if inputs is not None and x.ndim != INPUTS.index(inputs) + 2:
        raise DataError(
            f"x of shape {x.shape} cannot be read with inputs={inputs!r}: reshape it, or leave inputs out"
        )
    if not 2 <= x.ndim <= 4:
        remedy = "x.reshape(-1, 1) for one feature" if x.ndim < 2 else "x.reshape(len(x), -1) for a table"
        raise DataError(
            "x must be of shape (n, features), (n, channels, length) or (n, channels, height, width), "
            f"not {x.shape}: pass {remedy}"
        )
    return (x, []) if inputs is not None else _channels_first(x)


def _channels_first(x: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return images and signals with a channel first whose sides are almost surely in another order."""
    sides = x.shape[1:]
    if len(sides) == 2 and min(sides) > MOST_CHANNELS and (sides[0] == sides[1] or x.dtype == np.uint8):
        said = f"x of shape {x.shape} is read as images of one channel: inputs='signal' reads signals"
        return x[:, None], [said]
    if len(sides) == 3 and sides[0] > MOST_CHANNELS and sides[2] in CHANNELS_LAST:
        said = (
            f"x of shape {x.shape} is read as images of {sides[0]} x {sides[1]} whose {sides[2]} channels "
            "are last: inputs='image' reads the channels first"
        )
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2)), [said]
    if len(sides) == 2 and sides[1] <= MOST_CHANNELS < sides[0]:
        said = (
            f"x of shape {x.shape} is read as signals of {sides[0]:,} points whose channels are last: "
            "inputs='signal' reads the channels first"
        )
        return np.ascontiguousarray(x.transpose(0, 2, 1)), [said]
    return x, []


def as_trained(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return new examples in the order of sides that a network was trained on, where they are in another.

    Args:
        x: raw examples.
        shape: shape of an example.
    """
    if x.shape[1:] == shape:
        return x
    if len(shape) == 3 and x.shape[1:] == (*shape[1:], shape[0]):
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    if len(shape) == 2 and shape[0] <= MOST_CHANNELS < shape[1] and x.shape[1:] == shape[::-1]:
        return np.ascontiguousarray(x.transpose(0, 2, 1))
    if len(shape) > 1 and shape[0] == 1 and x.shape[1:] == shape[1:]:
        return x[:, None]
    return x


def _check_exact(x: np.ndarray) -> None:
    """Refuse different whole numbers of one feature that one float64 stands for, such as ids."""
    if x.dtype.kind not in "iu" or max(int(x.max()), -int(x.min())) <= EXACT:
        return
    for feature in range(x.shape[1]):
        values = np.unique(x[:, feature])
        if len(np.unique(values.astype(np.float64))) < len(values):
            raise DataError(
                f"feature {feature} of x has different whole numbers that are equal in float64, such as "
                f"{values[-1]}: leave it out, or subtract its smallest value first"
            )


def check_finite(x: np.ndarray, feature_names: Sequence[str]) -> None:
    """Refuse values that are NaN, infinite or beyond float32, naming the first and its feature.

    Raises:
        NASGymError: if there are some.
    """
    # Beyond float32 a value cannot be trained on; comparing also finds NaN.
    good = np.abs(x, dtype=np.float64) <= np.finfo(np.float32).max
    if good.all():
        return
    where = tuple(int(place) for place in np.argwhere(~good)[0])
    feature = f", feature {feature_names[where[1]]!r}" if len(feature_names) else ""
    raise DataError(
        f"x has {(~good).sum():,} values that are NaN, infinite or beyond float32, "
        f"the first at {where}{feature}: fill them or leave those examples out"
    )
