"""Building a part from a plain dict, by its name or import path, with errors that name the remedy."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from nas_gym._checks import plain
from nas_gym._trust import check_named
from nas_gym.errors import ConfigError, unknown

T = TypeVar("T")


def options_of(what: str, spec: object) -> dict[str, Any]:
    """The options of a part, its ``"name"`` among them, from its name or a dict of them.

    Raises:
        NASGymError: if it is neither.
    """
    if isinstance(spec, str):
        return {"name": spec}
    if isinstance(spec, Mapping):
        return dict(spec)
    raise ConfigError(f"the {what} must be a name or a dict with 'name' and options, not {spec!r}")


def lookup(what: str, name: object, known: Mapping[str, Any]) -> Any:
    """A part by its registered name, or a part of one's own by ``"module:Name"``.

    A registered part may be such a string itself, so that it is imported when it is first needed.

    Raises:
        NASGymError: if the name is missing or unknown, listing the known ones, the import fails, or a file
            names a part that the user does not trust (see `nas_gym.trust`).
    """
    if name is None:
        raise ConfigError(f"the {what} has no 'name' among its options: known: {', '.join(sorted(known))}")
    part = known.get(name, name) if isinstance(name, str) else ""
    if not isinstance(part, str):
        return part
    module, colon, attribute = part.partition(":")
    if not colon:
        raise unknown(what, name, known)
    if name not in known:
        check_named(what, part)
    try:
        imported = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"the {what} {name!r} cannot be imported ({error}): write it as 'module:Name'"
        ) from error
    except Exception as error:  # a user's module raises what it likes
        raise ConfigError(
            f"the {what} {name!r} cannot be imported, since {module} raises {type(error).__name__} "
            f"({error}): mend it"
        ) from error
    if not callable(imported):
        raise ConfigError(
            f"the {what} {name!r} is a {type(imported).__name__}: name a class or function of the module"
        )
    return imported


def build(factory: Callable[..., T], what: str, options: Mapping[str, Any], *arguments: Any) -> T:
    """Call ``factory(*arguments, **options)`` after checking the options against its signature.

    Numbers of NumPy among the options are passed as Python's.

    Raises:
        NASGymError: for an option that `factory` does not take or one that is missing.
    """
    try:
        parameters = list(inspect.signature(factory).parameters.values())[len(arguments) :]
    except ValueError as error:
        raise ConfigError(f"{_name(factory)!r} is no {what}: name one of Python code") from error
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = {one.name: one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
    for option in options:
        if option not in known and not takes_all:
            raise unknown(f"option of the {what} {_name(factory)!r}", option, known or ("none",))
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in options:
            raise ConfigError(f"the {what} {_name(factory)!r} needs the option {name!r}: pass {name}=...")
    return factory(*arguments, **plain(options))


def import_path(part: Any) -> str:
    """``"module:name"`` where that leads to a class or function, "" where nothing does."""
    module, name = getattr(part, "__module__", ""), getattr(part, "__qualname__", "")
    if module and name and getattr(sys.modules.get(module), name, None) is part:
        return f"{module}:{name}"
    return ""


def _name(factory: Callable[..., Any]) -> str:
    return str(getattr(factory, "name", factory.__name__))
