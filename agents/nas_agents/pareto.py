"""What agents of several objectives share: who is preferred, and local search from front to front."""

from __future__ import annotations

import numpy as np

from nas_agents.agent import Session
from nas_gym.envs import crowding, layers, nondominated
from nas_gym.search_spaces import Architecture

FIRST = 10
"""Uniform networks that a Pareto local search begins with, so that its front has an extent."""


def preferences(gains: np.ndarray) -> np.ndarray:
    """Return a number for each point, higher is preferred: by front, then by the room around it there.

    The crowded comparison of Deb et al., "NSGA-II", 2002, section III B.

    Args:
        gains: float64 (points, objectives), higher is better.
    """
    fronts = layers(gains)
    found = -fronts.astype(np.float64)
    for number in range(int(fronts.max(initial=-1)) + 1):
        members = np.flatnonzero(fronts == number)
        # Between 0 and a half, so that no room makes up for a better front; ends have infinite room.
        found[members] += 0.5 - 0.5 / (1 + crowding(gains[members]))
    return found


class ParetoLocalSearch:
    """Local search of several objectives, see `nas_agents.LocalSearch`.

    Args:
        improvement: ``"best"`` evaluates all neighbours of a network at once, ``"first"`` one after
            another until one is on the front.
        session: the search.
    """

    def __init__(self, improvement: str, session: Session) -> None:
        self._session, self._space, self._all_at_once = session, session.search_space, improvement == "best"
        self._known: dict[Architecture, np.ndarray] = {}

    def run(self) -> None:
        """Search until the session stops it by raising."""
        rng = self._session.rng
        self._ask([self._space.sample(rng) for _ in range(FIRST)])
        while True:
            around = self._unexplored()
            if not around:
                self._ask([self._space.sample(rng)])
                continue
            order = [around[number] for number in rng.permutation(len(around))]
            if self._all_at_once:
                self._ask(order)
                continue
            for neighbour in order:
                self._ask([neighbour])
                if neighbour in self._front():
                    break

    def _unexplored(self) -> list[Architecture]:
        """Return the neighbours not evaluated of the front's network with most room that has such."""
        front = self._front()
        room = crowding(np.array([self._known[each] for each in front]))
        # Ends have infinite room: which of them comes first is drawn.
        for number in np.lexsort((self._session.rng.random(len(front)), -room)):
            around = [each for each in self._space.neighbours(front[number]) if each not in self._known]
            if around:
                return around
        return []

    def _front(self) -> list[Architecture]:
        every = list(self._known)
        kept = nondominated(np.array(list(self._known.values())))
        return [every[number] for number in np.flatnonzero(kept)]

    def _ask(self, architectures: list[Architecture]) -> None:
        gains = self._session.gains(self._session.ask(architectures))
        self._known.update(zip(architectures, gains, strict=True))
