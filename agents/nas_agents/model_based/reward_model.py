"""What an agent believes of every architecture's reward, from those that it evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtr

from nas_agents.model_based.features import Features, Matrix
from nas_agents.model_based.gaussian_process import (
    WALK_WEIGHT,
    Inputs,
    factor,
    fit,
    kernel,
    prior_of,
    prior_variance,
)
from nas_agents.model_based.trainings import as_if_full
from nas_gym.search_spaces import Architecture

NO_SPREAD = 1e-12
Beliefs = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation of rewards, in the units of `RewardModel.targets`."""


class RewardModel:
    """A Gaussian process over architectures, from what they earned.

    Rewards are clipped from below before they are standardised: those further below the median
    than the best is above it, or a part of that, all count as equally poor, or a few networks that
    learn nothing would hide the differences between good ones. What is told first must be uniform
    designs: their mean is the prior mean, since later ones were chosen for being good.

    Args:
        features: features of the space.
        smoothness, noise: parameters of the prior, see `nas_agents.model_based.gaussian_process.prior_of`.
        growth: hyperparameters are fitted again whenever the evaluations have grown by this factor.
        memory: evaluations that are remembered at a fit, the best half of them and the latest.
        walks: the mean weight of walks in the prior.
        depth: how far below the median the floor is, as a part of how far the best is above it.

    Attributes:
        targets: the clipped and standardised rewards that are remembered, float64 (n,).
        fits: how often the hyperparameters were fitted, or what was supposed was given up.
        floor: reward below which all count alike, see `standardised`; it may be set before `tell`.
    """

    def __init__(
        self,
        features: Features,
        *,
        smoothness: float,
        noise: float,
        growth: float,
        memory: int,
        walks: float = WALK_WEIGHT,
        depth: float = 1.0,
    ) -> None:
        self.features, self.growth, self.memory, self.depth = features, growth, memory, depth
        self.fits = 0
        self.floor: float | None = None
        self._prior = prior_of(features, smoothness, noise, walks)
        self._theta = self._prior.mean
        self._architectures: list[Architecture] = []
        self._rewards: list[float] = []
        self._short: list[float] = []
        self._supposed: list[Architecture] = []
        self._designs: np.ndarray | None = None
        self._told = self._next_fit = 0
        self._best_supposed = -np.inf

    @property
    def best(self) -> float:
        """The best reward, as a target, or what is expected of what is supposed if that is better."""
        full = self.targets[np.array(self._short) == 0]
        return max(self._best_supposed, float(full.max() if len(full) else self.targets.max()))

    @property
    def variance(self) -> float:
        """The variance of a reward of which nothing is known."""
        return prior_variance(self._theta, self._groups)

    def tell(
        self, architectures: Sequence[Architecture], rewards: Sequence[float], short: float = 0.0
    ) -> None:
        """Learn what architectures earned; at first uniform designs, by the full recipe.

        Args:
            architectures: what was evaluated.
            rewards: what it earned.
            short: the logarithm of how many times as long the full recipe trains.
        """
        self._architectures += architectures
        self._rewards += rewards
        self._short += [short] * len(rewards)
        self._told += len(rewards)
        if self._designs is None:
            self._designs = np.array(rewards)
        if self._supposed:
            self._supposed, self.fits = [], self.fits + 1
        due = self._told >= self._next_fit
        if due:
            self._forget()
        remembered = np.array(self._rewards)
        if any(self._short):
            is_short = np.array(self._short) > 0
            full = remembered[~is_short]
            floor = floor_of(full, self.depth) if self.floor is None and len(full) else -np.inf
            remembered = as_if_full(self._architectures, remembered, is_short, floor)
        self._best_supposed = -np.inf
        floor = floor_of(remembered, self.depth) if self.floor is None else self.floor
        found = standardised(remembered, self._designs, floor)
        self.targets, self._centre, self._spread = found
        self._take_features()
        if due:
            self._theta = fit(self._matrix, self.targets, self._groups, self._prior, self._theta)
            self._next_fit = ceil(self._told * self.growth)
            self.fits += 1
        self.lower = factor(self._theta, self._groups, self._inputs)
        self.whitened = solve_triangular(self.lower, self.targets, lower=True, check_finite=False)

    def suppose(self, architecture: Architecture) -> None:
        """Believe until the next `tell` that an architecture earns what is expected of it.

        That changes what is expected of none, and takes doubt away where architectures are alike: the
        believer of Ginsbourger et al., "Kriging is well-suited to parallelize optimization", 2010.
        """
        expected = self.beliefs([architecture])[0]
        self._supposed.append(architecture)
        self._take_features()
        self.lower = factor(self._theta, self._groups, self._inputs)
        # What is as expected adds nothing that is to be explained.
        self.whitened = np.append(self.whitened, 0.0)
        self._best_supposed = max(self._best_supposed, float(expected[0]))

    def beliefs(self, architectures: Sequence[Architecture]) -> Beliefs:
        """Return mean and deviation of the rewards of some architectures."""
        matrix = self.features.matrix(architectures)
        if matrix.shape[1] > self._matrix.shape[1]:
            self._take_features()
        solved = solve_triangular(
            self.lower, self.covariance(Inputs.of(matrix, self._groups)), lower=True, check_finite=False
        )
        return self.whitened @ solved, np.sqrt(np.maximum(self.variance - (solved**2).sum(axis=0), 1e-12))

    def expected_improvement(self, beliefs: Beliefs) -> np.ndarray:
        """Return the improvement over the best reward seen that an evaluation will show, noise included.

        The noise is what the features cannot tell apart, such as equal networks that were trained
        from other weights. The best reward seen has it too, so it counts as a chance to be better.
        """
        return expected_improvement(self.shown(beliefs), self.best)

    def shown(self, beliefs: Beliefs) -> Beliefs:
        """Return the beliefs of what an evaluation will show, noise included."""
        mean, deviation = beliefs
        shown = np.sqrt(deviation**2 + np.exp(self._theta[0]))
        return mean, shown.astype(deviation.dtype)

    def covariance(self, inputs: Inputs, first: int = 0) -> np.ndarray:
        """Return the covariance of what is remembered, from number `first` on, with architectures."""
        return kernel(self._theta, self._groups, self._inputs.after(first), inputs)

    def as_targets(self, rewards: np.ndarray) -> np.ndarray:
        """Return rewards in the units of `targets`, clipped from below as those are."""
        low = floor_of(rewards, self.depth) if self.floor is None else self.floor
        return np.asarray((np.maximum(rewards, low) - self._centre) / self._spread)

    def score(self, targets: np.ndarray) -> np.ndarray:
        """Return targets as rewards, in the units that they were told in."""
        return self._centre + self._spread * targets

    def _take_features(self) -> None:
        """Take the features of what is remembered, in as many columns as there are by now."""
        matrix = self.features.matrix([*self._architectures, *self._supposed])
        self._matrix = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
        if any(self._short):
            self._matrix[: len(self._short), self.features.short_column] = self._short
        self._groups = self.features.groups()
        self._inputs = Inputs.of(self._matrix, self._groups)

    def _forget(self) -> None:
        """Keep `memory` of the evaluations: the oldest of the worse half go."""
        surplus = len(self._rewards) - self.memory
        if surplus > 0:
            best_first = np.argsort(-np.array(self._rewards), kind="stable")
            gone = set(np.sort(best_first[self.memory // 2 :])[:surplus].tolist())
            kept = [number for number in range(len(self._rewards)) if number not in gone]
            self._architectures = [self._architectures[number] for number in kept]
            self._rewards = [self._rewards[number] for number in kept]
            self._short = [self._short[number] for number in kept]


class EveryArchitecture:
    """Beliefs of all architectures of a space that is small enough to list, kept up to date.

    Between two fits the beliefs are conditioned on new evaluations alone, one row of the inverse
    Cholesky factor times the covariance each; in single precision, which orders candidates alike.

    Args:
        model: model that holds the beliefs.
        matrix: features of the architectures, rows by index.
    """

    def __init__(self, model: RewardModel, matrix: Matrix) -> None:
        self._model, self._matrix = model, matrix.astype(np.float32)
        self._inputs = Inputs.of(self._matrix, model.features.groups())
        self._solved = np.empty((0, matrix.shape[0]), dtype=np.float32)
        self._fits = self._rows = 0

    def beliefs(self) -> Beliefs:
        """Return mean and deviation of the rewards of all architectures, by index."""
        model = self._model
        if model.fits != self._fits:
            self._fits, self._rows = model.fits, 0
            self._variance = np.full(self._matrix.shape[0], model.variance, dtype=np.float32)
        n, known = len(model.whitened), self._rows
        if n > len(self._solved):
            more = np.empty((n, self._matrix.shape[0]), dtype=np.float32)
            self._solved = np.concatenate([self._solved, more])
        lower = model.lower.astype(np.float32)
        fresh = model.covariance(self._inputs, known)
        fresh -= lower[known:, :known] @ self._solved[:known]
        self._solved[known:n] = solve_triangular(lower[known:, known:], fresh, lower=True, check_finite=False)
        self._variance -= np.einsum("ij,ij->j", self._solved[known:n], self._solved[known:n])
        self._rows = n
        mean = model.whitened.astype(np.float32) @ self._solved[:n]
        return mean, np.sqrt(np.maximum(self._variance, 1e-6))


def expected_improvement(beliefs: Beliefs, best: float) -> np.ndarray:
    """Return how much a reward is expected to exceed the best (Jones et al. 1998, equation 15)."""
    mean, deviation = beliefs
    z = (mean - best) / deviation
    return np.asarray(deviation * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)))


def floor_of(rewards: np.ndarray, depth: float = 1.0) -> float:
    """Return the reward that is `depth` times as far below the median as the best is above it."""
    median = float(np.median(rewards))
    return (1 + depth) * median - depth * float(rewards.max())


def standardised(
    rewards: np.ndarray, designs: np.ndarray, floor: float | None = None
) -> tuple[np.ndarray, float, float]:
    """Return rewards clipped and standardised, and the centre and spread that were taken out.

    Args:
        rewards: rewards of all evaluations, float64 (n,).
        designs: rewards of uniform designs, whose mean is the centre.
        floor: reward below which all count alike; None for as far below the median as the best is above.
    """
    if floor is None:
        floor = floor_of(rewards)
    clipped = np.maximum(rewards, floor)
    centre, spread = float(np.maximum(designs, floor).mean()), float(clipped.std())
    if spread < NO_SPREAD:
        spread = 1.0
    return (clipped - centre) / spread, centre, spread
