"""Metrics: how good the answers of a network are, in one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metric:
    """A measure of answers.

    Attributes:
        name: for keys, such as ``"rmse"``.
        label: for readers, such as ``"RMSE"``.
        measure: from a network's outputs, float64 (n, outputs), and the truth (n,) or (n, outputs), to a
            number.
        share_of_examples: whether it is the share of the examples that are right, so that its error for new
            examples is that of a count.
    """

    name: str
    label: str
    measure: Callable[[np.ndarray, np.ndarray], float]
    share_of_examples: bool = False


def _accuracy(outputs: np.ndarray, truth: np.ndarray) -> float:
    return int((outputs.argmax(axis=1) == truth).sum()) / len(truth)


def _r2(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    error = np.square(outputs - truth).sum(axis=0)
    spread = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    return float(np.mean(1 - error / spread))


def _rmse(outputs: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.square(outputs - truth).mean()))


def _mae(outputs: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(outputs - truth).mean())


ACCURACY = Metric("accuracy", "accuracy", _accuracy, share_of_examples=True)
"""Share of the examples whose first largest output is at the right class."""

R2 = Metric("r2", "R²", _r2)
"""Coefficient of determination, 1 - squared error / squared deviation from the mean of the truth; of
several values their mean. 1 is perfect, 0 no better than the mean; it has no lower end."""

RMSE = Metric("rmse", "RMSE", _rmse)
"""Root of the mean squared error, in units of the values."""

MAE = Metric("mae", "MAE", _mae)
"""Mean absolute error, in units of the values."""
