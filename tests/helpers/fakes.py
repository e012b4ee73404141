"""Environments without training, for tests of everything around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gymnasium as gym

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import Evaluation, Evaluator, FinalScore, Request
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space
from nas_gym.tasks import Task, make_task

# 14 architectures.
SMALL = {"name": "mlp", "max_layers": 3, "widths": [64], "activations": ["relu", "sigmoid"]}


class FakeEvaluator(Evaluator):
    """Accuracy by a function of the architecture and the seed; counts what it is asked."""

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        score: Callable[[Architecture, int], float],
        seeds: Sequence[int] = (0,),
    ) -> None:
        self.search_space, self.task, self.seeds = search_space, task, tuple(seeds)
        self.score = score
        self.trained: list[str] = []

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        for position, request in enumerate(requests):
            self.trained.append(str(request.architecture))
            score = self.score(request.architecture, request.seed)
            failed = score != score
            yield (
                position,
                Evaluation(
                    architecture=str(request.architecture),
                    score=0.0 if failed else score,
                    curve=() if failed else (score,),
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


def depth_and_relus(architecture: Any, seed: int) -> float:
    """More layers are better, relu better than sigmoid, with seed noise."""
    relus = sum(activation == "relu" for _, activation in architecture.layers)
    return 0.3 + 0.1 * len(architecture.layers) + 0.05 * relus + 0.001 * seed


def fake_env(
    score: Any = depth_and_relus, space: Any = SMALL, seeds: Sequence[int] = (0,), **options: Any
) -> gym.Env[Any, Any]:
    """An environment whose accuracies are a function of the architecture and the seed."""
    task = make_task("breast_cancer")
    built = make_search_space(space, task.input_shape, task.outputs)
    evaluator = FakeEvaluator(built, task, score, seeds)
    return gym.make("NAS-v0", search_space=built, task=task, evaluator=evaluator, **options)


def action(env: Any, words: str) -> int:
    """The number of the action with these words."""
    return [str(edit) for edit in env.unwrapped.search_space.actions].index(words)


class OwnEvaluator(FakeEvaluator):
    """An evaluator of one's own, found by its import path; it says nothing of what it depends on."""

    def __init__(
        self, search_space: SearchSpace[Any], task: Task, device: str, *, value: float = 0.5
    ) -> None:
        super().__init__(search_space, task, lambda architecture, seed: value)
