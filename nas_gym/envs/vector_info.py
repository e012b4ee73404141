"""The information of a vector environment: arrays, and a mask of who has each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.search_spaces import Architecture, SearchSpace


class Steps:
    """What a step did in each environment; where none was made it says nothing.

    Attributes:
        actions: the numbers of the edits, int64 (num_envs,).
        made: whether a step was made, bool (num_envs,).
        illegal: whether its action was illegal, bool (num_envs,).
        accuracies: of the networks they made, float64 (num_envs,).
        errors: of failed trainings, num_envs texts.
    """

    def __init__(self, num_envs: int) -> None:
        self.actions = np.zeros(num_envs, dtype=np.int64)
        self.made = np.zeros(num_envs, dtype=bool)
        self.illegal = np.zeros(num_envs, dtype=bool)
        self.accuracies = np.zeros(num_envs)
        self.errors = [""] * num_envs

    def forget(self, rows: np.ndarray) -> None:
        """Say nothing any more of some environments, bool (num_envs,), since they were reset."""
        self.actions[rows] = 0
        self.made[rows] = self.illegal[rows] = False
        self.accuracies[rows] = 0.0
        self.errors = ["" if gone else error for error, gone in zip(self.errors, rows, strict=True)]


def described(
    rows: np.ndarray,
    steps: Steps,
    architectures: Sequence[Architecture],
    best: np.ndarray,
    search_space: SearchSpace[Any],
) -> dict[str, Any]:
    """The information of environments, in the form of Gymnasium's `VectorEnv`.

    Args:
        rows: the environments to tell of, bool (num_envs,); the others get None, False or 0.
        steps: what the step did.
        architectures: their states.
        best: best accuracies of their episodes, float64 (num_envs,).
        search_space: of the states.

    Returns:
        For each key of a single environment's information an array and, under the key with an
        underscore before it, the mask of environments that it tells of. Fresh arrays.
    """
    numbers = np.flatnonzero(rows).tolist()
    words = [str(search_space.actions[action]) for action in steps.actions.tolist()]
    masks = np.zeros((len(rows), len(search_space.actions)), dtype=np.int8)
    for row in numbers:
        masks[row] = search_space.mask(architectures[row])
    info = {
        "architecture": _objects(rows, {row: str(architectures[row]) for row in numbers}),
        "edit": _objects(rows, {row: words[row] for row in numbers}),
        "illegal_action": steps.illegal & rows,
        "error": _objects(rows, {row: steps.errors[row] for row in numbers}),
        "action_mask": masks,
    }
    present = {key: rows.copy() for key in info}
    made = steps.made & rows
    if made.any():
        info |= {
            "accuracy": np.where(made, steps.accuracies, 0.0),
            "best_accuracy": np.where(made, best, 0.0),
        }
        present |= {"accuracy": made, "best_accuracy": made.copy()}
    return info | {f"_{key}": mask for key, mask in present.items()}


def _objects(rows: np.ndarray, values: dict[int, str]) -> np.ndarray:
    """An object array (num_envs,) of the values at their places, None elsewhere."""
    array = np.full(len(rows), None, dtype=object)
    for row, value in values.items():
        array[row] = value
    return array
