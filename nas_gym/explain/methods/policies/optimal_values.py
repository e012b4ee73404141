"""The best that can be done on a known landscape: optimal values of every edit, by value iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.envs import single_rewards_of
from nas_gym.search_spaces import SearchSpace, successors
from nas_gym.traces import State

if TYPE_CHECKING:
    from nas_gym.envs import Reward

LARGEST = 20_000
PRECISION = 1e-9


class OptimalValues:
    """Optimal values Q*(s, a) of a landscape, by the reward of the environment.

    Under an episodic reward they are exact for every number of steps left, undiscounted; under a
    continuing one they are those of the endless process with discount `gamma`, by value iteration
    (Bellman 1957).

    Args:
        space: search space of at most 20,000 architectures.
        scores: scores of every architecture, float64 (size,); evaluations, object (size,), where the reward
            sees those.
        reward: reward of the environment.
        horizon: steps of an episode.
        gamma: discount of a continuing reward.
    """

    def __init__(
        self,
        space: SearchSpace[Any],
        scores: np.ndarray,
        reward: Reward,
        horizon: int,
        gamma: float = 0.9,
    ) -> None:
        self._space, self._episodic = space, reward.episodic
        leads, self.legal = successors(space)
        paid = _paid(reward, scores, leads, done=False)
        if reward.episodic:
            last = _paid(reward, scores, leads, done=True)
            values = [np.where(self.legal, last, -np.inf)]
            for _ in range(horizon - 1):
                values.append(np.where(self.legal, paid + values[-1].max(axis=1)[leads], -np.inf))
            self.values = np.array(values)
        else:
            self.values = np.array([_endless(paid, leads, self.legal, gamma)])

    def of(self, state: State) -> np.ndarray:
        """Return Q*(s, .), float64 (n,), -inf for illegal edits."""
        clock = 0 if not self._episodic else (state.steps_left or 1) - 1
        return np.asarray(self.values[clock, self._space.index(state.architecture)])

    def table(self) -> Mapping[str, np.ndarray]:
        """Return the values by state, as a `TabularPolicy` has them; 0 for illegal edits."""
        found = np.where(np.isfinite(self.values), self.values, 0.0)
        return {
            State(one, clock + 1 if self._episodic else None).key: found[clock, number]
            for clock in range(len(found))
            for number, one in enumerate(self._space)
        }


def _paid(reward: Reward, scores: np.ndarray, leads: np.ndarray, done: bool) -> np.ndarray:
    """Return what each edit is paid, float64 (size, n), asking once for each different pair."""
    if reward.sees == "evaluations":
        seen = scores.repeat(leads.shape[1]), scores[leads.ravel()]
        return single_rewards_of(reward, *seen, np.full(leads.size, done)).reshape(leads.shape)
    before = np.broadcast_to(scores[:, None], leads.shape)
    after = scores[leads]
    pairs = np.stack([before.ravel(), after.ravel()], axis=1)
    if not reward.needs_before:
        pairs[:, 0] = 0.0
    distinct, places = np.unique(pairs, axis=0, return_inverse=True)
    values = single_rewards_of(reward, distinct[:, 0], distinct[:, 1], np.full(len(distinct), done))
    return np.asarray(values[places.ravel()].reshape(leads.shape))


def _endless(paid: np.ndarray, leads: np.ndarray, legal: np.ndarray, gamma: float) -> np.ndarray:
    value = np.zeros(len(paid))
    while True:
        q = np.where(legal, paid + gamma * value[leads], -np.inf)
        improved = q.max(axis=1)
        if np.abs(improved - value).max() < PRECISION:
            return q
        value = improved
