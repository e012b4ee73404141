"""The choices that made a network good: what undoing each of them costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from nas_gym.explain.evidence.run import Evidence
from nas_gym.search_spaces import SearchSpace

WORSE = ("breaks", "worse", "fails")


@dataclass(frozen=True, slots=True)
class Reason:
    """A choice of the found network with the evidence of its neighbours.

    Attributes:
        choice: name of the variable of the search space.
        value: its value in the found network, in words.
        cost, low, high: mean drop of the score by the edits that undo it, with an interval that holds for
            all choices at once; None if every such network fails to train.
        undone: number of tested edits that undo it.
        worse: number of those that are surely worse.
        failing: number of those that lead to a network which never trained and has no part in `cost`.
        untested: number of edits that undo it, too, and that the budget did not allow to test.
        best: the edit that costs least, with its change, which is not a gain.
        spread: standard deviation of the mean score between the choice's values, over the whole space as
            far as the run or the table determines it; None where it is not known.
        significant: whether that is more than chance; None where it was not tested.
    """

    choice: str
    value: str
    cost: float | None
    low: float | None
    high: float | None
    undone: int
    worse: int
    failing: int
    untested: int
    best: tuple[str, float] | None
    spread: float | None
    significant: bool | None


def reasons_for(
    evidence: Evidence, alternatives: Mapping[str, Any], choices: Mapping[str, Any]
) -> list[Reason]:
    """Return the choices that make the network good, the one that costs most to undo first.

    A choice is a reason if the edits that undo it are surely worse on average, and none of them that
    was tested is better, even by less than the trainings can detect: a choice that could as well be
    another one does not make a network good. Choices without which every network fails to train come
    first. How much a choice matters in the rest of the space does not change the order.

    Args:
        evidence: evidence of the run.
        alternatives: numbers of the section on alternatives.
        choices: numbers of the section on choices.
    """
    space: SearchSpace[Any] = evidence.search_space
    found = space.encode(evidence.chosen.architecture)

    def grouped(neighbours: str) -> dict[str, list[Mapping[str, Any]]]:
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for one in alternatives.get(neighbours, ()):
            other = space.encode(space.parse(one["architecture"]))
            groups.setdefault(undone(space, found, other), []).append(one)
        return groups

    known = {entry["name"]: entry for entry in (choices.get("table") or choices).get("choices", ())}
    untested = grouped("not_affordable")
    all_choices = [
        _reason(
            choice,
            space.variables[choice].choices[found[choice]],
            group,
            len(untested.get(choice, ())),
            known.get(choice, {}),
        )
        for choice, group in grouped("neighbours").items()
    ]
    return sorted((one for one in all_choices if _is_reason(one)), key=_cost, reverse=True)


def undone(space: SearchSpace[Any], best: Mapping[str, int], other: Mapping[str, int]) -> str:
    """Return the choice that differs: the depth, or the first of those that do."""
    differing = [variable for name, variable in space.variables.items() if best[name] != other[name]]
    return next((one for one in differing if one.is_depth), differing[0]).name


def _reason(
    choice: str, value: str, group: list[Mapping[str, Any]], untested: int, known: Mapping[str, Any]
) -> Reason:
    trained = [one for one in group if one["change"] is not None]
    repeated = [one for one in trained if one["low"] is not None]
    best = max(trained, key=lambda one: one["change"], default=None)
    importance, tested = known.get("importance"), known.get("p") is not None
    cost = -fmean(one["change"] for one in trained) if trained else None
    low, high = (
        -fmean(one[key] for one in repeated) if trained and len(repeated) == len(trained) else None
        for key in ("high", "low")
    )
    return Reason(
        choice,
        value,
        cost,
        low,
        high,
        undone=len(group),
        worse=sum(one["verdict"] in WORSE for one in group),
        failing=len(group) - len(trained),
        untested=untested,
        best=None if best is None else (best["edit"], best["change"]),
        spread=math.sqrt(max(0.0, importance)) if isinstance(importance, int | float) else None,
        significant=bool(known.get("significant")) if tested else None,
    )


def _is_reason(one: Reason) -> bool:
    if one.cost is None:
        return one.worse == one.undone
    return one.low is not None and one.low > 0 and one.best is not None and one.best[1] <= 0


def _cost(one: Reason) -> float:
    return math.inf if one.cost is None else one.cost
