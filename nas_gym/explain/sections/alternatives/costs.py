"""What it costs to undo each choice of the found network, by the edits that undo it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nas_gym.search_spaces import Architecture, SearchSpace


@dataclass(frozen=True, slots=True)
class Undoing:
    """What the edits that undo a choice cost on average.

    Attributes:
        choice: name of the variable of the search space.
        edits: number of the networks whose trainings did not all fail; the others have no part in the cost.
        cost, low, high: mean drop of the score, with an interval that holds for all choices and all single
            edits at once; NaN where nothing was repeated.
    """

    choice: str
    edits: int
    cost: float
    low: float
    high: float


def undone(space: SearchSpace[Any], best: Mapping[str, int], other: Mapping[str, int]) -> str:
    """Return the choice that differs: the depth, or the first of those that do."""
    differing = [variable for name, variable in space.variables.items() if best[name] != other[name]]
    return next((one for one in differing if one.is_depth), differing[0]).name


def by_choice(
    space: SearchSpace[Any], chosen: Architecture, others: Iterable[Architecture]
) -> dict[str, list[int]]:
    """Return the numbers of the networks that undo each choice of a network."""
    found = space.encode(chosen)
    groups: dict[str, list[int]] = {}
    for number, one in enumerate(others):
        groups.setdefault(undone(space, found, space.encode(one)), []).append(number)
    return groups
