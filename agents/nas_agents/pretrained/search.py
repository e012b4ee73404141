"""A search by a policy under way: candidates, what the run says of them, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_agents.pretrained.beliefs import Beliefs
from nas_agents.pretrained.pool import REFERENCE, Pool, whole_pool
from nas_agents.pretrained.state import features
from nas_agents.pretrained.weights import PolicyWeights
from nas_gym.search_spaces import Architecture, SearchSpace

FRESH = 30
"""Uniform candidates that are added at each step in a space too large to list."""
AROUND = 3
"""Best architectures known whose neighbours are candidates there."""
MOST_CANDIDATES = 6000
"""Candidates beyond which no uniform draws are added there."""


class PolicySearch:
    """What a policy thinks of the candidates of one search.

    Args:
        weights: the policy.
        space: the search space.
        rng: source of uniform candidates in a space too large to list.
        listed: size up to which all architectures of a space are candidates.
        memory: evaluations that posteriors remember at most; beyond it the best and the latest are kept.

    Attributes:
        pool: the candidates.
        known: scores of the evaluated ones by number, in order.
    """

    def __init__(
        self,
        weights: PolicyWeights,
        space: SearchSpace[Any],
        rng: np.random.Generator,
        *,
        listed: int,
        memory: int,
    ) -> None:
        self._weights, self._rng, self._memory = weights, rng, memory
        self.listed = space.size <= listed
        self.pool = whole_pool(space) if self.listed else Pool(space, self._some(space, REFERENCE))
        self._beliefs, self.known = Beliefs(self.pool), dict[int, float]()

    def tell(self, number: int, score: float) -> None:
        """Take in the evaluation of a candidate."""
        if len(self._beliefs.told) >= self._memory:
            self._beliefs = _remembered(self.pool, self.known, self._memory // 2)
        self.known[number] = score
        self._beliefs.tell(number, score)

    def scores(self, left: float, beside: Sequence[Architecture] = ()) -> np.ndarray:
        """Return the score of each candidate, float64 (candidates,), -inf of the evaluated ones.

        Args:
            left: part of the budget that is left, in [0, 1].
            beside: architectures that become candidates first, in a space too large to list.
        """
        if not self.listed:
            self.pool.add([*beside, *self._candidates()])
            self._beliefs.widen()
        found = self._weights.judge(features(self._beliefs, left), self.pool)
        found[list(self.known)] = -np.inf
        return found

    def _candidates(self) -> list[Architecture]:
        """Return what may be proposed next: neighbours of the best architectures known, and uniform draws."""
        told, scores = self._beliefs.told, self._beliefs.scores
        best = np.argsort(scores)[::-1][:AROUND].tolist() if told else list[int]()
        space = self.pool.space
        around = [each for number in best for each in space.neighbours(self.pool.architectures[told[number]])]
        return around if len(self.pool) >= MOST_CANDIDATES else around + self._some(space, FRESH)

    def _some(self, space: SearchSpace[Any], count: int) -> list[Architecture]:
        return list(dict.fromkeys(space.sample(self._rng) for _ in range(count)))


def _remembered(pool: Pool, known: dict[int, float], count: int) -> Beliefs:
    """Return posteriors of the best evaluations and of the latest ones, as many of each."""
    best = sorted(known, key=known.__getitem__, reverse=True)[: count // 2]
    kept = {*best, *list(known)[-(count - count // 2) :]}
    beliefs = Beliefs(pool)
    for number, score in known.items():
        if number in kept:
            beliefs.tell(number, score)
    return beliefs
