"""The shortest way from one architecture to another, edit by edit, and how long it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nas_gym.search_spaces.base import Architecture, SearchSpace

MOST_EXPANDED = 20_000


@dataclass(frozen=True, slots=True)
class EditPath:
    """A way through the space.

    Attributes:
        architectures: from the start to the goal.
        edits: the words of the edit between each and the next.
        shortest: whether no way is shorter; False where a bounded search could not prove it.
    """

    architectures: tuple[Architecture, ...]
    edits: tuple[str, ...]
    shortest: bool

    def __len__(self) -> int:
        return len(self.edits)


def find_path(space: SearchSpace[Any], start: Any, goal: Any, most_expanded: int) -> EditPath | None:
    """Return a shortest way by edits, by A* (Hart, Nilsson & Raphael 1968).

    The search is guided by `SearchSpace.least_edits`; where that is 0 it is breadth first. Where it would
    look at more than `most_expanded` architectures, a way is sought greedily, which may be longer than
    need be.

    Args:
        space: the space of both.
        start: first architecture of the way.
        goal: last architecture of the way.
        most_expanded: most architectures whose edits are tried.

    Returns:
        None where no way was found.
    """
    found = _search(space, start, goal, most_expanded=most_expanded)
    if found is not None:
        return EditPath(*found, shortest=True)
    found = _search(space, start, goal, most_expanded=most_expanded, greedy=True)
    return None if found is None else EditPath(*found, shortest=False)


def find_distance(space: SearchSpace[Any], start: Any, goal: Any, most_edits: int) -> int:
    """Return the length of a shortest way, ``most_edits + 1`` for anything longer."""
    found = _search(space, start, goal, most_edits=most_edits)
    return most_edits + 1 if found is None else len(found[1])


def distances_from(space: SearchSpace[Any], start: Any, most_edits: int) -> dict[Any, int]:
    """Return the fewest edits from an architecture to each that at most so many edits reach."""
    found, border = {start: 0}, [start]
    for edits in range(1, most_edits + 1):
        # Each once: many ways lead to what is a few edits away.
        fresh = dict.fromkeys(
            after for one in border for after in space.neighbours(one) if after not in found
        )
        border = list(fresh)
        found |= dict.fromkeys(border, edits)
    return found


def _search(
    space: SearchSpace[Any],
    start: Any,
    goal: Any,
    *,
    most_expanded: float = math.inf,
    most_edits: float = math.inf,
    greedy: bool = False,
) -> tuple[tuple[Architecture, ...], tuple[str, ...]] | None:
    steps: dict[Any, tuple[Any, int] | None] = {start: None}
    cost = {start: 0}
    least = space.least_edits(start, goal)
    if least > most_edits:
        return None
    # Ties go to what is nearest to the goal, then to what was found first.
    queue: list[tuple[int, int, int, Any]] = [(least, least, 0, start)]
    expanded: set[Any] = set()
    number = count(1)
    while queue and len(expanded) < most_expanded:
        *_, one = heappop(queue)
        if one == goal:
            return _traced(space, steps, goal)
        if one in expanded:
            continue
        expanded.add(one)
        for after, action in space.neighbours(one).items():
            edits = cost[one] + 1
            if edits < cost.get(after, math.inf):
                left = space.least_edits(after, goal)
                if edits + left > most_edits:
                    continue
                cost[after], steps[after] = edits, (one, action)
                heappush(queue, (left + (0 if greedy else edits), left, next(number), after))
    return None


def _traced(
    space: SearchSpace[Any], steps: dict[Any, tuple[Any, int] | None], goal: Any
) -> tuple[tuple[Architecture, ...], tuple[str, ...]]:
    architectures, edits = [goal], []
    while (step := steps[architectures[-1]]) is not None:
        before, action = step
        architectures.append(before)
        edits.append(str(space.actions[action]))
    return tuple(reversed(architectures)), tuple(reversed(edits))
