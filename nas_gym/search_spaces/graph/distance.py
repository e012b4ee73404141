"""How many edits apart two architectures are, as far as it matters."""

from __future__ import annotations

from typing import Any

from nas_gym.search_spaces.base import Architecture, SearchSpace


class EditDistance:
    """Shortest paths on the edit graph, up to a bound; what was looked at is remembered.

    Args:
        space: whose edits count.
    """

    def __init__(self, space: SearchSpace[Any]) -> None:
        self._space = space
        self._near: dict[Architecture, frozenset[Architecture]] = {}

    def between(self, one: Architecture, other: Architecture, most: int) -> int:
        """The least number of edits from one to the other; ``most + 1`` for anything above `most`."""
        if one == other:
            return 0
        reached, border = {one}, {one}
        for edits in range(1, most + 1):
            if any(other in self._neighbours(each) for each in border):
                return edits
            if edits < most:
                border = {after for each in border for after in self._neighbours(each)} - reached
                reached |= border
        return most + 1

    def _neighbours(self, architecture: Architecture) -> frozenset[Architecture]:
        found = self._near.get(architecture)
        if found is None:
            found = self._near[architecture] = frozenset(self._space.neighbours(architecture))
        return found
