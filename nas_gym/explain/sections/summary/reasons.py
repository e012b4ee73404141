"""The choices that made a network good: what undoing each of them costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.fact import Fact, counted
from nas_gym.explain.sections.alternatives.costs import by_choice
from nas_gym.explain.sections.alternatives.facts import cost_of
from nas_gym.search_spaces import SearchSpace

WORSE = ("breaks", "worse", "fails")


@dataclass(frozen=True, slots=True)
class Reason:
    """A choice of the found network with the evidence of its neighbours.

    Attributes:
        choice: name of the variable of the search space.
        value: its value in the found network, in words.
        cost, low, high: mean drop of the score by the edits that undo it, with an interval that holds for
            all choices and all single edits at once; None if every such network fails to train.
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

    A choice is a reason if the edits that undo it are shown to be worse on average, and none of them that
    was tested is better, even by less than the trainings can detect: a choice that could as well be
    another one does not make a network good. Choices without which every network fails to train come
    first. How much a choice matters in the rest of the space does not change the order.

    Args:
        evidence: evidence of the run.
        alternatives: numbers of the section on alternatives.
        choices: numbers of the section on choices.
    """
    space: SearchSpace[Any] = evidence.search_space
    found = evidence.chosen.architecture

    def grouped(neighbours: str) -> dict[str, list[Mapping[str, Any]]]:
        entries = alternatives.get(neighbours, ())
        groups = by_choice(space, found, [space.parse(one["architecture"]) for one in entries])
        return {choice: [entries[number] for number in numbers] for choice, numbers in groups.items()}

    known = {entry["name"]: entry for entry in (choices.get("table") or choices).get("choices", ())}
    costs = {one["choice"]: one for one in alternatives.get("undoing", ())}
    untested = grouped("not_affordable")
    values = space.encode(found)
    all_choices = [
        _reason(
            choice,
            space.variables[choice].choices[values[choice]],
            group,
            len(untested.get(choice, ())),
            known.get(choice, {}),
            costs.get(choice, {}),
        )
        for choice, group in grouped("neighbours").items()
    ]
    return sorted((one for one in all_choices if _is_reason(one)), key=_cost, reverse=True)


def fact_of(reason: Reason) -> Fact:
    """Return what undoing a choice costs, or that networks fail to train without it."""
    if reason.cost is None:
        of = f"networks without {reason.choice} being {reason.value} that fail to train"
        key, over = f"failures without {reason.choice}", "the tested edits that undo it"
        return counted(key, of, over, reason.failing, "networks", reason.undone)
    ends = {"cost": reason.cost, "low": reason.low, "high": reason.high}
    return cost_of(ends | {"choice": reason.choice, "edits": reason.undone - reason.failing})


def _reason(
    choice: str,
    value: str,
    group: list[Mapping[str, Any]],
    untested: int,
    known: Mapping[str, Any],
    cost: Mapping[str, Any],
) -> Reason:
    trained = [one for one in group if one["change"] is not None]
    best = max(trained, key=lambda one: one["change"], default=None)
    importance, tested = known.get("importance"), known.get("p") is not None
    return Reason(
        choice,
        value,
        cost.get("cost"),
        cost.get("low"),
        cost.get("high"),
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
        return one.failing == one.undone == one.worse
    return fact_of(one).is_positive and one.best is not None and one.best[1] <= 0


def _cost(one: Reason) -> float:
    return math.inf if one.cost is None else one.cost
