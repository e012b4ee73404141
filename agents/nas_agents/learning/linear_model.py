"""Linear models of networks with honest doubt: one design, many weights that fit it."""

from __future__ import annotations

import numpy as np

from nas_agents.learning.states import States, with_room

NO_SPREAD = 1e-12


class LinearModel:
    """Bayesian linear regression over the features of networks, by sums that a new row updates.

    Weights have the standard normal prior. A member's weights are the least-squares answer to rows whose
    targets have its own noise added and to a prior draw of its own, which is a draw from the posterior
    (randomised least squares).

    Source: Osband, Van Roy and Wen, "Generalization and exploration via randomized value functions", 2016,
    algorithm 1.

    Args:
        states: states, which give the features.
        noise: variance of a target about the line.
        members: number of draws.
        rng: generator of the draws.

    Attributes:
        rows: numbers of the networks that are in the design, in order.
    """

    def __init__(self, states: States, noise: float, members: int, rng: np.random.Generator) -> None:
        self.states, self.noise = states, noise
        self.rows: list[int] = []
        self._places: dict[int, int] = {}
        self._rng = rng
        self._prior = rng.standard_normal((members, states.width))
        self._covariance = np.eye(states.width)
        # Of each row, with room for more.
        self._doubts = np.zeros((0, members))
        self._columns = np.zeros((0, 0), dtype=np.int64)

    def add(self, number: int) -> int:
        """Add a network to the design, unless it is there; return its row (Sherman and Morrison)."""
        if number in self._places:
            return self._places[number]
        columns = self.states.columns(np.array([number]))[0]
        projected = self._covariance[:, columns] @ self.states.scales[columns]
        variance = float(projected[columns] @ self.states.scales[columns])
        self._covariance -= np.outer(projected / (variance + self.noise), projected)
        row = self._places[number] = len(self.rows)
        self.rows.append(number)
        if not row:
            self._columns = np.zeros((0, len(columns)), dtype=np.int64)
        self._columns = with_room(self._columns, row + 1)
        self._doubts = with_room(self._doubts, row + 1)
        self._columns[row] = columns
        self._doubts[row] = self._rng.standard_normal(len(self._prior)) * self.noise**0.5
        return row

    def weights(self, targets: np.ndarray, member: int | None = None) -> np.ndarray:
        """Return the weights that fit targets of all rows, float64 (width,): of a member, or the mean.

        They are already multiplied by the scales of the columns.
        """
        scales = self.states.scales
        start = np.zeros(self.states.width) if member is None else self._prior[member]
        if not self.rows:
            return np.asarray(start * scales)
        columns = self._columns[: len(self.rows)]
        residual = np.array(targets, dtype=np.float64)
        if member is not None:
            residual += self._doubts[: len(self.rows), member] - (start * scales)[columns].sum(axis=1)
        summed = np.bincount(
            columns.ravel(), np.repeat(residual, columns.shape[1]), minlength=self.states.width
        )
        return np.asarray((start + self._covariance @ (summed * scales) / self.noise) * scales)

    def values(self, numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return what weights say of networks, float64 (networks,)."""
        return np.asarray(weights[self.states.columns(numbers)].sum(axis=1))


class RewardScale:
    """Rewards in units of their spread, or as they are.

    Those further below the median than the best is above it count as equally poor, or a few networks that
    learn nothing would hide the differences between good ones.

    Args:
        normalise: whether rewards are centred and divided by their spread.
    """

    def __init__(self, normalise: bool) -> None:
        self.normalise = normalise
        self._floor, self._centre, self._spread = -np.inf, 0.0, 1.0

    def fit(self, rewards: np.ndarray) -> None:
        """Take centre and spread of the rewards of evaluated networks, float64 (networks,)."""
        if self.normalise and len(rewards):
            self._floor = 2 * float(np.median(rewards)) - float(rewards.max())
            clipped = np.maximum(rewards, self._floor)
            spread = float(clipped.std())
            self._centre, self._spread = float(clipped.mean()), spread if spread > NO_SPREAD else 1.0

    def __call__(self, rewards: np.ndarray) -> np.ndarray:
        """Return rewards in these units."""
        return np.asarray((np.maximum(rewards, self._floor) - self._centre) / self._spread)
