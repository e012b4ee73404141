"""Metrics: how good the answers of a network are, in one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BINS = 1024
TINY = 1e-12  # of a sum of squares that is divided by
CUT = 12.0
"""Rankings are measured on log-odds in bins from -CUT to CUT, whose examples are ties."""


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


def _bins(outputs: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how many examples of other classes and of its own each ranked class has by log-odds.

    Returns:
        Counts (ranked classes, 2, `BINS`); of two classes the second is ranked.
    """
    classes, truth = outputs.shape[1], truth.astype(np.int64).ravel()
    counts = []
    for each in [1] if classes == 2 else range(classes):
        others = np.delete(outputs, each, axis=1)
        top = others.max(axis=1)
        odds = outputs[:, each] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))
        places = np.clip(np.nan_to_num(odds) * (BINS / (2 * CUT)) + BINS / 2, 0, BINS - 1).astype(np.int64)
        own = truth == each
        counts.append([np.bincount(places[which], minlength=BINS) for which in (~own, own)])
    return np.array(counts)


def _roc_auc(outputs: np.ndarray, truth: np.ndarray) -> float:
    if not np.isfinite(outputs).all():
        return float("nan")
    areas = []
    for others, own in _bins(outputs, truth):
        if own.sum() and others.sum():
            below = others.cumsum() - others / 2
            areas.append((own * below).sum() / (own.sum() * others.sum()))
    return float(np.mean(areas)) if areas else float("nan")


def _average_precision(outputs: np.ndarray, truth: np.ndarray) -> float:
    if not np.isfinite(outputs).all():
        return float("nan")
    means = []
    for others, own in _bins(outputs, truth):
        if own.sum() and others.sum():
            hits, taken = own[::-1].cumsum(), (own + others)[::-1].cumsum()
            means.append((own[::-1] * hits / np.maximum(taken, 1)).sum() / own.sum())
    return float(np.mean(means)) if means else float("nan")


def _rmse_skill(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    error = np.square(outputs - truth).sum(axis=0)
    spread = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    return float(np.mean(1 - np.sqrt(error / spread)))


def _mae_skill(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    error = np.abs(outputs - truth).sum(axis=0)
    return float(np.mean(1 - error / np.abs(truth - np.median(truth, axis=0)).sum(axis=0)))


def _r2_of_changes(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    spread = np.square(truth - truth.mean(axis=0)).sum()
    return float(1 - np.square(outputs - truth).sum() / max(spread, TINY))


def _skill(outputs: np.ndarray, truth: np.ndarray) -> float:
    truth = truth.astype(np.float64)
    return float(1 - np.square(outputs - truth).sum() / np.square(truth).sum())


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

ROC_AUC = Metric("roc_auc", "ROC AUC", _roc_auc)
"""Share of the pairs of an example of a class and one of another whose log-odds of the class are in this
order, half of those that are equal; the mean over the classes, of two classes that of the second. Log-odds
are rounded to 1/43 and cut at 12. Always the same answer has 0.5."""

AVERAGE_PRECISION = Metric("average_precision", "average precision", _average_precision)
"""Mean precision at the examples of a class, ranked by its log-odds as for `ROC_AUC`; the mean over the
classes, of two classes that of the second. Always the same answer has the share of the class."""

RMSE_SKILL = Metric("rmse_skill", "RMSE skill", _rmse_skill)
"""1 - RMSE / RMSE of the mean of the truth; of several values their mean."""

MAE_SKILL = Metric("mae_skill", "MAE skill", _mae_skill)
"""1 - MAE / MAE of the median of the truth; of several values their mean."""

SKILL = Metric("skill", "skill", _skill)
"""1 - squared error / squared error of answering 0, which of `nas_gym.tasks.targets.forecast.Forecast` is
the naive forecast; all values together. 1 is perfect, 0 no better than that; it has no lower end."""

R2_OF_CHANGES = Metric("r2", "R² of the changes", _r2_of_changes)
"""Coefficient of determination of changes from the naive forecast, all values together."""

CLASS_METRICS = {one.name: one for one in (ACCURACY, BALANCED_ACCURACY, MACRO_F1, LOG_LOSS)}
RANKED_METRICS = {one.name: one for one in (ROC_AUC, AVERAGE_PRECISION)}
CLASS_METRICS |= RANKED_METRICS
"""What the score of classes may be, by the name of the option ``metric``; those of a ranking are measured
only where one of them is."""

VALUE_METRICS = {"r2": R2, "rmse": RMSE_SKILL, "mae": MAE_SKILL}
"""What the score of values may be, by the name of the option ``metric``."""

FORECAST_METRICS = {SKILL.name: SKILL}
"""What the score of forecasts may be, by the name of the option ``metric``."""
