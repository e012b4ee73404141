"""The objectives that are known of networks which were not evaluated, as costs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.envs import Objectives
from nas_gym.evaluators import Evaluator
from nas_gym.search_spaces import Architecture, SearchSpace

DRAWN = 64
"""Networks of a space too large to list that the mean and the spread of a cost are taken from."""
LEAST = 1e-4
"""The share of its scale below which a cost counts alike, since its logarithm is a feature."""


class KnownCosts:
    """Costs that need no evaluation: parameters, FLOPs, and a latency that comes from a table.

    Args:
        objectives: all objectives of the search.
        evaluator: what gives the costs.
        every: the architectures of the space where they are listed; None of a larger space.

    Attributes:
        columns: numbers of the objectives that are known, ascending.
    """

    def __init__(
        self, objectives: Objectives, evaluator: Evaluator, every: Sequence[Architecture] | None = None
    ) -> None:
        self._evaluator = evaluator
        self.columns = tuple(n for n, each in enumerate(objectives) if each.is_known(evaluator))
        self._known = [objectives[number] for number in self.columns]
        self._gains: dict[Architecture, tuple[float, ...]] = {}
        some = _drawn(evaluator.search_space) if every is None else every
        logarithms = self._logarithms(some)
        self._centre, self._spread = logarithms.mean(axis=0), logarithms.std(axis=0)

    def gains(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the gains of the known objectives, float64 (architectures, known objectives)."""
        fresh = list(dict.fromkeys(each for each in architectures if each not in self._gains))
        if fresh:
            columns = [each.known_gains(fresh, self._evaluator).tolist() for each in self._known]
            rows = zip(*columns, strict=True) if columns else [()] * len(fresh)
            self._gains.update(zip(fresh, rows, strict=True))
        found = [self._gains[each] for each in architectures]
        return np.array(found, dtype=np.float64).reshape(len(architectures), len(self.columns))

    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return logarithms of the costs, of mean 0 and variance 1 over the space, shaped as `gains`."""
        spread = np.where(self._spread > 0, self._spread, 1.0)
        return np.asarray((self._logarithms(architectures) - self._centre) / spread)

    def _logarithms(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return np.asarray(np.log(np.maximum(-self.gains(architectures), LEAST)))


def _drawn(space: SearchSpace[Any]) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(DRAWN)]
