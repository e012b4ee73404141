"""The importance of choices and of pairs as facts."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from nas_gym.explain.fact import Fact, difference
from nas_gym.explain.methods.anova.importance import Importance, Importances

SPREAD = "standard deviation of scores"
WHOLE = "the whole table"


def facts_of(found: Importances, over: str) -> Iterator[Fact]:
    """Yield the importance of every choice, then of every pair.

    Args:
        found: the importances.
        over: what they are estimated from.
    """
    for one in (*found.choices, *found.pairs):
        yield importance_fact(one, over, found.evaluations)


def importance_fact(one: Importance, over: str, evaluations: int) -> Fact:
    """Return the importance of a choice, or of a pair, as a standard deviation of mean scores.

    That of a pair which the evaluations do not determine is drawn towards 0, as its effects are.
    """
    is_pair, value = len(one.component.columns) > 1, one.value
    if is_pair and value is None and one.p is not None:
        value = float(one.component.share @ one.effects**2)
    spread, low, high = map(_deviation, (value, one.low, one.high))
    kind = "what is beyond both of" if is_pair else "the options of"
    key = f"importance of {one.name} in {WHOLE}" if over == WHOLE else f"importance of {one.name}"
    of = f"the spread of mean scores between {kind} {one.name}"
    return difference(key, of, over, spread, low, high, evaluations, unit=SPREAD, p=one.p)


def _deviation(variance: float | None) -> float | None:
    return None if variance is None else sqrt(max(0.0, variance))
