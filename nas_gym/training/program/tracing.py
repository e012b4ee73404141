"""Kernels recorded into one call, which runs them outside the interpreter's lock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor

from nas_gym.training._torch import trace
from nas_gym.training.program.tape import Kernel

WORTHWHILE_RUNS = 100
"""Runs from which recording pays: it costs about as much as a hundred runs save."""


def traced(kernels: Sequence[Kernel]) -> Kernel:
    """One call that runs `kernels` in order, with the same bits; it runs them once to record them.

    Called one by one, kernels of a few microseconds leave two threads waiting for the interpreter's
    lock a third of the time. All tensors are passed in, since only what is written to an argument
    counts as an effect.
    """
    arguments: dict[int, int] = {}
    tensors: list[Tensor] = []

    def place(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) not in arguments:
            arguments[id(value)] = len(tensors)
            tensors.append(value)
        return _Argument(arguments[id(value)])

    calls: list[tuple[Any, list[Any], dict[str, Any]]] = []
    for kernel in kernels:
        bound = kernel if isinstance(kernel, partial) else partial(kernel)
        owner = getattr(bound.func, "__self__", None)
        function = (place(owner), bound.func.__name__) if isinstance(owner, Tensor) else bound.func
        named = {name: place(value) for name, value in bound.keywords.items()}
        calls.append((function, [place(value) for value in bound.args], named))

    def run(*given: Tensor) -> Tensor:
        def value(placed: Any) -> Any:
            return given[placed.number] if isinstance(placed, _Argument) else placed

        for function, positional, named in calls:
            call = getattr(value(function[0]), function[1]) if isinstance(function, tuple) else function
            call(*map(value, positional), **{name: value(placed) for name, placed in named.items()})
        return given[0]

    try:
        recorded = trace(run, tensors)
    except (RuntimeError, NotImplementedError):
        return lambda: [kernel() for kernel in kernels]
    return lambda: recorded(*tensors)


class _Argument:
    """The place of a tensor among the arguments."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number
