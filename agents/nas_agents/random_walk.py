"""Uniform random walk: the baseline of every agent that learns where to step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_agents.agent import Agent, Session


@dataclass(kw_only=True)
class RandomWalk(Agent):
    """A walk by uniform legal edits, whatever they are paid.

    Keep is not an edit: it is taken only where nothing else is legal. Episodes begin and end where the
    environment says. An agent that learns from its rewards has to be better than this one.
    """

    name = "random-walk"
    access = "walk"
    under_objectives = "none"

    def run(self, session: Session) -> None:
        _, info = session.env.reset()
        while True:
            action = uniform_edit(info["action_mask"], session.rng)
            _, _, terminated, truncated, info = session.env.step(action)
            if terminated or truncated:
                _, info = session.env.reset()


def uniform_edit(mask: np.ndarray, rng: np.random.Generator) -> int:
    """Draw a legal edit uniformly; keep, action 0, only where there is no other.

    Args:
        mask: which actions are legal, (n,).
        rng: generator of the draw.
    """
    edits = np.flatnonzero(mask[1:]) + 1
    return int(rng.choice(edits)) if len(edits) else 0
