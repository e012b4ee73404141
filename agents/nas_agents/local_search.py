"""Local search (White et al. 2021): move to a better neighbour until there is none, then restart."""

from __future__ import annotations

from dataclasses import dataclass

from nas_agents.agent import Agent, Session
from nas_gym.errors import unknown
from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import Architecture

IMPROVEMENTS = ("best", "first")


@dataclass(kw_only=True)
class LocalSearch(Agent):
    """Hill climbing over the architectures one edit away, from uniform random starts.

    Source: White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", 2021.

    Attributes:
        improvement: ``"best"`` evaluates all neighbours at once and moves to the best of them,
            ``"first"`` moves to the first better one in a random order.
    """

    name = "local-search"
    access = "query"

    improvement: str = "first"

    def __post_init__(self) -> None:
        if self.improvement not in IMPROVEMENTS:
            raise unknown("improvement of local search", self.improvement, IMPROVEMENTS)

    def run(self, session: Session) -> None:
        while True:
            here = session.search_space.sample(session.rng)
            value = session.ask([here])[0].score
            while (step := self._better(here, value, session)) is not None:
                here, value = step

    def _better(
        self, here: Architecture, value: float, session: Session
    ) -> tuple[Architecture, float] | None:
        """Return the neighbour to move to with its score, or None in a local optimum."""
        neighbours = list(session.search_space.neighbours(here))
        session.rng.shuffle(neighbours)
        batch = len(neighbours) if self.improvement == "best" else 1
        for start in range(0, len(neighbours), batch):
            asked = neighbours[start : start + batch]
            best, score = _best(asked, session.ask(asked))
            if score > value:
                return best, score
        return None


def _best(architectures: list[Architecture], evaluations: list[Evaluation]) -> tuple[Architecture, float]:
    """Return the architecture of the highest score of a batch, with that; the first of ties."""
    number = max(range(len(evaluations)), key=lambda number: evaluations[number].score)
    return architectures[number], evaluations[number].score
