"""How a public name or argument is retired: it works for one more minor version, with a warning."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def deprecated(instead: str, *, removed_in: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as deprecated: each call warns whoever called it.

    Args:
        instead: what to use in its place ("use `make_task`").
        removed_in: version of nas-gym that will be without it, such as ``"0.3"``.
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def marked(*args: P.args, **kwargs: P.kwargs) -> R:
            warn_deprecated(f"{function.__qualname__}()", instead, removed_in=removed_in)
            return function(*args, **kwargs)

        return marked

    return mark


def warn_deprecated(what: str, instead: str, *, removed_in: str, stacklevel: int = 2) -> None:
    """Warn that something is deprecated, such as an argument that was given.

    Args:
        what: name of what is deprecated.
        instead: what to use in its place.
        removed_in: version of nas-gym that will be without it.
        stacklevel: which line to blame: 1 for the one that calls this function, 2 for its caller.
    """
    message = f"{what} is deprecated and will be removed in nas-gym {removed_in}: {instead}"
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 1)
