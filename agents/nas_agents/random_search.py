"""Random search (Li and Talwalkar 2019): the baseline that every other agent has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from nas_agents.agent import Agent, Session, whole_number
from nas_agents.warm_start import WarmStart, check_warm_start, starts
from nas_gym.search_spaces import Architecture


@dataclass(kw_only=True)
class RandomSearch(Agent):
    """Uniform draws of architectures without replacement, so that none is a repeat.

    Source: Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", 2019.

    Attributes:
        batch: architectures asked for at once; changes the time a search takes, never its result.
        warm_start: what is asked for before uniform draws, see `nas_agents.warm_start.starts`; None for
            nothing.
    """

    name = "random"
    access = "query"
    under_objectives = "none"

    batch: int = 16
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        whole_number("batch", self.batch, at_least=1)
        check_warm_start(self.warm_start)

    def run(self, session: Session) -> None:
        space = session.search_space
        drawn: set[Architecture] = set()
        draws = starts(session, self.warm_start)
        while len(drawn) < space.size:
            batch: list[Architecture] = []
            while len(batch) < self.batch and len(drawn) < space.size:
                architecture = next(draws)
                if architecture not in drawn:
                    drawn.add(architecture)
                    batch.append(architecture)
            session.ask(batch)
