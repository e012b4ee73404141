"""A clock that a test sets."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass
class FakeClock:
    """Time in seconds; every look at it may take some."""

    time: float = 1000.0
    look: float = 0.0

    def monotonic(self) -> float:
        self.time += self.look
        return self.time


def fake_clock(monkeypatch: pytest.MonkeyPatch, look: float = 0.0) -> FakeClock:
    """Have limits by the clock read a clock of the test's; other clocks go on."""
    clock = FakeClock(look=look)
    monkeypatch.setattr("nas_gym._clock.time", clock)
    return clock
