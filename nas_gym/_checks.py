"""What counts as a number where a user passes one: Python's own, NumPy's, or a scalar of any array library.

Numbers become Python's where they come in, so that what is recorded, and the key in the store, is that
of the plain number. True and False are not numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any


def plain(value: Any) -> Any:
    """Return a value with the scalars of NumPy and its like in it as Python's; arrays stay as they are.

    Lists, tuples and dicts are looked into.
    """
    if type(value) in (int, float, str, bool):
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    # A long double's item is a long double again.
    return float(value) if isinstance(value, Real) and not isinstance(value, int) else value


def whole(value: object) -> int | None:
    """Return a whole number as Python's int, None for everything else."""
    value = plain(value)
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None


def number(value: object) -> int | float | None:
    """Return a real number as Python's int or float, None for everything else."""
    value = plain(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def listed(value: object) -> list[Any] | None:
    """Return the values of a list, a tuple, a range or an array of one dimension, None for all else."""
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):
        return list(value.tolist())
    return None


def from_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: for every text that is none, also where lists are nested too deeply to be read and where
            a number has more digits than Python takes.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
