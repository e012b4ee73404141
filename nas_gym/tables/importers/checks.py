"""What the importers of published results share: shares of percents, and whose network it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.search_spaces import SearchSpace

CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}
"""Classes of the data sets that results were published for, by their label in lower case."""
PERCENT = "percent from 0 to 100"
COMPARED = 24


def check_label(task: str) -> str:
    """Return a label of a task that is fit for the name of a file.

    Raises:
        NASGymError: if it is not.
    """
    if not re.fullmatch(r"\w[\w.-]*", task):
        raise ConfigError(f"--task must be a label of letters, digits, '.', '_' and '-', not {task!r}")
    return task


def shares(percents: np.ndarray, what: str) -> np.ndarray:
    """Return accuracies as shares in [0, 1] of what was written in percent.

    Raises:
        NASGymError: if they are shares already.
    """
    if np.nanmax(percents) <= 1.0:
        raise DataError(
            f"{what} is at most {np.nanmax(percents):g}, expected percent: multiply accuracies by 100"
        )
    return percents / 100.0


def fitting_space(
    build: Callable[[int], SearchSpace[Any]], parameters: np.ndarray, order: np.ndarray, task: str
) -> SearchSpace[Any]:
    """Return the space whose networks have the parameters of a file, which tell its number of classes.

    Args:
        build: the space for a number of classes.
        parameters: parameter count of each row.
        order: for each architecture the number of its row.
        task: label of the data set.

    Raises:
        NASGymError: if the number does not exist, or it is not that of the data set.
    """
    first = build(2).architecture(0)
    two, three = (build(classes).network(first).parameters for classes in (2, 3))
    above, rest = divmod(int(parameters[order[0]]) - two, three - two)
    classes = above + 2
    if rest or classes < 2:
        raise DataError(
            f"{str(first)!r} has {int(parameters[order[0]]):,} parameters, which the published network has "
            "for no number of classes: the file is of another space, or damaged"
        )
    known = CLASSES.get(task.lower(), classes)
    if classes != known:
        raise DataError(
            f"the file is of networks for {classes} classes, {task} has {known}: name the data set by --task"
        )
    space = build(classes)
    for index in np.linspace(0, space.size - 1, COMPARED).astype(int).tolist():
        expected = space.network(space.architecture(index)).parameters
        if expected != parameters[order[index]]:
            raise DataError(
                f"{str(space.architecture(index))!r} has {int(parameters[order[index]]):,} parameters, the "
                f"published network has {expected:,}: the file is of another space, or damaged"
            )
    return space
