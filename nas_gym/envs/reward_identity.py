"""What a user's reward is called and made of, so that a run's config can name it or tell it from another."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from nas_gym.registry import import_path


def stem(function: Any) -> Any:
    """Return what a name can lead to: the function, also of a partial, or the class of an object."""
    if isinstance(function, partial):
        return function.func
    return function if inspect.isroutine(function) else type(function)


def words(function: Any) -> str:
    """Return a reward in a few words, the same in every process."""
    part = stem(function)
    name = getattr(part, "__qualname__", type(part).__qualname__)
    where = f"{getattr(part, '__module__', None) or 'builtins'}.{name}"
    if isinstance(function, partial):
        return f"a partial of {where}"
    return where if inspect.isroutine(function) else f"an object of {where}"


def configs(function: Any) -> Iterator[dict[str, Any]]:
    """Yield names and options that may build a reward again, most telling first; JSON-able ones alone."""
    path = import_path(stem(function))
    for options in _options(function):
        for name in (options.get("name"), path):
            config = {"name": name, **{key: value for key, value in options.items() if key != "name"}}
            if isinstance(name, str) and (plain := _plain(config)) is not None:
                yield plain


def _options(function: Any) -> Iterator[dict[str, Any]]:
    """Yield what a reward may have been built with."""
    if isinstance(function, partial):
        yield dict(function.keywords)
        return
    if inspect.isroutine(function):
        yield {}
        return
    own = getattr(function, "config", None)
    if callable(own):
        try:
            stated = own()
        except Exception:  # noqa: BLE001 - a method of the user's that may be for something else
            stated = None
        if isinstance(stated, Mapping):
            yield {str(key): value for key, value in stated.items()}
    # By scikit-learn's convention, which dataclasses keep: an attribute for each argument.
    names = [name for name in parameters(type(function)) or {} if hasattr(function, name)]
    yield {name: getattr(function, name) for name in names}


def _plain(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return values as JSON gives them back; None if it cannot hold one."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps(values, default=_item))
    except (TypeError, ValueError):
        return None
    return plain


def _item(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError


def attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object that JSON can hold, in its form."""
    return _plain_ones(_kept(thing))


def alike(one: Any, other: Any, changing: Collection[str]) -> bool:
    """Return whether two rewards pay alike as far as can be seen: one function, or equal attributes.

    Args:
        one: a reward.
        other: another.
        changing: attributes that do not count, since asking changes them.
    """
    if isinstance(other, partial):
        same = isinstance(one, partial) and one.func is other.func
        return same and not other.args and one.keywords == other.keywords
    if inspect.isroutine(other) or type(one) is not type(other):
        return one is other
    first, second = (_without(changing, _kept(thing)) for thing in (one, other))
    plain = _plain_ones(first)
    # What JSON cannot hold has to be equal itself, which objects without __eq__ are not.
    return plain == _plain_ones(second) and bool(_without(plain, first) == _without(plain, second))


def _kept(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object, those of slots, too."""
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    kept = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    return kept | getattr(thing, "__dict__", {})


def source(function: Any) -> str:
    """Return a hash of the code, which tells runs with other rewards apart; "" if it is not known."""
    try:
        text = inspect.getsource(stem(function))
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def state(function: Any, changing: Collection[str]) -> dict[str, Any]:
    """Return what JSON can hold of a reward: attributes, arguments of a partial, closed-over values."""
    part = stem(function)
    kept: dict[str, Any] = {}
    if inspect.isfunction(part):
        kept |= inspect.getclosurevars(part).nonlocals
    if inspect.ismethod(part):
        kept |= attributes(part.__self__)
    if isinstance(function, partial):
        kept |= {str(number): value for number, value in enumerate(function.args)} | function.keywords
    elif not inspect.isroutine(function):
        kept |= attributes(function)
    return _without(changing, _plain_ones(kept))


def _plain_ones(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that JSON can hold."""
    plain: dict[str, Any] = {}
    for name, value in values.items():
        plain |= _plain({name: value}) or {}
    return plain


def _without(names: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def parameters(function: Any) -> Mapping[str, inspect.Parameter] | None:
    """Return the parameters of a callable; None for compiled code that shows none."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
