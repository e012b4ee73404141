"""Building a registered part from a plain dict, with errors that name the option and the remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from nas_gym.errors import NASGymError, unknown

T = TypeVar("T")


def build(factory: Callable[..., T], what: str, options: Mapping[str, Any], *arguments: Any) -> T:
    """Call ``factory(*arguments, **options)`` after checking the options against its signature.

    Raises:
        NASGymError: for an option that `factory` does not take or one that is missing.
    """
    parameters = list(inspect.signature(factory).parameters.values())[len(arguments) :]
    known = {parameter.name: parameter for parameter in parameters}
    for option in options:
        if option not in known:
            raise unknown(f"option of the {what} {_name(factory)!r}", option, known or ("none",))
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in options:
            raise NASGymError(f"the {what} {_name(factory)!r} needs the option {name!r}: pass {name}=...")
    return factory(*arguments, **options)


def _name(factory: Callable[..., Any]) -> str:
    return str(getattr(factory, "name", factory.__name__))
