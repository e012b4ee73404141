"""The choices that made a network good: what undoing each of them costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from nas_gym.explain.evidence import Evidence
from nas_gym.search_spaces.base import SearchSpace

DEPTH = "depth"
WORSE = ("breaks", "worse", "fails")


@dataclass(frozen=True, slots=True)
class Reason:
    """A choice of the best network with what its neighbours say of it.

    Attributes:
        choice: name of the variable of the search space.
        value: what the best network has there, in words.
        loss, low, high: mean loss of accuracy over the edits that undo it, with an interval that holds for
            all choices at once; None if every such network fails to train.
        undone: edits that undo it, and `worse`: those of them that are surely worse.
        best: the edit that costs least, with its change.
        spread: standard deviation of the mean accuracies of the choice's values, over the whole space
            as far as the run or the table tells; None where it is not known.
        significant: whether that is more than chance; None where it was not tested.
    """

    choice: str
    value: str
    loss: float | None
    low: float | None
    high: float | None
    undone: int
    worse: int
    best: tuple[str, float] | None
    spread: float | None
    significant: bool | None

    @property
    def agreed(self) -> bool:
        """Whether neighbours and the whole run both say that the choice matters."""
        return bool(self.significant)


def reasons_for(
    evidence: Evidence, alternatives: Mapping[str, Any], choices: Mapping[str, Any]
) -> list[Reason]:
    """The choices that undoing harms, those first that more than one kind of evidence names.

    A choice counts only where the edits that undo it are surely worse on average.

    Args:
        evidence: the run.
        alternatives: numbers of that section.
        choices: numbers of that section.
    """
    space: SearchSpace[Any] = evidence.search_space
    best = space.encode(evidence.chosen.architecture)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in alternatives.get("neighbours", ()):
        other = space.encode(space.parse(one["architecture"]))
        groups.setdefault(undone(best, other), []).append(one)
    known = {entry["name"]: entry for entry in (choices.get("table") or choices).get("choices", ())}
    found = [
        _reason(choice, space.variables[choice][best[choice]], group, known.get(choice, {}))
        for choice, group in groups.items()
    ]
    named = [reason for reason in found if _size(reason) > 0]
    return sorted(named, key=lambda reason: (not reason.agreed, -_size(reason)))


def undone(best: Mapping[str, int], other: Mapping[str, int]) -> str:
    """The choice that differs: the depth, or the first of those that do."""
    if best.get(DEPTH) != other.get(DEPTH):
        return DEPTH
    return next(name for name, number in best.items() if other[name] != number)


def _reason(choice: str, value: str, group: list[Mapping[str, Any]], known: Mapping[str, Any]) -> Reason:
    told = [one for one in group if one["change"] is not None and one["low"] is not None]
    best = max(told, key=lambda one: one["change"], default=None)
    importance, tested = known.get("importance"), known.get("p") is not None
    loss, low, high = (
        -fmean(one[key] for one in told) if told else None for key in ("change", "high", "low")
    )
    return Reason(
        choice,
        value,
        loss,
        low,
        high,
        undone=len(group),
        worse=sum(one["verdict"] in WORSE for one in group),
        best=None if best is None else (best["edit"], best["change"]),
        spread=math.sqrt(max(0.0, importance)) if isinstance(importance, int | float) else None,
        significant=bool(known.get("significant")) if tested else None,
    )


def _size(reason: Reason) -> float:
    """The least that undoing the choice costs on average, as far as the intervals tell."""
    if reason.low is None:
        return 1.0 if reason.worse else 0.0
    return reason.low
