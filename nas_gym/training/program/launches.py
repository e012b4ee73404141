"""How many kernels of a GPU a call stands for, where it is more than one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
_composed: dict[Any, int] = {}


def composed(kernels: int) -> Callable[[Function], Function]:
    """Declare that a function starts so many kernels, by the calls in it and in the library."""

    def declare(function: Function) -> Function:
        _composed[function] = kernels
        return function

    return declare


def launches(calls: Sequence[Callable[[], object]]) -> int:
    """Return how many kernels a list of calls starts.

    It is an estimate from the list alone: a library may start more, as for a long sum.
    """
    functions = [call.func if isinstance(call, partial) else call for call in calls]
    return sum(_composed.get(function, 1) for function in functions)
