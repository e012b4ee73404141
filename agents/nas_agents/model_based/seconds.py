"""What trainings cost in seconds, learned on the way: what is promising is weighed by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_agents.model_based.features import Features, Matrix
from nas_agents.model_based.trainings import Trainings

RIDGE = 0.1


class Seconds:
    """The seconds that trainings are expected to take, a line through the logarithms of those known.

    Args:
        features: features of the space.
        trainings: the trainings so far.
        thrift: power of the seconds that a promise is divided by at the start of a search; it falls to 0
            towards the end of the budget, when nothing cheaper would be bought by what is saved (Lee et al.,
            "Cost-aware Bayesian Optimization", 2020). Where the budget does not count seconds it is 0.
    """

    def __init__(self, features: Features, trainings: Trainings, thrift: float) -> None:
        self._features, self._trainings = features, trainings
        self._thrift = thrift if trainings.counts_seconds else 0.0
        self._known = 0
        self._weights = np.zeros(0)

    def divisors(self, matrix: Matrix) -> np.ndarray | float:
        """Return what promises are divided by, of architectures of which this is the matrix of features."""
        if not self._thrift or not self._trainings.seconds:
            return 1.0
        if self._known != len(self._trainings.seconds):
            self._fit()
        wide: Any = matrix[:, : len(self._weights)]
        power = self._thrift * (1 - self._trainings.progress())
        return np.asarray(np.exp(power * (wide @ self._weights)))

    def _fit(self) -> None:
        seconds = self._trainings.seconds
        self._known = len(seconds)
        found: Any = self._features.matrix(list(seconds))
        rows = found if isinstance(found, np.ndarray) else found.toarray()
        logs = np.log(np.maximum(list(seconds.values()), 1e-9))
        # A ridge in its dual form, since there are more features than trainings.
        centred = rows - rows.mean(axis=0)
        gram = centred @ centred.T + RIDGE * np.eye(len(rows))
        self._weights = centred.T @ np.linalg.solve(gram, logs - logs.mean())
