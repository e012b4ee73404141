"""Demonstrations: what a cheap search does in an agent's place at first."""

from __future__ import annotations

from collections.abc import Iterator

from nas_agents.agent import Session
from nas_agents.learning.experience import Experience
from nas_agents.warm_start import WarmStart, pool_of
from nas_gym.search_spaces import Architecture


class Guide:
    """First-improvement local search that steps, from the environment's own start states.

    It takes a random edit to a network that was not evaluated yet, and goes back where that is worse and
    a single edit leads back. Where all neighbours are known it takes any edit. With a pool it first goes
    to the pool's networks, the best by the proxy first, along shortest ways; all that it meets counts.

    Args:
        session: the search, whose generator draws.
        experience: what was seen so far.
        evaluations: networks that it evaluates before the agent takes over; 0 for none.
        warm_start: the pool by a proxy, see `nas_agents.warm_start.starts`; None for none. Half of the
            evaluations go to it.
    """

    def __init__(
        self, session: Session, experience: Experience, evaluations: int, warm_start: WarmStart | None
    ) -> None:
        self._experience, self._states, self._rng = experience, experience.states, session.rng
        self.evaluations = evaluations
        self._pool: Iterator[Architecture] = iter(())
        if warm_start is not None and evaluations:
            self._pool = iter(pool_of(session, warm_start))
        self._for_pool = evaluations // 2
        self._way: list[int] = []
        self._home: int | None = None

    @property
    def leads(self) -> bool:
        """Whether the guide acts still."""
        return len(self._experience) < self.evaluations

    def restart(self) -> None:
        """Forget where the climb was; an episode begins."""
        self._home, self._way = None, []

    def action(self, here: int) -> int:
        """Return the edit to take from a state."""
        if not self._way and len(self._experience) < self._for_pool:
            self._way = self._way_to_pool(here)
        legal, after = self._states.after(here)
        if self._way:
            towards = legal[after == self._way.pop(0)]
            if len(towards):
                return int(towards[0])
            self._way = []
        rewards, home = self._experience.rewards, self._home
        if home is not None and home != here and rewards.get(here, 0.0) < rewards.get(home, 0.0):
            back = legal[after == home]
            if len(back):
                return int(back[0])
        edits = legal != 0
        fresh = edits & ~self._experience.known(after)
        self._home = here if fresh.any() else None  # where all is known there is nothing to come back for
        chosen = fresh if fresh.any() else edits if edits.any() else ~edits
        return int(self._rng.choice(legal[chosen]))

    def _way_to_pool(self, here: int) -> list[int]:
        """Return the states on the way to the next network of the pool that is not evaluated."""
        for target in self._pool:
            if self._states.of(target) not in self._experience:
                path = self._states.space.shortest_path(self._states.graph.architecture(here), target)
                if path is not None:
                    return [self._states.of(each) for each in path.architectures[1:]]
        return []


def demonstrated(
    session: Session, evaluations: int, warm_start: WarmStart | None
) -> dict[Architecture, float]:
    """Return networks that a local search asks for, in order, with what they are worth.

    Args:
        session: the search, of an agent that asks.
        evaluations: different networks to evaluate; a smaller space ends the search.
        warm_start: where half of them come from, see `nas_agents.warm_start.starts`; None for none.
    """
    found: dict[Architecture, float] = {}

    def worth(architecture: Architecture) -> float:
        found[architecture] = session.worth(session.ask([architecture])[0])
        return found[architecture]

    if warm_start is not None:
        for each in pool_of(session, warm_start)[: evaluations // 2]:
            worth(each)
    here = max(found, key=found.__getitem__, default=None)
    while len(found) < evaluations:
        if here is None:
            here = session.search_space.sample(session.rng)
            worth(here)
            continue
        fresh = [each for each in session.search_space.neighbours(here) if each not in found]
        if not fresh:
            here = None
            continue
        there = fresh[int(session.rng.integers(len(fresh)))]
        here = there if worth(there) > found[here] else here
    return found
