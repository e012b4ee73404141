"""An evaluator with the store in front of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.evaluator import Evaluator
from nas_gym.evaluators.schema import EVALUATIONS, FINAL_SCORES
from nas_gym.evaluators.store import Store
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.tasks.task import Task

if TYPE_CHECKING:
    from torch import nn


@runtime_checkable
class Keyed(Protocol):
    """An evaluator that says what its results depend on, and can keep the network it trains."""

    search_space: SearchSpace[Any]
    task: Task
    seeds: tuple[int, ...]
    selects_on_test: bool

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]: ...

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]: ...

    def config(self) -> dict[str, Any]: ...

    def key(self, request: Request) -> dict[str, Any]: ...

    def fidelities(self) -> tuple[int, ...]: ...

    def fit(self, architecture: Architecture, seed: int) -> tuple[nn.Module, Evaluation]: ...


class StoredEvaluator(Evaluator):
    """Answers from a store, and has only what is missing evaluated.

    Args:
        inner: evaluates what is missing.
        store: holds the results.

    Attributes:
        inner: as passed in.
        store: as passed in.
        hits: requests so far that were answered without training.
        trained: requests so far that were trained for.
    """

    def __init__(self, inner: Keyed, store: Store) -> None:
        self.inner = inner
        self.store = store
        self.search_space = inner.search_space
        self.task = inner.task
        self.seeds = inner.seeds
        self.selects_on_test = inner.selects_on_test
        self.hits = 0
        self.trained = 0

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        def work(positions: list[int]) -> Iterator[tuple[int, Evaluation]]:
            return self.inner.stream([requests[position] for position in positions])

        keys = [self.inner.key(request) for request in requests]
        for position, evaluation, was_stored in self.store.compute(EVALUATIONS, keys, work):
            self.hits += was_stored
            self.trained += not was_stored
            yield position, evaluation

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        def work(positions: list[int]) -> Iterator[tuple[int, FinalScore]]:
            return enumerate(self.inner.test(architecture, [seeds[position] for position in positions]))

        keys = [self.inner.key(Request(architecture, seed)) for seed in seeds]
        scores = {position: score for position, score, _ in self.store.compute(FINAL_SCORES, keys, work)}
        return [scores[position] for position in range(len(seeds))]

    def config(self) -> dict[str, Any]:
        # Results do not depend on the store, and the inner evaluator is built again from this.
        return self.inner.config()

    def key(self, request: Request) -> dict[str, Any]:
        """All that the result of a request depends on, JSON-able."""
        return self.inner.key(request)

    def fidelities(self) -> tuple[int, ...]:
        return self.inner.fidelities()

    def fit(self, architecture: Architecture, seed: int) -> tuple[nn.Module, Evaluation]:
        """Train an architecture and keep it; not through the store, which holds no networks."""
        return self.inner.fit(architecture, seed)
