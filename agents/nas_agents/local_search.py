"""Local search (White et al. 2021): move to a better neighbour until there is none, then restart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_agents.agent import Agent, Session
from nas_agents.pareto import ParetoLocalSearch
from nas_agents.warm_start import WarmStart, check_warm_start, starts
from nas_gym.errors import unknown
from nas_gym.search_spaces import Architecture

IMPROVEMENTS = ("best", "first")


@dataclass(kw_only=True)
class LocalSearch(Agent):
    """Hill climbing over the architectures one edit away, from uniform random starts.

    Of several objectives it is Pareto local search: the neighbours of a network on the front found so far
    are evaluated, those of one with most room around it first, until all of the front is explored.

    Sources: White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", 2021;
    Paquete, Chiarandini and Stützle, "Pareto local optimum sets in the biobjective traveling salesman
    problem", 2004.

    Attributes:
        improvement: ``"best"`` evaluates all neighbours at once and moves to the best of them,
            ``"first"`` moves to the first better one in a random order.
        warm_start: where climbs start instead, of one objective, see `nas_agents.warm_start.starts`; None for
            uniform starts.
    """

    name = "local-search"
    access = "query"
    under_objectives = "front"

    improvement: str = "first"
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        if self.improvement not in IMPROVEMENTS:
            raise unknown("improvement of local search", self.improvement, IMPROVEMENTS)
        check_warm_start(self.warm_start)

    def run(self, session: Session) -> None:
        if session.objectives is not None:
            ParetoLocalSearch(self.improvement, session).run()
        for here in starts(session, self.warm_start):
            value = session.worth(session.ask([here])[0])
            while (step := self._better(here, value, session)) is not None:
                here, value = step

    def _better(
        self, here: Architecture, value: float, session: Session
    ) -> tuple[Architecture, float] | None:
        """Return the neighbour to move to with its worth, or None in a local optimum."""
        neighbours = list(session.search_space.neighbours(here))
        session.rng.shuffle(neighbours)
        batch = len(neighbours) if self.improvement == "best" else 1
        for start in range(0, len(neighbours), batch):
            asked = neighbours[start : start + batch]
            worths = [session.worth(evaluation) for evaluation in session.ask(asked)]
            best = int(np.argmax(worths))
            if worths[best] > value:
                return asked[best], worths[best]
        return None
