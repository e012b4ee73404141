"""The scores that a policy gives the edits in many states, and what a wrong edit costs by these scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import Policy, State, legal_weights

TOLERANCE = 1e-3
BATCH = 1024
# A probability below this is as good as none: its logarithm would outweigh everything else.
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True, eq=False)
class PolicyScores:
    """States with the scores that a policy gives their edits.

    Attributes:
        kind: kind of the policy.
        states: N states.
        masks: legal edits, bool (N, n).
        scores: Q-values of a policy that has them, of one of probabilities those among the legal
            edits; float64 (N, n), -inf for illegal edits and for scores that are not finite.
    """

    kind: str
    states: tuple[State, ...]
    masks: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, rows: np.ndarray) -> PolicyScores:
        """Return some of the states, by number."""
        states = tuple(self.states[row] for row in rows)
        return PolicyScores(self.kind, states, self.masks[rows], self.scores[rows])

    @cached_property
    def best(self) -> np.ndarray:
        """The greedy edit of each state, int (N,), the first of equals."""
        return np.asarray(self.scores.argmax(axis=1))

    @cached_property
    def regrets(self) -> np.ndarray:
        """How far each edit is below the best by the policy's own score, float64 (N, n), inf if illegal."""
        finite = np.isfinite(self.scores)
        highest = self.scores.max(axis=1, keepdims=True)
        return np.where(finite, np.where(finite, highest, 0.0) - np.where(finite, self.scores, 0.0), np.inf)

    @cached_property
    def near_best(self) -> np.ndarray:
        """Which edits are within 1e-3 of the best, bool (N, n)."""
        return np.asarray(self.regrets <= TOLERANCE)

    @cached_property
    def prefers(self) -> np.ndarray:
        """Where the policy prefers some legal edit to another by more than 1e-3, bool (N,)."""
        finite = np.isfinite(self.scores)
        return np.asarray((finite & ~self.near_best).any(axis=1))

    @cached_property
    def stakes(self) -> np.ndarray:
        """What a wrong edit can cost, float64 (N,): best minus worst legal score.

        The weight of a state in VIPER (Bastani, Pu and Solar-Lezama 2018, section 3.3); of
        probabilities the difference of their logarithms, as there for policies without values.
        """
        scores = self.scores
        if self.kind == "probabilities":
            scores = np.log(np.maximum(np.where(np.isfinite(scores), scores, 1.0), LEAST_PROBABILITY))
        finite = np.isfinite(self.scores)
        highest = np.where(finite, scores, -np.inf).max(axis=1)
        lowest = np.where(finite, scores, np.inf).min(axis=1)
        return np.asarray(np.where(finite.any(axis=1), highest - lowest, 0.0))


def policy_scores(policy: Policy, space: SearchSpace[Any], states: Sequence[State]) -> PolicyScores:
    """Return states with the scores that a policy gives their edits, asked in batches."""
    masks = np.array([space.mask(state.architecture) for state in states], dtype=bool)
    masks = masks.reshape(len(states), len(space.actions))
    parts = [
        np.asarray(
            policy.scores(states[start : start + BATCH], masks[start : start + BATCH]), dtype=np.float64
        )
        for start in range(0, len(states), BATCH)
    ]
    scores = np.concatenate(parts) if parts else np.zeros(masks.shape)
    legal = masks & np.isfinite(scores)
    if policy.kind == "probabilities" and len(states):
        scores = legal_weights(policy.kind, scores, masks)
    return PolicyScores(policy.kind, tuple(states), masks, np.where(legal, scores, -np.inf))
