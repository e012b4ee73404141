"""Answers at each of several positions, as texts beside what is right."""

from __future__ import annotations

import numpy as np

from nas_gym.tasks import Task

GAP = "\N{MIDDLE DOT}"
"""What stands for the end."""


def taken(task: Task, outputs: np.ndarray) -> np.ndarray:
    """Return the likeliest name at each position, int64 (n, positions).

    Args:
        task: the data.
        outputs: outputs of a network, float64 (n, names * positions).
    """
    found: np.ndarray = outputs.reshape(len(outputs), len(task.target.names), -1).argmax(axis=1)
    return found


def token_row(task: Task, answers: np.ndarray, number: int) -> tuple[str, str, str]:
    """Return what is right of a validation example, what is answered there, and how many tokens are right.

    Args:
        task: the data.
        answers: the likeliest names, see `taken`.
        number: number of the example in the validation part.
    """
    truth = task.y_validation[number]
    asked = np.flatnonzero(truth >= 0)
    right = int((answers[number, asked] == truth[asked]).sum())
    return (
        _text(task, truth[asked]),
        _text(task, answers[number, asked]),
        f"{right} of {len(asked)}",
    )


def _text(task: Task, numbers: np.ndarray) -> str:
    names = [task.target.names[number] or GAP for number in numbers.tolist()]
    return ("" if all(len(name) == 1 for name in names) else " ").join(names)
