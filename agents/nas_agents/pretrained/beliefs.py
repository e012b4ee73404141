"""What the run so far says of candidates: Gaussian processes with fixed kernels, kept up to date."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri

from nas_agents.pretrained.pool import KERNELS, Pool

NOISE = 0.1
"""The part of the variance of targets that no kernel explains."""
LEAST_VARIANCE = 1e-4
"""What rounding in single precision may leave of a variance."""
LOWEST = -2.5
"""Where targets by value are cut below: failures are far below the rest, and how far says nothing."""


class Beliefs:
    """Posteriors of the targets of all candidates, one by each of `KERNELS`, as evaluations come in.

    A new evaluation adds a row to each Cholesky factor, so that a step costs (evaluations x candidates).

    Args:
        pool: the candidates.

    Attributes:
        told: numbers of the evaluated candidates, in order.
        scores: their scores.
        nearest: for each candidate in how many choices it differs from the nearest evaluated one.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.told: list[int] = []
        self.scores: list[float] = []
        self._lower = np.zeros((len(KERNELS), 0, 0))
        # Of each kernel the factor's inverse times the likeness of evaluated ones to all candidates.
        self._cross = np.zeros((len(KERNELS), 32, len(pool)), dtype=np.float32)
        self._own = pool.own_likeness().astype(np.float32)
        self._explained = np.zeros_like(self._own)
        self.nearest = np.full(len(pool), np.inf)

    def tell(self, number: int, score: float) -> None:
        """Take in the evaluation of a candidate."""
        count = len(self.told)
        self.told.append(number)
        self.scores.append(score)
        alike = self.pool.likeness(number).astype(np.float32)
        before = self._cross[:, :count]
        to_before = before[:, :, number]
        # Never below the noise but by rounding.
        last = np.sqrt(np.maximum(self._own[:, number] + NOISE - (to_before**2).sum(axis=1), NOISE))
        row = alike - np.matmul(to_before[:, None, :], before)[:, 0]
        row /= last[:, None]
        if count == self._cross.shape[1]:
            grown = np.zeros((len(KERNELS), 2 * count, len(self.pool)), dtype=np.float32)
            grown[:, :count] = self._cross
            self._cross = grown
        self._cross[:, count] = row
        self._explained += row**2
        lower = np.zeros((len(KERNELS), count + 1, count + 1))
        lower[:, :count, :count] = self._lower
        lower[:, count, :count], lower[:, count, count] = to_before, last
        self._lower = lower
        self.nearest = np.minimum(self.nearest, self.pool.differences(number))

    def widen(self) -> None:
        """Take in candidates that were added to the pool."""
        first = self._own.shape[1]
        if first == len(self.pool):
            return
        count, added = len(self.told), len(self.pool) - first
        alike = [self.pool.likeness(number, first) for number in self.told]
        cross = np.zeros((len(KERNELS), self._cross.shape[1], added), dtype=np.float32)
        for kernel in range(len(KERNELS)):
            rows = np.array([each[kernel] for each in alike]).reshape(count, added)
            cross[kernel, :count] = solve_triangular(self._lower[kernel], rows, lower=True)
        self._cross = np.concatenate([self._cross, cross], axis=2)
        self._own = np.concatenate([self._own, self.pool.own_likeness(first).astype(np.float32)], axis=1)
        self._explained = np.concatenate([self._explained, (cross**2).sum(axis=1)], axis=1)
        near = np.array([self.pool.differences(number, first) for number in self.told])
        nearest = near.reshape(count, added).min(axis=0, initial=np.inf)
        self.nearest = np.concatenate([self.nearest, nearest])

    def targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what is modelled in place of scores, by rank and by value, each of variance about 1.

        Both stay as they are when scores are shifted or stretched, that by rank under every monotone change.
        """
        scores = np.array(self.scores)
        below = (scores[:, None] > scores[None]).sum(axis=1)
        up_to = (scores[:, None] >= scores[None]).sum(axis=1)
        ranks = ndtri((below + up_to) / (2 * len(scores)))
        middle = np.median(scores)
        upper = scores[scores >= middle] - middle
        scale = float(np.sqrt((upper**2).mean())) or 1.0
        return ranks, np.maximum((scores - middle) / scale, LOWEST)

    def means(self, targets: np.ndarray) -> np.ndarray:
        """Return the posterior means of all candidates, float64 (`KERNELS`, candidates)."""
        whitened = self._whitened(targets).astype(np.float32)
        return np.array([w @ c[: len(w)] for w, c in zip(whitened, self._cross, strict=True)])

    def deviations(self) -> np.ndarray:
        """Return the posterior standard deviations, without the noise, shaped as `means`."""
        return np.asarray(np.sqrt(np.maximum(self._own - self._explained, LEAST_VARIANCE)))

    def evidence(self, targets: np.ndarray) -> np.ndarray:
        """Return the log likelihood of the targets by each kernel, for each of them, float64 (`KERNELS`,)."""
        fit = (self._whitened(targets) ** 2).sum(axis=1)
        volume = np.log(np.einsum("kii->ki", self._lower)).sum(axis=1)
        return np.asarray(-(0.5 * fit + volume) / len(targets))

    def _whitened(self, targets: np.ndarray) -> np.ndarray:
        return np.array([solve_triangular(lower, targets, lower=True) for lower in self._lower])
