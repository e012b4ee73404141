"""An evaluator without training, for tests of everything around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nas_gym.evaluators import Evaluation, Evaluator, FinalScore, Request
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import Task


class FakeEvaluator(Evaluator):
    """Accuracy by a function of the architecture and the seed; counts what it is asked."""

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        accuracy: Callable[[Architecture, int], float],
        seeds: Sequence[int] = (0,),
    ) -> None:
        self.search_space, self.task, self.seeds = search_space, task, tuple(seeds)
        self.accuracy = accuracy
        self.trained: list[str] = []

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        for position, request in enumerate(requests):
            self.trained.append(str(request.architecture))
            accuracy = self.accuracy(request.architecture, request.seed)
            failed = accuracy != accuracy
            yield (
                position,
                Evaluation(
                    architecture=str(request.architecture),
                    accuracy=0.0 if failed else accuracy,
                    curve=() if failed else (accuracy,),
                    parameters=1,
                    flops=1,
                    seconds=1.0,
                    status="failed" if failed else "ok",
                    error="training diverged" if failed else "",
                    seeds=(request.seed,),
                    fidelity=request.fidelity,
                ),
            )

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        raise AssertionError("test accuracy was asked for during a search")

    def config(self) -> dict[str, Any]:
        return {"name": "fake", "seeds": list(self.seeds)}
