"""A limit by the clock, batches of work that are small enough to end near it, and breaking off at it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from nas_gym._checks import number
from nas_gym.errors import ConfigError

Found = TypeVar("Found")

MOST_AT_ONCE = 16
"""Trainings of a batch under a limit: enough to train side by side, few enough to end in time."""


class OutOfTimeError(Exception):
    """The limit by the clock was reached before something was known."""


class Clock:
    """The time since it was made, with a limit or without one.

    Work that cannot be interrupted goes in batches: the first is of one piece, each next one of twice as
    many, and near the limit of as many as will be done in time by what the last batch took.

    Args:
        minutes: limit; None for none.
        kept: part of the limit that is kept for what comes after the work, in [0, 1).

    Attributes:
        minutes: as passed in.

    Raises:
        NASGymError: if the limit is not a number above 0.
    """

    def __init__(self, minutes: float | None = None, kept: float = 0.0) -> None:
        self.minutes = minutes_of(minutes)
        self._limit = float("inf") if self.minutes is None else 60 * self.minutes * (1 - kept)
        self._began = time.monotonic()
        self._pieces, self._each = 0, 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._began

    @property
    def share(self) -> float:
        """The part of the limit that is over, in [0, 1]; 0 without one."""
        return 0.0 if self.minutes is None else min(1.0, self.elapsed / self._limit)

    @property
    def is_over(self) -> bool:
        """Whether the limit has been reached, but for the part that is kept."""
        return self.minutes is not None and self.elapsed >= self._limit

    @property
    def batch(self) -> int | None:
        """The most pieces of work to begin at once; None without a limit."""
        if self.minutes is None:
            return None
        left = self._limit - self.elapsed
        in_time = left / self._each if self._each > 0 else MOST_AT_ONCE
        return max(1, int(min(MOST_AT_ONCE, 2 * self._pieces, in_time)))

    @contextmanager
    def timing(self, pieces: int) -> Iterator[None]:
        """Learn from a batch that is done meanwhile how long a piece of work takes."""
        began = self.elapsed
        yield
        self._pieces, self._each = pieces, (self.elapsed - began) / max(1, pieces)

    @contextmanager
    def part(self, share: float) -> Iterator[None]:
        """Limit what is done meanwhile to a share of the time that is left, in (0, 1]."""
        whole = self._limit
        if whole < float("inf"):
            self._limit = self.elapsed + share * max(0.0, whole - self.elapsed)
        try:
            yield
        finally:
            self._limit = whole

    @contextmanager
    def breaking_off(self) -> Iterator[None]:
        """Have `check_time` raise, in what is done meanwhile, once the limit has been reached."""
        token = _running.set(self)
        try:
            yield
        finally:
            _running.reset(token)


_running: ContextVar[Clock | None] = ContextVar("clock", default=None)
"""The clock that limits what is done now: of computations that know nothing else of a run."""


def check_time() -> None:
    """Break off where a limit is in force and was reached; long computations call it in their loops.

    Raises:
        OutOfTimeError: if the limit of `Clock.breaking_off` was reached.
    """
    clock = _running.get()
    if clock is not None and clock.is_over:
        raise OutOfTimeError(f"the limit of {minutes_in_words(clock.minutes or 0.0)} was reached")


def in_time(compute: Callable[[], Found]) -> Found | None:
    """Return what a computation gives; None where the limit breaks it off."""
    try:
        return compute()
    except OutOfTimeError:
        return None


def minutes_of(minutes: float | None) -> float | None:
    """Return a limit as a number, None for none.

    Raises:
        NASGymError: if it is not a finite number above 0.
    """
    if minutes is None:
        return None
    found = number(minutes)
    if found is None or not 0 < found < float("inf"):
        raise ConfigError(f"minutes must be a number above 0, not {minutes!r}")
    return float(found)


def minutes_in_words(minutes: float) -> str:
    """Return ``"2 minutes"``, ``"1 minute"`` or ``"0.5 minutes"``."""
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"
