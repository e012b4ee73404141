"""The way out of a part of the space where everything is evaluated."""

from __future__ import annotations

import numpy as np

from nas_agents.learning.experience import MEMBERS, Experience
from nas_agents.learning.states import with_room

PATIENCE = 10
"""Steps in a row that evaluate nothing new, after which a walk restarts and gets out; at the bound of 50 free
steps an evaluation, they and the way leave room to spare."""
TRIED = 10
"""Networks that a way is sought to."""


class Escape:
    """Shortest ways to what is not evaluated, for walks that have met nothing new for a while.

    Values say where to go among the edits at hand, but where all of those are evaluated they lead in
    circles: what a repeat costs is taken off all of them alike. The edits are known, so the way out
    is planned: of all networks one edit away from an evaluated one, or from a state that a way began at, it
    goes to the best by a draw from the posterior of the reward model.

    Args:
        experience: what was seen so far.
        rng: generator of the draws.
    """

    def __init__(self, experience: Experience, rng: np.random.Generator) -> None:
        self._experience, self._states, self._rng = experience, experience.states, rng
        # Networks one edit away from those that are entered already, and from where ways began.
        self._near = np.zeros(0, dtype=bool)
        self._entered = 0

    def way(self, here: int, longest: int) -> list[int]:
        """Return the states on a shortest way to a network that is not evaluated, without the first.

        Args:
            here: number of the state to go from.
            longest: most edits.

        Returns:
            An empty list where no such network can be reached, as far as is known.
        """
        goals, member = self._goals(here), int(self._rng.integers(MEMBERS))
        best = np.argsort(-self._experience.expected(goals, member), kind="stable")[:TRIED]
        space, graph = self._states.space, self._states.graph
        start = graph.architecture(here)
        for goal in goals[best].tolist():
            path = space.shortest_path(start, graph.architecture(goal))
            if path is not None and len(path) <= longest:
                return [self._states.of(each) for each in path.architectures[1:]]
        return []

    def aimless(self, here: int) -> int:
        """Return `keep` at a network that is not evaluated, to be paid for it; else a uniform legal edit."""
        legal, _ = self._states.after(here)
        if here not in self._experience or len(legal) == 1:
            return 0
        return int(self._rng.choice(legal[legal != 0]))

    def edit(self, here: int, there: int) -> int:
        """Return the first edit that leads from a state to a neighbour."""
        legal, after = self._states.after(here)
        return int(legal[after == there][0])

    def _goals(self, here: int) -> np.ndarray:
        """Return the networks to go to, int64 (networks,), ascending."""
        evaluated = list(self._experience.rewards)
        for number in [here, *evaluated[self._entered :]]:
            _, after = self._states.after(number)
            self._near = with_room(self._near, self._states.graph.rows)
            self._near[after] = True
        self._entered = len(evaluated)
        near = np.flatnonzero(self._near)
        return np.asarray(near[~self._experience.known(near) & (near != here)])
