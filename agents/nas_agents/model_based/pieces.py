"""The pieces of the graph of a network, for a kernel that counts them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nas_agents.pretrained.pool import with_one_cell
from nas_agents.pretrained.subtrees import Pieces as Numbers
from nas_agents.pretrained.subtrees import subtrees
from nas_gym.search_spaces import Architecture, SearchSpace


class Pieces:
    """The pieces of architectures of a space: operations of the live graph with what lies before them.

    See `nas_agents.pretrained.subtrees`. A cell that is repeated is read once.

    Args:
        space: search space of the architectures.
    """

    def __init__(self, space: SearchSpace[Any]) -> None:
        self._shown = with_one_cell(space)
        self._numbers: Numbers = {}
        self._depths: list[int] = []

    def count(self, architecture: Architecture) -> Counter[int]:
        """Count the pieces of an architecture by their numbers; none in a space that builds no networks."""
        try:
            network = self._shown.network(self._shown.parse(str(architecture)))
        except NotImplementedError:
            return Counter()
        return subtrees(network, self._numbers)

    def depth(self, number: int) -> int:
        """Return how many operations before its own a piece has at most."""
        for piece in list(self._numbers)[len(self._depths) :]:
            # A piece is what an operation does, or the number of a shallower piece with what is before it.
            deeper = isinstance(piece[0], int)
            self._depths.append(self._depths[piece[0]] + 1 if deeper else 0)
        return self._depths[number]
