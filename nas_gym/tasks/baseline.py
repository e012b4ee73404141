"""The best constant answer: what is right without looking, and what a network has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.tasks.base import Task


@dataclass(frozen=True, slots=True)
class ConstantAnswer:
    """The answer that is right most often in training, given to every example.

    It is what "guessing" means wherever an accuracy is set beside it: one over the number of classes
    would make a network that learned nothing look good where one class is frequent.

    Attributes:
        class_name: name of the class.
        validation: share of the validation examples that it is right for, in [0, 1].
        test: the same, of the test examples.
    """

    class_name: str
    validation: float
    test: float


def constant_answer(task: Task) -> ConstantAnswer | None:
    """Return the best constant answer of a task, the first class of ties; None if it holds no examples.

    Like a network it is fitted on the training part, and what it is right for is counted on the
    examples that the network's accuracy is counted on.
    """
    if not all(len(part) for part in (task.y_train, task.y_validation, task.y_test)):
        return None
    label = int(np.bincount(task.y_train, minlength=task.num_classes).argmax())
    return ConstantAnswer(
        task.class_names[label],
        float((task.y_validation == label).mean()),
        float((task.y_test == label).mean()),
    )
