"""The errors of answers that are values: how large they are, and where they are largest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

QUANTILES = (0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True)
class Residuals:
    """The errors of one value, answer minus truth, in the units of the data.

    Attributes:
        mean_absolute: mean size of an error.
        root_mean_square: root of the mean squared error.
        quantiles: quantiles of the size of an error, by their shares.
        bias, bias_low, bias_high: mean error with its 95% interval for new examples; above 0 the answers
            are too high on average.
    """

    mean_absolute: float
    root_mean_square: float
    quantiles: Mapping[float, float]
    bias: float
    bias_low: float
    bias_high: float


def residuals(answers: np.ndarray, truth: np.ndarray) -> Residuals:
    """Return the errors of one value, from float (n,) each, n at least 2."""
    errors = answers.astype(np.float64) - truth
    sizes = np.abs(errors)
    bias, count = float(errors.mean()), len(errors)
    half = float(stats.t.ppf(0.975, count - 1) * errors.std(ddof=1) / np.sqrt(count))
    return Residuals(
        float(sizes.mean()),
        float(np.sqrt((errors**2).mean())),
        {share: float(np.quantile(sizes, share)) for share in QUANTILES},
        bias,
        bias - half,
        bias + half,
    )


def largest_errors(outputs: np.ndarray, truth: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Return the (example, value) pairs with the largest errors, from standardised float (n, values)."""
    order = np.argsort(-np.abs(outputs - truth), axis=None, kind="stable")[:count]
    return [divmod(int(place), outputs.shape[1]) for place in order]
