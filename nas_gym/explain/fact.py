"""Facts: what an explanation knows, and the one rule for what may be said of it.

A sentence, a table or a figure says nothing of a run that is not a fact. What may be said is decided
here, by the interval of the estimate, and nowhere else: so no two statements of a report contradict
each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Estimate = float | int | str | None
QUOTE = "test score"
"""Key of the score that a first page says to quote."""


class Verdict(StrEnum):
    """What may be said of a fact."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"
    UNKNOWN = "cannot be known from this run"
    NO_TIME = "cannot be known for lack of time"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that an explanation knows.

    Attributes:
        key: name of the fact, unique in its section, such as ``"test score"``.
        of: what it is a fact of, such as ``"the network that the run kept"``.
        over: what it was measured or counted over, such as ``"1,200 test examples"``.
        estimate: the value; None where it is not known.
        low, high: ends of its 95% interval; None where there is none.
        unit: ``"score"``, ``"difference of scores"``, or what is counted.
        evidence: trainings, examples or evaluations that it rests on.
        verdict: what may be said of it.
    """

    key: str
    of: str
    over: str
    estimate: Estimate
    low: float | None
    high: float | None
    unit: str
    evidence: int
    verdict: Verdict

    @property
    def is_shown(self) -> bool:
        """Whether it may be stated as it is."""
        return self.verdict is Verdict.SHOWN

    def as_dict(self) -> dict[str, Any]:
        """Return the fact, JSON-able."""
        return asdict(self) | {"verdict": str(self.verdict)}


def counted(key: str, of: str, over: str, estimate: int | str, unit: str, evidence: int) -> Fact:
    """Return a fact that was counted or read off, so that nothing about it is uncertain."""
    return Fact(key, of, over, estimate, None, None, unit, evidence, Verdict.SHOWN)


def measured(
    key: str, of: str, over: str, estimate: float | None, low: float | None, high: float | None, evidence: int
) -> Fact:
    """Return a score: shown with an interval, not shown without one, unknown where nothing was measured."""
    low, high = _ends(low, high)
    verdict = Verdict.UNKNOWN if estimate is None else Verdict.NOT_SHOWN if low is None else Verdict.SHOWN
    return Fact(key, of, over, estimate, low, high, "score", evidence, verdict)


def difference(
    key: str, of: str, over: str, estimate: float | None, low: float | None, high: float | None, evidence: int
) -> Fact:
    """Return a difference of scores: shown if its interval leaves 0 out, unknown if it has no interval."""
    low, high = _ends(low, high)
    return Fact(key, of, over, estimate, low, high, "difference of scores", evidence, verdict_of(low, high))


def out_of_time(what: str, of: str) -> Fact:
    """Return a fact that a limit by the clock left no time for."""
    return Fact(what, of, "the time that the limit left", None, None, None, "", 0, Verdict.NO_TIME)


def verdict_of(low: float | None, high: float | None) -> Verdict:
    """Return what the interval of a difference says."""
    low, high = _ends(low, high)
    if low is None or high is None:
        return Verdict.UNKNOWN
    return Verdict.SHOWN if low > 0 or high < 0 else Verdict.NOT_SHOWN


def as_dicts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Return facts, JSON-able."""
    return [fact.as_dict() for fact in facts]


def _ends(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Return the ends of an interval, both None where one is missing or not a number."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None, None
    return float(low), float(high)
