"""Spaces of independent choices: what cells, macros and spaces of one's own choices share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.search_spaces.base import A, SearchSpace
from nas_gym.search_spaces.mixed_radix import MixedRadix
from nas_gym.search_spaces.variables import Variable, by_name

if TYPE_CHECKING:
    from gymnasium import spaces


class ProductSpace(SearchSpace[A]):
    """All combinations of the choices of some variables; an edit changes one variable.

    So the distance between two architectures is the number of variables in which they differ.
    Architectures are numbered with the last variable fastest.
    """

    def set_variables(self, variables: Iterable[Variable], observed: str) -> None:
        """Set the variables and what follows from them: the size, and the space of observations.

        Args:
            variables: the variables in the order of the text.
            observed: the name of the one entry of observations, the choices of all variables.
        """
        self.variables = by_name(variables)
        sizes = [len(variable.choices) for variable in self.variables.values()]
        self._numbering = MixedRadix(sizes)
        self._observed = observed
        self.size = self._numbering.size

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        sizes = [len(variable.choices) for variable in self.variables.values()]
        return spaces.Dict({self._observed: spaces.MultiDiscrete(sizes)})

    @abstractmethod
    def codes(self, architecture: A) -> Sequence[int]:
        """Return the number of the choice of each variable, in order."""

    @abstractmethod
    def of_codes(self, codes: Sequence[int]) -> A:
        """Return the architecture of some choices; the inverse of `codes`."""

    def index(self, architecture: A) -> int:
        return self._numbering.number(self.codes(architecture))

    def architecture(self, index: int) -> A:
        return self.of_codes(self._numbering.digits(index))

    def encode(self, architecture: A) -> dict[str, int]:
        return dict(zip(self.variables, self.codes(architecture), strict=True))

    def decode(self, values: Mapping[str, int]) -> A:
        return self.of_codes([values[name] for name in self.variables])

    def observe(self, architecture: A) -> dict[str, np.ndarray]:
        return {self._observed: np.array(self.codes(architecture), dtype=np.int64)}

    def least_edits(self, one: A, goal: A) -> int:
        pairs = zip(self.codes(one), self.codes(goal), strict=True)
        return sum(here != there for here, there in pairs)

    def edit_distance(self, one: A, other: A, most: int) -> int:
        return min(self.least_edits(one, other), most + 1)
