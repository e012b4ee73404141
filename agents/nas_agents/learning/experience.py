"""What an agent has seen in its steps: which networks were evaluated, and what they are worth to it."""

from __future__ import annotations

import numpy as np

from nas_agents.learning.linear_model import LinearModel, RewardScale
from nas_agents.learning.states import States, with_room

NOISE = 0.1
"""What a linear model leaves unexplained, as a part of the variance of rewards."""
MEMBERS = 10


class Experience:
    """The networks that steps have shown, and a linear model of their rewards.

    Args:
        states: states of the search space.
        normalise: whether rewards are centred and divided by their spread.
        rng: generator of the model's draws.

    Attributes:
        rewards: the reward of each evaluated network, by number, in order of first evaluation.
        scale: the units of rewards.
        model: the reward model, over the evaluated networks.
    """

    def __init__(self, states: States, normalise: bool, rng: np.random.Generator) -> None:
        self.states, self.scale = states, RewardScale(normalise)
        self.rewards: dict[int, float] = {}
        self.model = LinearModel(states, NOISE, MEMBERS, rng)
        self._weights: dict[int | None, np.ndarray] = {}
        self._known, self._seen = np.zeros(0, dtype=bool), np.zeros(0)

    def __len__(self) -> int:
        return len(self.rewards)

    def __contains__(self, number: object) -> bool:
        return number in self.rewards

    def tell(self, number: int, reward: float) -> None:
        """Learn what a network earned; of several answers for one the latest counts."""
        if self.rewards.get(number) != reward:
            self.rewards[number] = reward
            self.scale.fit(np.array(list(self.rewards.values())))
            self._weights.clear()
            self._make_room()
            self._known[number], self._seen[number] = True, reward
        self.model.add(number)

    def known(self, numbers: np.ndarray) -> np.ndarray:
        """Return which networks are evaluated, bool of the shape of `numbers`."""
        self._make_room()
        return np.asarray(self._known[numbers])

    def by_number(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which networks are evaluated, bool (rows,), and their rewards as paid, float64 (rows,)."""
        self._make_room()
        return self._known.copy(), self._seen.copy()

    def weights(self, member: int | None = None) -> np.ndarray:
        """Return the weights of the reward model, see `LinearModel.weights`: of a draw or of the mean."""
        if member not in self._weights:
            targets = self.scale(np.array(list(self.rewards.values())))
            self._weights[member] = self.model.weights(targets, member)
        return self._weights[member]

    def expected(self, numbers: np.ndarray, member: int | None = None) -> np.ndarray:
        """Return rewards in units of `scale`, float64 (networks,): what was seen, else what the model says.

        Args:
            numbers: numbers of networks, int64 (networks,).
            member: draw from the model's posterior; None for its mean.
        """
        found = self.model.values(numbers, self.weights(member))
        known = self.known(numbers)
        if known.any():
            found[known] = self.scale(self._seen[numbers[known]])
        return found

    def _make_room(self) -> None:
        rows = self.states.graph.rows
        self._known, self._seen = with_room(self._known, rows), with_room(self._seen, rows)
