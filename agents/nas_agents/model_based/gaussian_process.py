"""A Gaussian process whose kernel weighs every feature, with its hyperparameters by their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize

from nas_agents.model_based.features import Features, Group, Matrix

STEPS = 25
SPAN = 4.0
JITTER = 1e-6
WALK_WEIGHT = 0.05
COST_WEIGHT = 0.1
SHORT_WEIGHT = 0.1
"""Of the squared logarithm of how many times as long the full recipe trains."""


@dataclass(frozen=True)
class Prior:
    """Independent normal priors of the log hyperparameters.

    In their order: the variance of the noise, of each group's term, the scales of the features.

    Attributes:
        mean, deviation: float64 (hyperparameters,).
    """

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """Features of architectures, by group.

    Attributes:
        parts: for each group its columns, a `Matrix`.
        squares: the squares of `parts`.
    """

    parts: list[Any]
    squares: list[Any]

    @classmethod
    def of(cls, matrix: Matrix, groups: Sequence[Group]) -> Inputs:
        """Return the rows of a matrix of features."""
        rows: Any = matrix
        parts = [rows[:, group.columns] for group in groups]
        return cls(parts, [part * part for part in parts])

    def after(self, first: int) -> Inputs:
        """Return those from number `first` on."""
        return Inputs([part[first:] for part in self.parts], [square[first:] for square in self.squares])


def prior_of(features: Features, smoothness: float, noise: float, walks: float = WALK_WEIGHT) -> Prior:
    """Return the prior for targets of variance 1.

    Args:
        features: features that are weighed.
        smoothness: divisor of the mean weights; at 1 architectures that share no choice
            have a correlation of exp(-2).
        noise: the mean variance of the noise.
        walks: the mean weight of walks and pieces, before it is divided by the smoothness.
    """
    scales = np.zeros(features.num_scales)
    deviations = np.full(features.num_scales, 0.5)
    scales[: features.num_variables] = -np.log(features.num_variables * smoothness)
    deviations[: features.num_variables] = 1.0
    scales[features.walk_scales] = np.log(walks / smoothness)
    deviations[features.walk_scales] = 1.0
    scales[features.cost_scales] = np.log(COST_WEIGHT)
    deviations[features.cost_scales] = 1.0
    scales[features.piece_scales] = np.log(walks / smoothness)
    deviations[features.piece_scales] = 1.0
    for scale, group in zip(features.short_scales, features.groups(), strict=False):
        factors = len(group.scales)
        scales[scale], deviations[scale] = np.log(SHORT_WEIGHT) / factors, 1 / factors
    terms = len(features.groups())
    return Prior(
        np.concatenate([[np.log(noise)], np.full(terms, -np.log(terms)), scales]),
        np.concatenate([[1.5], np.ones(terms), deviations]),
    )


def kernel(theta: np.ndarray, groups: Sequence[Group], x: Inputs, y: Inputs) -> np.ndarray:
    """Return the covariance of rewards without noise, (rows of x, rows of y).

    A sum over groups of variance * exp(-sum of weight * (difference of features)^2).
    """
    return np.asarray(sum(_terms(theta, groups, x, y)))


def prior_variance(theta: np.ndarray, groups: Sequence[Group]) -> float:
    """Return the variance of a reward of which nothing is known, without noise."""
    return float(np.exp(theta[1 : 1 + len(groups)]).sum())


def factor(theta: np.ndarray, groups: Sequence[Group], x: Inputs) -> np.ndarray:
    """Return the lower Cholesky factor of the covariance of noisy rewards."""
    return _factor(kernel(theta, groups, x, x), theta)


def fit(
    matrix: np.ndarray, targets: np.ndarray, groups: Sequence[Group], prior: Prior, start: np.ndarray
) -> np.ndarray:
    """Return the most probable log hyperparameters, found by L-BFGS from `start`.

    Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 5.4.1.
    """
    groups, present = _with_values(groups, matrix)
    span = SPAN * prior.deviation
    inputs = Inputs.of(matrix[:, present], groups)
    found: Any = minimize(  # type: ignore[call-overload]  # with a gradient its stubs ask for one shape
        lambda theta: negative_log_posterior(theta, inputs, targets, groups, prior),
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(prior.mean - span, prior.mean + span, strict=True)),
        options={"maxiter": STEPS},
    )
    return np.asarray(found.x)


def negative_log_posterior(
    theta: np.ndarray, x: Inputs, targets: np.ndarray, groups: Sequence[Group], prior: Prior
) -> tuple[float, np.ndarray]:
    """Return minus the log posterior of log hyperparameters, up to a constant, and its gradient."""
    terms = _terms(theta, groups, x, x)
    lower = _factor(np.asarray(sum(terms)), theta)
    alpha = cho_solve((lower, True), targets, check_finite=False)
    inverse = cho_solve((lower, True), np.eye(len(targets)), check_finite=False)
    z = (theta - prior.mean) / prior.deviation
    value = 0.5 * targets @ alpha + np.log(np.diag(lower)).sum() + 0.5 * z @ z
    # The derivative by an entry of the covariance is half of this.
    slope = np.outer(alpha, alpha) - inverse
    gradient = np.zeros_like(theta)
    gradient[0] = 0.5 * np.trace(slope) * np.exp(theta[0])
    weights = _weights(theta, groups)
    for number, (group, term) in enumerate(zip(groups, terms, strict=True)):
        a, squares, pull = x.parts[number], x.squares[number], slope * term
        gradient[1 + number] = 0.5 * pull.sum()
        by_column = weights[number] * (((pull @ a) * a).sum(axis=0) - pull.sum(axis=1) @ squares)
        for scales in group.scales:
            np.add.at(gradient, 1 + len(groups) + scales, by_column)
    return float(value), z / prior.deviation - gradient


def _terms(theta: np.ndarray, groups: Sequence[Group], x: Inputs, y: Inputs) -> list[np.ndarray]:
    """Return each group's part of the covariance, (rows of x, rows of y), in the precision of y."""
    found = []
    for number, weights in enumerate(_weights(theta, groups)):
        a, b, peak = x.parts[number], y.parts[number], theta[1 + number]
        similar = np.asarray((a * (2 * weights)).astype(b.dtype) @ b.T)
        similar -= (x.squares[number] @ weights)[:, None].astype(b.dtype)
        similar -= (y.squares[number] @ weights.astype(b.dtype))[None]
        # Rounding can make a distance negative.
        similar = np.minimum(similar, 0, out=similar)
        similar += b.dtype.type(peak)
        found.append(np.exp(similar, out=similar))
    return found


def _weights(theta: np.ndarray, groups: Sequence[Group]) -> list[np.ndarray]:
    """Return the weight of each column, by group."""
    scales = theta[1 + len(groups) :]
    return [np.exp(scales[group.scales].sum(axis=0)) for group in groups]


def _factor(covariance: np.ndarray, theta: np.ndarray) -> np.ndarray:
    covariance[np.diag_indices(len(covariance))] += np.exp(theta[0]) + JITTER
    return np.asarray(cholesky(covariance, lower=True, check_finite=False))


def _with_values(groups: Sequence[Group], matrix: np.ndarray) -> tuple[list[Group], np.ndarray]:
    """Return the groups without the columns that are 0 in all rows, and the numbers of the others."""
    used = (matrix != 0).any(axis=0)
    narrowed, numbers, first = list[Group](), list[np.ndarray](), 0
    every = np.arange(matrix.shape[1])
    for group in groups:
        columns = every[group.columns]
        kept = used[columns]
        narrowed.append(Group(slice(first, first + int(kept.sum())), group.scales[:, kept]))
        numbers.append(columns[kept])
        first += int(kept.sum())
    return narrowed, np.concatenate(numbers)
