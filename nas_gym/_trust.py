"""Whose word counts when code is imported by its name: the user's, never that of a file that is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from nas_gym.errors import ConfigError

# What the user named in this process: modules, and import paths "module:Name".
_named: set[str] = set()
_file: ContextVar[str] = ContextVar("file that is read", default="")
# Entries of a config that hold import paths.
_ENTRIES = ("name", "function", "env_id")


class UntrustedError(ConfigError):
    """A file names code that the user never named."""


def trust(*names: str) -> None:
    """Let run folders, tables and saved networks name parts of modules of your own.

    Without it such a file leads to parts of nas-gym alone, and to what this process has named itself before:
    nothing is imported because a file says so.

    ```python
    nas_gym.trust("my_module")
    nas_gym.explain.explain("tensorboard_logs/mine")
    ```

    Args:
        names: modules or packages, like ``"my_module"``, or single parts, like ``"my_module:Name"``; they are
            imported when a file first names them.
    """
    _named.update(names)


def trusted() -> tuple[str, ...]:
    """Return what this process lets files name, for processes that work for it."""
    return tuple(sorted(_named))


def trust_config(values: Mapping[str, Any]) -> None:
    """Let files name the parts that a config of this process's own names."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            trust_config(value)
        elif key in _ENTRIES and isinstance(value, str) and ":" in value:
            trust(value)


@contextmanager
def named_by(file: str | os.PathLike[str]) -> Iterator[None]:
    """Meanwhile names come from a file, so that only parts that the user trusts are imported."""
    token = _file.set(os.fspath(file))
    try:
        yield
    finally:
        _file.reset(token)


def check_named(what: str, path: str) -> None:
    """Check that an import path ``"module:Name"`` may be imported; one that the user gives always may.

    Raises:
        NASGymError: if a file names it and the user never did.
    """
    file, module = _file.get(), path.partition(":")[0]
    if not file:
        trust(path)
        return
    packages = module.split(".")
    prefixes = {".".join(packages[:length]) for length in range(1, len(packages) + 1)}
    if path not in _named and not prefixes & _named:
        raise UntrustedError(
            f"{file} names the {what} {path!r}, and no file chooses which code runs: if you trust it, add "
            f"--trust {module} to the command, or nas_gym.trust({module!r}) to the program"
        )
