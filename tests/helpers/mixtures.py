"""Shared weights of a network of mixtures, ready to be trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import Task
from nas_gym.training import MixtureTraining, recipe_for, training_data


def mixture_training(
    space: SearchSpace[Any], task: Task, recipe: Mapping[str, Any], weight_decay: float = 0.0
) -> MixtureTraining:
    """The shared weights of a space on a task, by seed 0, with more to spend than a test does."""
    parts = task.x_train, task.y_train, task.x_validation, task.y_validation
    mixture = space.mixture()
    return MixtureTraining(
        training_data(torch.device("cpu"), *parts)[0],
        recipe_for(recipe, len(task.y_train)),
        mixture,
        space.slots(mixture),
        task.outputs,
        seed=0,
        limit=1e12,
        learning_rates=(0.1, 0.01),
        weight_decay=weight_decay,
    )
