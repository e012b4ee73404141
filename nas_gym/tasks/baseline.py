"""The best constant answer: what is right without looking, and what a network has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.tasks.base import Task


@dataclass(frozen=True, slots=True)
class ConstantAnswer:
    """The one answer that is best in training, given to every example.

    It is what "guessing" means wherever a score is set beside it: one over the number of classes would
    make a network that learned nothing look good where one class is frequent.

    Attributes:
        answer: the class, or the mean of the values, in words.
        validation: its score on the validation examples, in [0, 1].
        test: the same, on the test examples.
    """

    answer: str
    validation: float
    test: float


def constant_answer(task: Task) -> ConstantAnswer | None:
    """Return the best constant answer of a task, None if it holds no examples.

    Like a network it is fitted on the training part, and its score is of the examples that the
    network's score is of.
    """
    if not all(len(part) for part in (task.y_train, task.y_validation, task.y_test)):
        return None
    answer, outputs = task.target.best_constant(task.y_train)
    validation, test = (
        task.target.measure(np.broadcast_to(outputs, (len(y), len(outputs))), y)[0]
        for y in (task.y_validation, task.y_test)
    )
    return ConstantAnswer(answer, validation, test)
