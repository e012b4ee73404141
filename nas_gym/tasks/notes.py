"""What is said of data that was read otherwise than as it stands."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nas_gym.errors import DataWarning

PASSED_THROUGH = frozenset({"nas_gym", "nas_agents", "gymnasium"})


_is_quiet: ContextVar[bool] = ContextVar("is_quiet", default=False)


@contextmanager
def unsaid() -> Iterator[None]:
    """Say nothing of the data that are read meanwhile: whoever reads them twice says it of those used."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def say(notes: Iterable[str]) -> None:
    """Warn of each note in a `DataWarning`, as if from the user's line that asked for the data."""
    if _is_quiet.get():
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _package(frame.f_globals) in PASSED_THROUGH:
        level, frame = level + 1, frame.f_back
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=level)


def _package(module: dict[str, object]) -> str:
    return str(module.get("__name__", "")).partition(".")[0]
