"""Single path one-shot (Guo et al. 2020): uniform paths, then evolution on the shared weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas_agents.agent import whole_number, within
from nas_agents.one_shot.paths import PathSearch, SharedWeights, best_first
from nas_agents.warm_start import WarmStart, check_warm_start
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    import numpy as np


@dataclass(kw_only=True)
class SPOS(PathSearch):
    """Weights trained along uniformly drawn architectures, then an evolution that they score.

    Source: Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", 2020: of each
    generation half are crossovers of two of the best, half mutations of one of them. Its population of 50 and
    20 generations are scaled to the cost: scoring takes a fifth of it at most.

    Attributes:
        population: architectures of a generation.
        generations: generations, the first of which is random.
        parents: the best so far that others come from.
        mutation: probability that a variable of a mutation is drawn anew.
        warm_start: what the first generation is, see `nas_agents.warm_start.starts`; None for draws.
    """

    name = "spos"

    population: int = 50
    generations: int = 20
    parents: int = 10
    mutation: float = 0.1
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("population", "generations", "parents"):
            whole_number(name, getattr(self, name), at_least=1)
        within("mutation", self.mutation, 0, 1, above_low=True)
        check_warm_start(self.warm_start)

    @property
    def scored(self) -> int:
        return self.population * self.generations

    def ranked(self, weights: SharedWeights, rng: np.random.Generator) -> list[Architecture]:
        weights.train_uniformly(rng)
        population = max(2, min(self.population, weights.scored // self.generations))
        seen: dict[Architecture, None] = {}
        generation = weights.first(population, self.warm_start)
        for _ in range(max(1, weights.scored // population)):
            seen |= dict.fromkeys(generation)
            best = best_first(weights, list(seen))[: self.parents]
            generation = [
                self._child(weights, best, rng, crossed=place % 2 == 0) for place in range(population)
            ]
        return best_first(weights, list(seen))

    def _child(
        self, weights: SharedWeights, best: list[Architecture], rng: np.random.Generator, *, crossed: bool
    ) -> Architecture:
        space = weights.space
        values, other = (space.encode(best[int(rng.integers(len(best)))]) for _ in range(2))
        for name, variable in space.variables.items():
            if crossed:
                values[name] = (values, other)[int(rng.integers(2))][name]
            elif rng.random() < self.mutation:
                values[name] = int(rng.integers(len(variable.choices)))
        child: Architecture = space.decode(values)
        return child
