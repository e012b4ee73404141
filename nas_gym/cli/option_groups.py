"""Options that several commands share, as one parameter of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any


def in_place_of(
    parameter: str, read: Callable[..., Any]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a function the options of `read` in place of one of its parameters.

    The options then stand in one place, and typer reads them from the signature. The function is called with
    what `read` makes of them.

    Args:
        parameter: name of the parameter.
        read: function of options that have names and defaults of their own, which may be decorated, too.
    """
    shared = inspect.signature(read, eval_str=True).parameters

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(function, eval_str=True).parameters
        options = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, one in own.items()
            for each in (shared.values() if name == parameter else [one])
        ]

        @wraps(function)
        def wrapped(**values: Any) -> Any:
            value = read(**{name: values.pop(name) for name in shared if name in values})
            return function(**{parameter: value}, **values)

        wrapped.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {each.name: each.annotation for each in options}
        return wrapped

    return decorated
