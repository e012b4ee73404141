"""What an evaluator is: one method over a batch of requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request, mean
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.tasks.task import Task


class Evaluator(ABC):
    """From requests to evaluations.

    Attributes:
        search_space: whose architectures it evaluates.
        task: the data.
        seeds: training seeds that an architecture is evaluated with, averaged.
    """

    search_space: SearchSpace[Any]
    task: Task
    seeds: tuple[int, ...]

    @abstractmethod
    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        """Evaluate a batch, giving (position in `requests`, evaluation) as each is finished."""

    @abstractmethod
    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        """Retrain an architecture and measure its test accuracy, for the final report alone."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """A JSON-able description: all that its evaluations depend on."""

    def evaluate(self, requests: Sequence[Request]) -> list[Evaluation]:
        """Evaluate a batch of requests; one evaluation each, in order."""
        found = dict(self.stream(requests))
        return [found[position] for position in range(len(requests))]

    def evaluate_architectures(
        self, architectures: Sequence[Architecture], fidelity: int | None = None
    ) -> list[Evaluation]:
        """Evaluate architectures with all of `seeds`, averaged over them."""
        requests = [
            Request(architecture, seed, fidelity) for architecture in architectures for seed in self.seeds
        ]
        evaluations = self.evaluate(requests)
        count = len(self.seeds)
        return [mean(evaluations[start : start + count]) for start in range(0, len(evaluations), count)]
