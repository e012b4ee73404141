"""An evaluator with the store in front of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakSet

from nas_gym._checks import plain
from nas_gym._sources import sources_of
from nas_gym.evaluators.base import Evaluator, ForwardingEvaluator
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES
from nas_gym.evaluators.store.store import Store
from nas_gym.search_spaces import Architecture


class StoredEvaluator(ForwardingEvaluator):
    """Answers from a store, and has only what is missing evaluated.

    Args:
        inner: evaluates what is missing; it has to declare what a result depends on by `key`.
        store: holds the results.

    Attributes:
        store: as passed in.
        hits: requests so far that were answered without training.
        trained: requests so far that were trained for.
    """

    def __init__(self, inner: Evaluator, store: Store) -> None:
        super().__init__(inner)
        self.store = store
        self.hits = 0
        self.trained = 0
        self._owners: WeakSet[object] = WeakSet()
        self._closes = False

    @property
    def inner(self) -> Evaluator:
        """The evaluator of what is missing."""
        return self._inner

    def opened_by(self, owner: object, *, built: bool) -> None:
        self._owners.add(owner)
        self._closes |= built

    def closed_by(self, owner: object) -> None:
        self._owners.discard(owner)
        if self._closes and not self._owners:
            self.store.close()
            if self.executor is not None:
                self.executor.close()

    def __getstate__(self) -> dict[str, Any]:
        # Owners elsewhere note themselves.
        return {name: value for name, value in self.__dict__.items() if name != "_owners"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _owners=WeakSet())

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        def work(positions: list[int]) -> Iterator[tuple[int, Evaluation]]:
            return self.inner.stream([requests[position] for position in positions])

        keys = [self.key(request) for request in requests]
        for position, evaluation, was_stored in self.store.compute(EVALUATIONS, keys, work):
            self.hits += was_stored
            self.trained += not was_stored
            yield position, evaluation

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        seeds = [plain(seed) for seed in seeds]

        def work(positions: list[int]) -> Iterator[tuple[int, FinalScore]]:
            return enumerate(self.inner.test(architecture, [seeds[position] for position in positions]))

        keys = [self.key(Request(architecture, seed)) for seed in seeds]
        scores = {position: score for position, score, _ in self.store.compute(FINAL_SCORES, keys, work)}
        return [scores[position] for position in range(len(seeds))]

    def key(self, request: Request) -> dict[str, Any]:
        return self.inner.key(request) | self._code

    @cached_property
    def _code(self) -> dict[str, Any]:
        """The code of an evaluator of the user's own, whose results may be others when it changes."""
        code = sources_of(self.inner)
        return {"code": code} if code else {}
