"""The shortest way from one architecture to another, edit by edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any

from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.search_spaces.cell.space import CellSpace
from nas_gym.search_spaces.choices import ChoiceSpace
from nas_gym.search_spaces.conv.space import ConvSpace
from nas_gym.search_spaces.macro import MacroSpace
from nas_gym.search_spaces.mlp import MLPSpace

MOST_EXPANDED = 20_000
Bound = Callable[[Any], int]


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


def find_path(
    space: SearchSpace[Any], start: Architecture, goal: Architecture, most_expanded: int = MOST_EXPANDED
) -> EditPath | None:
    """The shortest way by edits, by A* (Hart, Nilsson & Raphael 1968).

    The search is guided by a lower bound on the edits left, which is known for the spaces of
    nas-gym; in any other space it is breadth first. Where it would look at more than `most_expanded`
    architectures, a way is sought greedily, which may be longer than need be.

    Args:
        space: of both.
        start: where the way begins.
        goal: where it ends.
        most_expanded: most architectures whose edits are tried.

    Returns:
        None where no way was found.
    """
    bound = lower_bound(space, goal)
    found = _search(space, start, goal, bound, most_expanded, greedy=False)
    if found is not None:
        return EditPath(*found, shortest=True)
    found = _search(space, start, goal, bound, most_expanded, greedy=True)
    return None if found is None else EditPath(*found, shortest=False)


def lower_bound(space: SearchSpace[Any], goal: Architecture) -> Bound:
    """A number of edits that no way from an architecture to the goal is shorter than.

    In cells, macros and spaces of choices an edit changes one variable, so it is the number of variables
    that differ. In chains of layers an edit adds, removes or swaps an aspect of one layer, so it is
    their edit distance (Levenshtein 1966), and one more for each skip more, since an edit adds at
    most one. Elsewhere nothing is known, so it is 0.
    """
    if isinstance(space, CellSpace | ChoiceSpace | MacroSpace):
        ends = space.encode(goal)  # type: ignore[arg-type]
        return lambda one: sum(ends[name] != number for name, number in space.encode(one).items())
    if isinstance(space, MLPSpace | ConvSpace):
        there = space.sketch(goal)  # type: ignore[arg-type]
        layers, skips = there.boxes[1:-1], len(there.links)

        def bound(one: Any) -> int:
            sketch = space.sketch(one)
            extra = (skips - len(layers)) - (len(sketch.links) - len(sketch.boxes[1:-1]))
            return _distance(sketch.boxes[1:-1], layers) + max(0, extra)

        return bound
    return _nothing


def _nothing(architecture: Any) -> int:
    return 0


def _search(
    space: SearchSpace[Any], start: Any, goal: Any, bound: Bound, most: int, *, greedy: bool
) -> tuple[tuple[Architecture, ...], tuple[str, ...]] | None:
    steps: dict[Any, tuple[Any, int] | None] = {start: None}
    cost = {start: 0}
    # Ties go to what is nearest to the goal, then to what was found first.
    queue: list[tuple[int, int, int, Any]] = [(bound(start), bound(start), 0, start)]
    expanded: set[Any] = set()
    number = count(1)
    while queue and len(expanded) < most:
        *_, one = heappop(queue)
        if one == goal:
            return _traced(space, steps, goal)
        if one in expanded:
            continue
        expanded.add(one)
        for after, action in space.neighbours(one).items():
            if cost[one] + 1 < cost.get(after, 1 << 60):
                cost[after], steps[after] = cost[one] + 1, (one, action)
                left = bound(after)
                heappush(queue, (left + (0 if greedy else cost[after]), left, next(number), after))
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


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Fewest layers added, removed, or aspects swapped between two chains."""
    row = list(range(len(other) + 1))
    for number, layer in enumerate(one, start=1):
        before, row = row, [number]
        for position, target in enumerate(other, start=1):
            swapped = before[position - 1] + _aspects(layer, target)
            row.append(min(before[position] + 1, row[-1] + 1, swapped))
    return row[-1]


def _aspects(layer: str, other: str) -> int:
    """Aspects in which two layers differ, at most two; a pool turns into a convolution at once."""
    parts, others = layer.split("-"), other.split("-")
    if len(parts) != len(others):
        return 1
    return min(2, sum(a != b for a, b in zip(parts, others, strict=True)))
