"""Greedy walk: hill climbing by single steps, the baseline of agents that plan where to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nas_agents.agent import Agent, Session
from nas_agents.random_walk import uniform_edit


@dataclass(kw_only=True)
class GreedyWalk(Agent):
    """A walk by uniform legal edits that undoes those that made the network worse.

    An undo is a step, too, by the edit that leads back; it costs no evaluation, since the network
    is known. Where no single edit leads back, as after some removals, the walk goes on from where
    it is. An edit is judged by the scores before and after it, whatever the reward; the start
    of an episode counts as 0 until it is known. Under a reward that evaluates the last network of
    an episode alone, no edit looks worse than another, and this is a random walk.
    """

    name = "greedy-walk"
    access = "walk"

    def run(self, session: Session) -> None:
        known: dict[str, float] = {}
        while True:
            self._episode(session, known)

    def _episode(self, session: Session, known: dict[str, float]) -> None:
        _, info = session.env.reset()
        here, over = info["architecture"], False
        while not over:
            info, over = self._step(session, uniform_edit(info["action_mask"], session.rng), known)
            there = info["architecture"]
            worse = known[there] < known.get(here, 0.0)
            back = _edit_between(session, there, here) if worse and not over else None
            if back is None:
                here = there
            else:
                info, over = self._step(session, back, known)

    def _step(self, session: Session, action: int, known: dict[str, float]) -> tuple[dict[str, Any], bool]:
        """Make a step; its information, and whether the episode is over."""
        _, _, terminated, truncated, info = session.env.step(action)
        known[info["architecture"]] = info["score"]
        return info, terminated or truncated


def _edit_between(session: Session, start: str, end: str) -> int | None:
    """Return the first action that leads from one architecture to another, None where no single one does."""
    space = session.search_space
    return space.neighbours(space.parse(start)).get(space.parse(end))
