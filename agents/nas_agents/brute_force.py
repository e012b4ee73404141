"""Brute force: every architecture of a space once, in a random order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nas_agents.agent import Agent, Session, whole_number
from nas_gym.search_spaces import uniform_below


@dataclass(kw_only=True)
class BruteForce(Agent):
    """A search through the whole space, all orders being equally likely.

    What it has asked for after any number of evaluations is distributed as with `random`. It draws
    one number for each architecture to the last, where `random` draws again what it has drawn, so it
    is the one for spaces that are to be exhausted.

    Attributes:
        batch: architectures asked for at once; changes the time a search takes, never its result.
    """

    name = "brute-force"
    access = "query"
    under_objectives = "none"

    batch: int = 1

    def __post_init__(self) -> None:
        whole_number("batch", self.batch, at_least=1)

    def run(self, session: Session) -> None:
        space = session.search_space
        order = shuffled(space.size, session.rng)
        for start in range(0, space.size, self.batch):
            count = min(self.batch, space.size - start)
            session.ask([space.architecture(next(order)) for _ in range(count)])


def shuffled(size: int, rng: np.random.Generator) -> Iterator[int]:
    """Return the numbers of ``range(size)`` in a uniformly random order.

    The shuffle of Fisher and Yates, of which only the places that were touched are kept, so that a
    space needs no list of its architectures.
    """
    moved: dict[int, int] = {}
    for place in range(size):
        other = place + uniform_below(size - place, rng)
        yield moved.get(other, other)
        moved[other] = moved.pop(place, place)
