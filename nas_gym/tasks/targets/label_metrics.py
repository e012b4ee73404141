"""Metrics of several labels at once: one is answered yes where its output is above 0, its odds even."""

from __future__ import annotations

import numpy as np

from nas_gym.tasks.targets.metrics import Metric


def _counts(outputs: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each label how often it is answered rightly, how often at all, and how often it is there."""
    answered, there = outputs > 0, truth > 0
    return (answered & there).sum(axis=0), answered.sum(axis=0), there.sum(axis=0)


def _finite(outputs: np.ndarray, score: float) -> float:
    return score if np.isfinite(outputs).all() else float("nan")


def _macro_f1(outputs: np.ndarray, truth: np.ndarray) -> float:
    right, answered, there = _counts(outputs, truth)
    counted = answered + there > 0
    return _finite(outputs, float((2 * right[counted] / (answered + there)[counted]).mean()))


def _micro_f1(outputs: np.ndarray, truth: np.ndarray) -> float:
    right, answered, there = (float(one.sum()) for one in _counts(outputs, truth))
    return _finite(outputs, 2 * right / (answered + there) if answered + there else float("nan"))


def _hamming(outputs: np.ndarray, truth: np.ndarray) -> float:
    return _finite(outputs, float(((outputs > 0) == (truth > 0)).mean()))


def _subset(outputs: np.ndarray, truth: np.ndarray) -> float:
    return _finite(outputs, float(((outputs > 0) == (truth > 0)).all(axis=1).mean()))


MACRO_F1 = Metric("macro_f1", "macro F1", _macro_f1)
"""Mean over the labels of F1, the harmonic mean of precision and recall; a label that is neither there nor
answered does not count."""

MICRO_F1 = Metric("micro_f1", "micro F1", _micro_f1)
"""F1 of all labels of all examples together, so that frequent labels count more."""

HAMMING = Metric("hamming", "label accuracy", _hamming)
"""Share of all labels of all examples that are answered rightly, 1 - Hamming loss."""

SUBSET = Metric("subset_accuracy", "subset accuracy", _subset, share_of_examples=True)
"""Share of the examples of which every label is answered rightly."""

LABEL_METRICS = {one.name: one for one in (MACRO_F1, MICRO_F1, HAMMING, SUBSET)}
"""What the score of several labels may be, by the name of the option ``metric``."""
