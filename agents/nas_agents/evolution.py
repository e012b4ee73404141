"""Regularised evolution (Real et al. 2019): a population in which the oldest dies, not the worst."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

import numpy as np

from nas_agents.agent import Agent, Session, whole_number, within
from nas_agents.pareto import preferences
from nas_agents.warm_start import WarmStart, check_warm_start, starts
from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import Architecture

Individual = tuple[Architecture, Evaluation]


@dataclass(kw_only=True)
class Evolution(Agent):
    """Ageing evolution: tournament selection, mutation by one edit, death of the oldest.

    Source: Real et al., "Regularized Evolution for Image Classifier Architecture Search", 2019,
    algorithm 1, with P and S for budgets of tens to hundreds; crossover is not in the paper. Of several
    objectives a tournament is won by the front of the population that a member is on, then by the distance
    to its neighbours there, as in NSGA-II.

    Attributes:
        population: P, architectures alive at a time; the first P are uniform random ones, or by `warm_start`.
        sample: S, architectures drawn from the population with replacement; the best is the parent.
        batch: children bred from one population and evaluated in one call; the paper's is 1.
        crossover: probability that a child is first crossed: each variable of the fixed-length
            form comes from either of two parents, then the child is mutated like any other.
        warm_start: what the first P are instead, see `nas_agents.warm_start.starts`; None for uniform ones.
    """

    name = "evolution"
    access = "query"
    under_objectives = "front"

    population: int = 20
    sample: int = 5
    batch: int = 1
    crossover: float = 0.0
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        whole_number("batch", self.batch, at_least=1)
        whole_number("population", self.population, at_least=1)
        whole_number("sample", self.sample, at_least=1)
        within("crossover", self.crossover, 0, 1)
        check_warm_start(self.warm_start)

    def run(self, session: Session) -> None:
        first = list(islice(starts(session, self.warm_start), self.population))
        population = deque(zip(first, session.ask(first), strict=True))
        while True:
            children = [self._child(population, session) for _ in range(self.batch)]
            for individual in zip(children, session.ask(children), strict=True):
                population.append(individual)
                population.popleft()

    def _child(self, population: deque[Individual], session: Session) -> Architecture:
        child = self._parent(population, session)
        if self.crossover and session.rng.random() < self.crossover:
            child = _cross(child, self._parent(population, session), session)
        return _mutate(child, session)

    def _parent(self, population: deque[Individual], session: Session) -> Architecture:
        """Return the best of S individuals drawn with replacement, the first drawn of ties."""
        drawn = session.rng.integers(len(population), size=self.sample)
        if session.objectives is None:
            return max((population[n] for n in drawn), key=lambda each: session.worth(each[1]))[0]
        preferred = preferences(session.gains([evaluation for _, evaluation in population]))
        return population[max(drawn.tolist(), key=preferred.__getitem__)][0]


def _mutate(architecture: Architecture, session: Session) -> Architecture:
    """Return the architecture after one uniform legal edit other than keep."""
    space = session.search_space
    edits = np.flatnonzero(space.mask(architecture))[1:]
    mutated: Architecture = space.apply(architecture, int(session.rng.choice(edits)))
    return mutated


def _cross(one: Architecture, other: Architecture, session: Session) -> Architecture:
    """Return a child with each variable of either parent; decoding mends what does not fit together."""
    space = session.search_space
    first, second = space.encode(one), space.encode(other)
    from_first = session.rng.random(len(first)) < 0.5
    mixed = {
        name: first[name] if mine else second[name] for name, mine in zip(first, from_first, strict=True)
    }
    child: Architecture = space.decode(mixed)
    return child
