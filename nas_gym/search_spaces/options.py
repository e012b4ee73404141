"""Checks of the options of search spaces: what was expected, what came, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nas_gym._checks import listed, number
from nas_gym._checks import whole as _whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.networks import Shape


def distinct(what: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values of an option that must be a list of at least one, all different.

    Raises:
        NASGymError: if it is not a list, is empty, or has a value twice.
    """
    given = listed(values)
    if not given or len({str(value) for value in given}) < len(given):
        raise ConfigError(f"{what} must be a list of different values, not {values!r}")
    return tuple(given)


def whole(what: str, value: object) -> int:
    """Return the value of an option that must be a whole number of at least 1.

    Raises:
        NASGymError: if it is not.
    """
    number = _whole(value)
    if number is None or number < 1:
        raise ConfigError(f"{what} must be a whole number of at least 1, not {value!r}")
    return number


def wholes(what: str, values: Sequence[Any]) -> tuple[int, ...]:
    """Return the values of an option that must be a list of different whole numbers of at least 1.

    Raises:
        NASGymError: if it is not.
    """
    return tuple(whole(f"each of the {what}", value) for value in distinct(what, values))


def rates(what: str, values: Sequence[Any]) -> tuple[float, ...]:
    """Return the values of an option that must be a list of rates in [0, 1), which differ in six digits.

    Raises:
        NASGymError: if it is not.
    """
    found = [number(rate) for rate in distinct(what, values)]
    checked = tuple(rate for rate in found if rate is not None and 0 <= rate < 1)
    if len(checked) < len(found):
        raise ConfigError(f"{what} must be rates in [0, 1), not {list(values)!r}")
    distinct(f"{what}, as six digits show them,", [f"{rate:g}" for rate in checked])
    return checked


def names(what: str, each: str, values: Sequence[Any], known: Iterable[str]) -> tuple[str, ...]:
    """Return the values of an option that must be a list of different known names.

    Raises:
        NASGymError: if it is not such a list, or for an unknown name, with the nearest (`each` is
            what one of them is called).
    """
    known = tuple(known)
    chosen = distinct(what, values)
    for value in chosen:
        if value not in known:
            raise unknown(each, value, known)
    return chosen


def grid_shape(space: str, input_shape: Shape) -> Shape:
    """Return the input shape of a space that needs signals or images.

    Raises:
        NASGymError: for a table's rows and every other shape.
    """
    if len(input_shape) not in (2, 3):
        raise ConfigError(
            f"the {space} space needs signals (channels, length) or images (channels, height, width), "
            f"not input shape {tuple(input_shape)}: use search_space='mlp', which takes any shape"
        )
    return tuple(input_shape)
