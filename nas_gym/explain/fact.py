"""Facts: what an explanation knows, and the one rule for what may be said of it.

A sentence, a table or a figure says nothing of a run that is not a fact. What may be said is decided
here, by the interval of the estimate and the p-value of its test, and nowhere else: so no two statements
of a report contradict each other.
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
LEVEL = 0.05
"""Probability of an effect by chance, adjusted for all that were tested together, up to which it is shown."""


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
        p: p-value of no effect, adjusted for all that were tested together; None where it was not tested.
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
    p: float | None = None

    @property
    def is_shown(self) -> bool:
        """Whether it may be stated as it is."""
        return self.verdict is Verdict.SHOWN

    @property
    def is_positive(self) -> bool:
        """Whether it is shown to be above 0."""
        return self.is_shown and self.value > 0

    @property
    def is_negative(self) -> bool:
        """Whether it is shown to be below 0."""
        return self.is_shown and self.value < 0

    @property
    def value(self) -> float:
        """The estimate as a number; 0 where it is none."""
        return float(self.estimate) if isinstance(self.estimate, int | float) else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the fact, JSON-able."""
        return asdict(self) | {"verdict": str(self.verdict)}


def counted(key: str, of: str, over: str, estimate: float | str, unit: str, evidence: int) -> Fact:
    """Return a fact that was counted or read off, so that nothing about it is uncertain."""
    return Fact(key, of, over, estimate, None, None, unit, evidence, Verdict.SHOWN)


def measured(
    key: str,
    of: str,
    over: str,
    estimate: float | None,
    low: float | None,
    high: float | None,
    evidence: int,
    unit: str = "score",
) -> Fact:
    """Return a score: shown with an interval, not shown without one, unknown where nothing was measured."""
    low, high = _ends(low, high)
    verdict = Verdict.UNKNOWN if estimate is None else Verdict.NOT_SHOWN if low is None else Verdict.SHOWN
    return Fact(key, of, over, estimate, low, high, unit, evidence, verdict)


def difference(
    key: str,
    of: str,
    over: str,
    estimate: float | None,
    low: float | None,
    high: float | None,
    evidence: int,
    *,
    unit: str = "difference of scores",
    p: float | None = None,
) -> Fact:
    """Return a difference or another effect, which would be 0 if nothing were so (see `verdict_of`)."""
    low, high = _ends(low, high)
    verdict = Verdict.UNKNOWN if estimate is None else verdict_of(low, high, p)
    return Fact(key, of, over, estimate, low, high, unit, evidence, verdict, p)


def out_of_time(what: str, of: str) -> Fact:
    """Return a fact that a limit by the clock left no time for."""
    return Fact(what, of, "the time that the limit left", None, None, None, "", 0, Verdict.NO_TIME)


def verdict_of(low: float | None, high: float | None, p: float | None = None) -> Verdict:
    """Return what may be said of an effect.

    It is shown if its interval leaves 0 out and its test rules chance out; one that has only one of the two
    is decided by that, and one that has neither cannot be known.
    """
    low, high = _ends(low, high)
    known = low is not None and high is not None
    if not known and p is None:
        return Verdict.UNKNOWN
    beyond = low is None or high is None or low > 0 or high < 0
    return Verdict.SHOWN if beyond and (p is None or p <= LEVEL) else Verdict.NOT_SHOWN


class Standing(StrEnum):
    """What may be said of a change of the score, where less than a margin does not matter."""

    ALIKE = "does not matter"
    BREAKS = "breaks"
    WORSE = "worse"
    BETTER = "improves"
    UNCLEAR = "unclear"


def standing_of(low: float | None, high: float | None, margin: float) -> Standing:
    """Return what the interval of a change says beside a margin.

    Returns:
        `ALIKE` if all of it is within the margin, `BREAKS` if all of it is worse than the margin, `WORSE`
        or `BETTER` if it is shown and below or above 0, else `UNCLEAR`.
    """
    low, high = _ends(low, high)
    if low is None or high is None:
        return Standing.UNCLEAR
    if loses_less(low, margin) and high <= margin:
        return Standing.ALIKE
    if high < -margin:
        return Standing.BREAKS
    if verdict_of(low, high) is not Verdict.SHOWN:
        return Standing.UNCLEAR
    return Standing.WORSE if high < 0 else Standing.BETTER


def loses_less(low: float | None, margin: float) -> bool:
    """Return whether a change, whose interval begins at `low`, is shown to lose no more than a margin."""
    return low is not None and low >= -margin


def as_dicts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Return facts, JSON-able."""
    return [fact.as_dict() for fact in facts]


def _ends(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Return the ends of an interval, both None where one is missing or not finite."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return None, None
    return float(low), float(high)
