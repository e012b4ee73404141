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


def _counts(outputs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each class its right examples, the examples taken for it, and its examples."""
    classes = outputs.shape[1]
    truth = truth.astype(np.int64).ravel()
    taken = outputs.argmax(axis=1)
    right = np.bincount(truth[taken == truth], minlength=classes)
    return right, np.bincount(taken, minlength=classes), np.bincount(truth, minlength=classes)


def _balanced_accuracy(outputs: np.ndarray, truth: np.ndarray) -> float:
    right, _, examples = _counts(outputs, truth)
    there = examples > 0
    return float((right[there] / examples[there]).mean())


def _macro_f1(outputs: np.ndarray, truth: np.ndarray) -> float:
    right, taken, examples = _counts(outputs, truth)
    there = taken + examples > 0
    return float((2 * right[there] / (taken + examples)[there]).mean())


def _log_loss(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.int64).ravel()
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logs[np.arange(len(truth)), truth].mean()
    shares = np.bincount(truth) / len(truth)
    shares = shares[shares > 0]
    uncertainty = -(shares * np.log(shares)).sum()
    return float(1 - loss / uncertainty) if uncertainty else float("nan")


def _rmse_skill(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    error = np.square(outputs - truth).sum(axis=0)
    spread = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    return float(np.mean(1 - np.sqrt(error / spread)))


def _mae_skill(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    error = np.abs(outputs - truth).sum(axis=0)
    return float(np.mean(1 - error / np.abs(truth - np.median(truth, axis=0)).sum(axis=0)))


ACCURACY = Metric("accuracy", "accuracy", _accuracy, share_of_examples=True)
"""Share of the examples whose first largest output is at the right class."""

R2 = Metric("r2", "R²", _r2)
"""Coefficient of determination, 1 - squared error / squared deviation from the mean of the truth; of
several values their mean. 1 is perfect, 0 no better than the mean; it has no lower end."""

RMSE = Metric("rmse", "RMSE", _rmse)
"""Root of the mean squared error, in units of the values."""

MAE = Metric("mae", "MAE", _mae)
"""Mean absolute error, in units of the values."""

BALANCED_ACCURACY = Metric("balanced_accuracy", "balanced accuracy", _balanced_accuracy)
"""Mean over the classes of the share of their examples that are right."""

MACRO_F1 = Metric("macro_f1", "macro F1", _macro_f1)
"""Mean over the classes of F1, the harmonic mean of precision and recall."""

LOG_LOSS = Metric("log_loss", "log-loss score", _log_loss)
"""Share of the uncertainty about the class that is removed: 1 - log loss / log loss of always answering how
frequent the classes are among these examples. 1 is perfect, 0 no better than that; it has no lower end."""

RMSE_SKILL = Metric("rmse_skill", "RMSE skill", _rmse_skill)
"""1 - RMSE / RMSE of the mean of the truth; of several values their mean."""

MAE_SKILL = Metric("mae_skill", "MAE skill", _mae_skill)
"""1 - MAE / MAE of the median of the truth; of several values their mean."""

CLASS_METRICS = {one.name: one for one in (ACCURACY, BALANCED_ACCURACY, MACRO_F1, LOG_LOSS)}
"""What the score of classes may be, by the name of the option ``metric``."""

VALUE_METRICS = {"r2": R2, "rmse": RMSE_SKILL, "mae": MAE_SKILL}
"""What the score of values may be, by the name of the option ``metric``."""
