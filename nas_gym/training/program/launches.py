"""How many kernels of a GPU a call stands for, where it is more than one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
_composed: dict[Any, int | Callable[..., int]] = {}


def composed(kernels: int | Callable[..., int]) -> Callable[[Function], Function]:
    """Declare that a function starts so many kernels, by the calls in it and in the library.

    Args:
        kernels: their number, or what gives it for the arguments of a call.
    """

    def declare(function: Function) -> Function:
        _composed[function] = kernels
        return function

    return declare


def launches(calls: Sequence[Callable[[], object]]) -> int:
    """Return how many kernels a list of calls starts.

    It is an estimate from the list alone: a library may start more, as for a long sum.
    """
    return sum(map(_launches, calls))


def _launches(call: Callable[[], object]) -> int:
    bound = call if isinstance(call, partial) else partial(call)
    kernels = _composed.get(bound.func, 1)
    return kernels if isinstance(kernels, int) else kernels(*bound.args)
