"""Which networks a step of a supernet trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, SearchSpace

MOST_LISTED = 200_000
"""Size of a search space up to which equivalent architectures are found by listing all."""


class Sampling(ABC):
    """Draws the architectures of each step.

    Args:
        search_space: what they are drawn from.
    """

    name: ClassVar[str]

    def __init__(self, search_space: SearchSpace[Any]) -> None:
        self._space = search_space

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> list[Architecture]:
        """Return the architectures of a step, at least one."""


class Uniform(Sampling):
    """One architecture, drawn uniformly (Guo et al. 2020, "Single Path One-Shot NAS")."""

    name = "uniform"

    def draw(self, rng: np.random.Generator) -> list[Architecture]:
        return [self._space.sample(rng)]


class Distinct(Sampling):
    """One architecture, such that each class of equivalent ones is as likely, whatever its size.

    Of 15,625 cells 6,466 differ; drawn uniformly, a step trains those with many twins more often than the
    others (Ning et al. 2021, "Evaluating Efficient Performance Estimators of Neural Architectures").
    """

    name = "distinct"

    def draw(self, rng: np.random.Generator) -> list[Architecture]:
        classes = self._classes
        if classes is None:
            return [self._space.sample(rng)]
        members = classes[int(rng.integers(len(classes)))]
        return [self._space.architecture(members[int(rng.integers(len(members)))])]

    @cached_property
    def _classes(self) -> list[list[int]] | None:
        """The numbers of the architectures of each class; None where each is a class of its own."""
        if self._space.size > MOST_LISTED:
            return None
        found: dict[str, list[int]] = {}
        for number, architecture in enumerate(self._space):
            found.setdefault(self._space.isomorphism_class(architecture), []).append(number)
        return None if len(found) == self._space.size else list(found.values())


class Fair(Sampling):
    """As many architectures as a variable has choices, which have each choice of each variable equally often.

    Chu et al. 2021, "FairNAS": strict fairness. Of a variable with fewer choices than another, each is in
    nearly as many architectures as the others.
    """

    name = "fair"

    def draw(self, rng: np.random.Generator) -> list[Architecture]:
        variables = self._space.variables
        count = max(len(variable.choices) for variable in variables.values())
        columns = {}
        for name, variable in variables.items():
            choices = len(variable.choices)
            numbers = [rng.permutation(choices) for _ in range(-(-count // choices))]
            columns[name] = np.concatenate(numbers)[:count]
        return [
            self._space.decode({name: int(column[place]) for name, column in columns.items()})
            for place in range(count)
        ]


SAMPLINGS: dict[str, Callable[[SearchSpace[Any]], Sampling]] = {
    each.name: each for each in (Uniform, Distinct, Fair)
}


def make_sampling(name: object, search_space: SearchSpace[Any]) -> Sampling:
    """Return a sampling by its name.

    Raises:
        NASGymError: if there is none.
    """
    if name not in SAMPLINGS:
        raise ConfigError(f"sampling must be one of {', '.join(SAMPLINGS)}, not {name!r}")
    return SAMPLINGS[str(name)](search_space)
