"""The executors by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_gym.executors.base import Executor
from nas_gym.registry import build, lookup, options_of

# Strings, since what an executor stands on is imported where it is used.
EXECUTORS = {"ray": "nas_gym.executors.ray:RayExecutor"}


def make_executor(spec: str | Mapping[str, Any] | Executor | None) -> Executor | None:
    """Build an executor from its name or a dict; an executor stays as it is, None is none.

    Raises:
        NASGymError: if the name or an option is unknown or does not fit, or what it stands on is not
            installed.
    """
    if spec is None or isinstance(spec, Executor):
        return spec
    options = options_of("executor", spec)
    factory = lookup("executor", options.pop("name", None), EXECUTORS)
    made: Executor = build(factory, "executor", options)
    return made
