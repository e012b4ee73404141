"""How many edits lie between two cells at least."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from nas_gym.search_spaces.nasbench101.architecture import GraphCell


def fewest_edits(one: GraphCell, goal: GraphCell) -> int:
    """Return a number of edits that no way from one cell to another is shorter than.

    On a way some vertices stay, in their order, the others go and new ones come. Of all pairings of
    vertices that may stay it is the least of: a removal of each vertex that goes, an addition of each that
    comes, a swap of each that stays with another operation, an addition or removal of each edge that only
    one cell has between two that stay, and of the edges at new vertices those that do not come with them,
    two with each.
    """
    here, there = set(one.edges), set(goal.edges)
    least = one.inner + goal.inner + len(there)
    for pairs in _pairings(one.inner, goal.inner):
        gone, new = one.inner - len(pairs), goal.inner - len(pairs)
        if gone + new >= least:
            break  # those with fewer pairs have more
        least = min(least, gone + new + _differences(one, goal, here, there, pairs, new))
    return least


def _differences(
    one: GraphCell,
    goal: GraphCell,
    here: set[tuple[int, int]],
    there: set[tuple[int, int]],
    pairs: dict[int, int],
    new: int,
) -> int:
    swaps = sum(one.operations[a - 1] != goal.operations[b - 1] for a, b in pairs.items())
    known = pairs | {0: 0, one.output: goal.output}
    kept = {(known[i], known[j]) for i, j in here if i in known and j in known}
    stays = set(known.values())
    between = {(i, j) for i, j in there if i in stays and j in stays}
    return swaps + len(kept ^ between) + max(0, len(there) - len(between) - 2 * new)


def _pairings(left: int, right: int) -> Iterator[dict[int, int]]:
    """Yield all pairings of some of 1 to `left` with some of 1 to `right` in order, those of most first."""
    for count in range(min(left, right), -1, -1):
        for ours in combinations(range(1, left + 1), count):
            for theirs in combinations(range(1, right + 1), count):
                yield dict(zip(ours, theirs, strict=True))
