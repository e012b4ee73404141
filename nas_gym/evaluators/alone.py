"""What scores networks cheaply, and has a final choice trained alone like any other."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.evaluation import Evaluation, FinalScore
from nas_gym.evaluators.train import TrainEvaluator
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import Architecture


class CheapEvaluator(Evaluator):
    """An evaluator whose scores are not those of trained networks; `_alone` trains a network by itself."""

    _alone: TrainEvaluator
    cheap = True

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        return self._alone.test(architecture, seeds)

    def fit(self, architecture: Architecture, seed: int) -> tuple[NetworkModule, Evaluation]:
        return self._alone.fit(architecture, seed)

    def refit(self, architecture: Architecture, seed: int) -> NetworkModule:
        return self._alone.refit(architecture, seed)

    def refit_all(
        self, members: Sequence[tuple[Architecture, int]]
    ) -> list[tuple[Architecture, NetworkModule | str]]:
        return self._alone.refit_all(members)
