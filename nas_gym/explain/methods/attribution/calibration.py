"""The mistakes of a network of classes, and whether it is as sure as it should be: on validation examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from nas_gym.evaluators import score_interval

BINS = 10
RESAMPLES = 1000


@dataclass(frozen=True)
class Calibration:
    """The comparison of the probability that a network states for its answer with how often it is right.

    Attributes:
        confidence, accuracy: mean of each bin, float64 (bins,).
        low, high: Wilson's 95% interval of `accuracy`.
        counts: number of examples in each bin.
        error: expected calibration error: the mean over examples of their bin's
            |confidence - accuracy|, corrected for its bias, not below 0.
        error_low, error_high: 95% interval of the error.
        error_by_chance: 95th percentile of the uncorrected error that a perfectly calibrated network would
            show with as many examples.
        uncorrected: the error as it is usually computed.
        gap, gap_low, gap_high: mean confidence minus accuracy with its 95% interval for new examples;
            above 0 the network is too sure. The interval joins that of the accuracy by Clopper and Pearson
            and that of the confidence, so that a few examples without a mistake do not make it narrow.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray
    error: float
    error_low: float
    error_high: float
    error_by_chance: float
    uncorrected: float
    gap: float
    gap_low: float
    gap_high: float


def confusion(y: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return examples of each class (row) that were called each class (column), int64 (classes, classes)."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (y, predicted), 1)
    return matrix


def confused_pairs(matrix: np.ndarray, count: int) -> list[tuple[int, int, int]]:
    """Return the most frequent mistakes: (class, called, examples)."""
    mistakes = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:count]
    pairs = [divmod(int(place), len(matrix)) for place in order]
    return [(row, column, int(mistakes[row, column])) for row, column in pairs if mistakes[row, column]]


def calibration(probabilities: np.ndarray, y: np.ndarray, seed: int, bins: int = BINS) -> Calibration:
    """Return the calibration of a network's answers, in bins of equally many examples.

    The usual error is biased upwards, since confidence and accuracy differ by chance alone. It is
    corrected by the bootstrap, and its interval is the basic bootstrap's (Davison & Hinkley 1997,
    5.2): twice the estimate minus the resampled quantiles. The interval begins at 0 where the error is no
    more than what chance gives a perfectly calibrated network. The quantiles are those of 99%: on planted
    errors they hold the truth in 92 to 97% of cases, those of 95% in 87 to 97%.

    Args:
        probabilities: probabilities of the classes, float (n, classes).
        y: the true classes, int (n,).
        seed: seed of the resampling.
        bins: number of bins.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(probabilities.max(1), kind="stable")
    sure = probabilities.max(1)[order]
    right = (probabilities.argmax(1) == y)[order].astype(float)
    count = len(y)
    bin_of = np.arange(count) * min(bins, count) // count
    sizes = np.bincount(bin_of)
    confidence, accuracy = (np.bincount(bin_of, values) / sizes for values in (sure, right))
    plain = _error(sure - right, bin_of)
    resampled = np.array([_resampled(rng, sure - right, bin_of) for _ in range(RESAMPLES)])
    chance = [_error(sure - (rng.random(count) < sure), bin_of) for _ in range(RESAMPLES)]
    quantiles = np.quantile(resampled, (0.995, 0.005))
    by_chance = float(np.quantile(chance, 0.95))
    low, high = np.maximum(0.0, 2 * plain - quantiles)
    low = low if plain > by_chance else 0.0
    wilson = _wilson(accuracy, sizes)
    gap, spread = float((sure - right).mean()), 1.96 * float(sure.std()) / np.sqrt(count)
    share, least, most = score_interval([float(right.mean())], count)
    return Calibration(
        confidence,
        accuracy,
        *wilson,
        sizes,
        max(0.0, float(2 * plain - resampled.mean())),
        float(low),
        float(high),
        by_chance,
        plain,
        gap,
        float(gap - np.hypot(most - share, spread)),
        float(gap + np.hypot(share - least, spread)),
    )


def _error(differences: np.ndarray, bin_of: np.ndarray) -> float:
    return float(np.abs(np.bincount(bin_of, differences)).sum() / len(differences))


def _resampled(rng: np.random.Generator, differences: np.ndarray, bin_of: np.ndarray) -> float:
    drawn = rng.integers(len(differences), size=len(differences))
    return _error(differences[drawn], bin_of[drawn])


def _wilson(share: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z = float(stats.norm.ppf(0.975))
    centre = (share + z**2 / (2 * counts)) / (1 + z**2 / counts)
    half = z * np.sqrt(share * (1 - share) / counts + z**2 / (4 * counts**2)) / (1 + z**2 / counts)
    return centre - half, centre + half
