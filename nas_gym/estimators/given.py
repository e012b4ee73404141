"""What an estimator knows of its data as they were given: the labels of the classes, the names of columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nas_gym.tasks import Task, given_classes

WHOLE, DECIMAL = re.compile(r"[+-]?[0-9]+"), re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
TRUTH = re.compile(r"true|false", re.IGNORECASE)


def labels_of(task: Task, y: Any = None) -> np.ndarray:
    """Return the label of each class of a task, (classes,), in the order of the probabilities.

    Args:
        task: a task of classes.
        y: the labels in memory that it was made of; None where it was not.
    """
    names = task.target.names
    given = None if y is None else given_classes(y)
    return labels_named(names) if given is None or len(given) != len(names) else given


def labels_named(names: Sequence[str]) -> np.ndarray:
    """Return labels that are known by their names, as pandas would read a column of them.

    Whole numbers where all are, else numbers, else truth values, else the names; these, too, where two names
    are one number, such as ``01`` and ``1``.

    Args:
        names: names of the classes.
    """
    readings: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
        (WHOLE, int),
        (DECIMAL, float),
        (TRUTH, lambda name: name.lower() == "true"),
    )
    for form, read in readings:
        if all(map(form.fullmatch, names)):
            labels = [read(name) for name in names]
            return np.array(labels if len(set(labels)) == len(names) else names)
    return np.array(names)


def column_names(x: Any) -> list[Any] | None:
    """Return the names of the columns of a data frame or a structured array; None of anything else."""
    if isinstance(x, np.ndarray):
        return None if x.dtype.names is None else list(x.dtype.names)
    names = getattr(x, "column_names", getattr(x, "columns", None))
    return None if names is None or callable(names) else list(names)
