"""The effects in the scores of visited architectures, when the visits were neither uniform nor balanced.

``y = mu + Z theta + h + e``: some coefficients theta are fixed, and groups of others are random with
a variance of each group; h is what three choices do together, e is the noise of an evaluation. The
variances are those of highest penalised restricted likelihood, the penalty being that of Chung et
al. ("A nondegenerate penalized likelihood estimator for variance parameters", 2013), which keeps a
variance about a standard error away from 0: an interaction that the visits cannot rule out widens
the intervals of all that it could be mistaken for. They are found by the multiplicative steps of
MacKay ("Bayesian interpolation", 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from nas_gym._clock import check_time

FIXED = -1
ITERATIONS = 200
TOLERANCE = 1e-3
FLAT = 100.0
DETERMINED = 1e-6
LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class MixedModel:
    """Variances and what follows from them.

    Attributes:
        y: scores, float64 (n,).
        z: features, float64 (n, p).
        group: group of each column of `z`: `FIXED`, or the number of its variance; int (p,).
        third: kernel of what three choices do together, float64 (n, n).
        variances: variance of each group of coefficients, then of h, then of e.
        flat: variance of the fixed coefficients, so large that nothing is assumed of them.
        assumed: groups whose variance is an assumption, not estimated.
    """

    y: np.ndarray
    z: np.ndarray
    group: np.ndarray
    third: np.ndarray
    variances: np.ndarray
    flat: float
    assumed: frozenset[int] = frozenset()

    @property
    def noise(self) -> float:
        """Variance of e."""
        return float(self.variances[-1])

    @cached_property
    def each(self) -> np.ndarray:
        """The variance of each coefficient, float64 (p,)."""
        return _each(self.group, self.variances, self.flat)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Of y, float64 (n, n)."""
        return _covariance(self.z, self.each, self.third, self.variances[-2], self.noise)

    @cached_property
    def precision(self) -> np.ndarray:
        """P: the inverse covariance with the mean taken out, float64 (n, n)."""
        return _precision(self.covariance)

    @cached_property
    def weighted(self) -> np.ndarray:
        """P Z, float64 (n, p)."""
        return np.asarray(self.precision @ self.z)

    def assuming(self, least: Sequence[tuple[np.ndarray, float]]) -> MixedModel:
        """Return the model with coefficients that have at least some variance, whatever the scores say.

        Args:
            least: columns of coefficients, and their least variance.
        """
        group, variances = self.group.copy(), list(self.variances[:-2])
        for columns, variance in least:
            variances.append(max(variance, float(self.each[columns[0]])))
            group[columns] = len(variances) - 1
        assumed = self.assumed | set(range(len(self.variances) - 2, len(variances)))
        return MixedModel(
            self.y, self.z, group, self.third, np.append(variances, self.variances[-2:]), self.flat, assumed
        )

    def estimate(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return coefficients as if they were fixed, and their covariance.

        Returns:
            float64 (r,) and (r, r); None where the visits do not determine them: where a
            combination is less certain than the scores are spread.
        """
        values, covariance, basis = self.determined(columns)
        if basis.shape[1] < len(columns):
            return None
        found = basis @ covariance @ basis.T
        return None if np.linalg.eigvalsh(found)[-1] > self.flat / FLAT else (basis @ values, found)

    def shrunk(self, columns: np.ndarray) -> np.ndarray:
        """Return the expected coefficients, float64 (r,), given that they are random where they are."""
        return np.asarray(self.each[columns] * (self.weighted[:, columns].T @ self.y))

    def determined(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the combinations of coefficients that the visits determine, as if they were fixed.

        Returns:
            Their values float64 (s,), covariance (s, s) and the combinations as columns (r, s).
        """
        prior = self.each[columns]
        information = self.z[:, columns].T @ self.weighted[:, columns]
        score = self.weighted[:, columns].T @ self.y
        # In units of the prior the information of what nothing was learned of is 0, of what is known 1.
        if np.any(prior == 0):
            prior = np.where(prior == 0, LEAST * self.noise, prior)
        root = np.sqrt(prior)
        sizes, directions = np.linalg.eigh(information * np.outer(root, root))
        learned = sizes > DETERMINED
        basis = root[:, None] * directions[:, learned]
        inverse = 1.0 / sizes[learned]
        values = inverse * (directions[:, learned].T @ (root * score))
        return values, np.diag(np.maximum(inverse - 1.0, 0.0)), basis

    def random_without(self, columns: np.ndarray) -> np.ndarray:
        """Return the covariance of y given the fixed effects, if some coefficients were 0, float64 (n, n)."""
        random = np.setdiff1d(np.flatnonzero(self.group != FIXED), columns)
        return _covariance(self.z[:, random], self.each[random], self.third, self.variances[-2], self.noise)

    def degrees(self, columns: np.ndarray) -> float:
        """Return an estimate's degrees of freedom (Satterthwaite 1946; Giesbrecht and Burns 1985).

        They are many where the noise dominates it, few where a variance does that few effects show.
        """
        information = self.z[:, columns].T @ self.weighted[:, columns]
        inverse = np.linalg.pinv(information, hermitian=True)
        pull = inverse @ self.weighted[:, columns].T
        own = set(self.group[columns])
        variance = float(np.trace(inverse - np.diag(self.each[columns])))
        slopes = np.array([0.0 if g in own else self._size(pull, g) for g in range(len(self.variances))])
        spread = float(slopes @ self._sampling @ slopes)
        if spread <= 0 or variance <= 0:
            return float(len(self.y))
        return float(np.clip(2.0 * variance**2 / spread, 1.0, len(self.y)))

    def combinations(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the expected values of weighted sums of the coefficients, and their covariance.

        Args:
            sums: the weights, float64 (m, p).

        Returns:
            Expected values (m,), their covariance (m, m), and its degrees of freedom (m,).
        """
        scaled = sums * self.each
        pulled = scaled @ self.weighted.T
        covariance = scaled @ sums.T - pulled @ self.z @ scaled.T
        rest = sums - pulled @ self.z
        slopes = [(rest[:, self.group == g] ** 2).sum(axis=1) for g in range(len(self.variances) - 2)]
        slopes += [((pulled @ self.third) * pulled).sum(axis=1), (pulled**2).sum(axis=1)]
        spread = np.einsum("gm,gh,hm->m", np.array(slopes), self._sampling, np.array(slopes))
        degrees = 2.0 * np.diag(covariance) ** 2 / np.maximum(spread, 1e-300)
        return pulled @ self.y, covariance, np.clip(degrees, 1.0, len(self.y))

    @cached_property
    def _sampling(self) -> np.ndarray:
        """Covariance of the estimated variances: the inverse Fisher information, with the penalty's."""
        count = len(self.variances)
        roots = [self._root(g) for g in range(count - 2)]
        pulled = [self.precision @ root for root in roots]
        p, third = self.precision, self.precision @ self.third
        fisher = np.zeros((count, count))
        for g in range(count - 2):
            for other in range(g, count - 2):
                fisher[g, other] = fisher[other, g] = float(((roots[g].T @ pulled[other]) ** 2).sum())
            fisher[g, -2] = fisher[-2, g] = float((pulled[g] * (self.third @ pulled[g])).sum())
            fisher[g, -1] = fisher[-1, g] = float((pulled[g] ** 2).sum())
        fisher[-2, -2] = float((third * third.T).sum())
        fisher[-2, -1] = fisher[-1, -2] = float((third * p).sum())
        fisher[-1, -1] = float((p * p).sum())
        penalty = np.where(self.variances > 0, 1.0 / np.maximum(self.variances, 1e-150) ** 2, 0.0)
        penalty[-1] = 0.0
        known = [g in self.assumed for g in range(count)]
        fisher[known] = fisher[:, known] = 0.0
        penalty[known] = 0.0
        return np.asarray(np.linalg.pinv(0.5 * (fisher + np.diag(penalty)), hermitian=True))

    def _root(self, g: int) -> np.ndarray:
        return np.asarray(self.z[:, self.group == g])

    def _size(self, pull: np.ndarray, g: int) -> float:
        """Return trace of ``pull K pull'`` for the kernel K of a variance."""
        if g == len(self.variances) - 1:
            return float((pull**2).sum())
        if g == len(self.variances) - 2:
            return float(((pull @ self.third) * pull).sum())
        return float(((pull @ self._root(g)) ** 2).sum())


def fit(y: np.ndarray, z: np.ndarray, group: np.ndarray, third: np.ndarray) -> MixedModel:
    """Return the variances of highest penalised restricted likelihood.

    Args:
        y: scores, float64 (n,).
        z: features, float64 (n, p).
        group: group of each column: `FIXED`, or the number of its variance.
        third: kernel of what three choices do together, float64 (n, n); zeros for none.
    """
    spread = max(float(y.var()), 1e-12)
    groups = int(group.max(initial=FIXED)) + 1
    random = group >= 0
    size = np.bincount(group[random], (z[:, random] ** 2).sum(axis=0), minlength=groups)
    size = np.append(np.maximum(size, 1e-12) / len(y), max(float(np.trace(third)) / len(y), 1e-12))
    variances = np.append(spread / (4.0 * (groups + 1) * size), spread / 4.0)
    penalty = np.ones(groups + 2)
    penalty[-1] = 0.0
    if not third.any():
        variances[-2] = penalty[-2] = 0.0
    for _ in range(ITERATIONS):
        check_time()
        each = _each(group, variances, FLAT * spread)
        p = _precision(_covariance(z, each, third, variances[-2], variances[-1]))
        py, pz = p @ y, p @ z[:, random]
        gain = np.bincount(group[random], (py @ z[:, random]) ** 2, minlength=groups)
        cost = np.bincount(group[random], (z[:, random] * pz).sum(axis=0), minlength=groups)
        gain = np.append(gain, [py @ third @ py, py @ py])
        cost = np.append(cost, [(p * third).sum(), np.trace(p)])
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = gain + np.where(penalty > 0, penalty / variances, 0.0)
        steps = np.where(variances > 0, wanted / np.maximum(cost, 1e-300), 1.0)
        # Full steps may overshoot near 0; their square roots never lower the likelihood (Zhou et al. 2019).
        steps[penalty > 0] = np.sqrt(steps[penalty > 0])
        change = float((abs(steps - 1.0) * variances * np.append(size, 1.0)).sum())
        variances = np.maximum(variances * steps, 0.0)
        variances[-1] = max(variances[-1], LEAST * spread)
        if change < TOLERANCE * variances[-1]:
            break
    return MixedModel(y, z, group, third, variances, FLAT * spread)


def _each(group: np.ndarray, variances: np.ndarray, flat: float) -> np.ndarray:
    return np.where(group == FIXED, flat, variances[np.maximum(group, 0)])


def _covariance(
    z: np.ndarray, each: np.ndarray, third: np.ndarray, third_variance: float, noise: float
) -> np.ndarray:
    scaled = z * np.sqrt(each)
    sigma = scaled @ scaled.T + third_variance * third
    sigma[np.diag_indices(len(sigma))] += noise
    return np.asarray(sigma)


def _precision(sigma: np.ndarray) -> np.ndarray:
    factor, _ = dpotrf(sigma, lower=1)
    inverse, _ = dpotri(factor, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    column = inverse.sum(axis=1)
    return np.asarray(inverse - np.outer(column, column) / column.sum())
