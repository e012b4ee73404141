"""The information of a vector environment: arrays, and a mask of who has each."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.envs.payment import NOT_DRAWN
from nas_gym.search_spaces.edit_graph import EditGraph


class Steps:
    """What a step did in each environment; where none was made it says nothing.

    Attributes:
        actions: the numbers of the edits, int64 (num_envs,).
        made: whether a step was made, bool (num_envs,).
        illegal: whether its action was illegal, bool (num_envs,).
        accuracies: of the networks they made, float64 (num_envs,).
        rewards: that they were paid, float64 (num_envs,).
        errors: of failed trainings, texts (num_envs,).
        seeds: drawn for the networks, int64 (num_envs,), `NOT_DRAWN` where none was; None if none are.
    """

    def __init__(self, num_envs: int) -> None:
        self.actions = np.zeros(num_envs, dtype=np.int64)
        self.made = np.zeros(num_envs, dtype=bool)
        self.illegal = np.zeros(num_envs, dtype=bool)
        self.accuracies = np.zeros(num_envs)
        self.rewards = np.zeros(num_envs)
        self.errors = np.array([""], dtype=object).repeat(num_envs)
        self.seeds: np.ndarray | None = None

    def forget(self, rows: np.ndarray) -> None:
        """Say nothing any more of some environments, bool (num_envs,), since they were reset."""
        self.actions[rows] = 0
        self.made[rows] = self.illegal[rows] = False
        self.accuracies[rows] = 0.0
        self.errors[rows] = ""
        if self.seeds is not None:
            self.seeds[rows] = NOT_DRAWN


def described(
    rows: np.ndarray, steps: Steps, states: np.ndarray, best: np.ndarray, graph: EditGraph
) -> dict[str, Any]:
    """The information of environments, in the form of Gymnasium's `VectorEnv`.

    Args:
        rows: the environments to tell of, bool (num_envs,); the others get None, False or 0.
        steps: what the step did.
        states: the numbers of their states, int64 (num_envs,).
        best: best accuracies of their episodes, float64 (num_envs,).
        graph: which numbers the states.

    Returns:
        For each key of a single environment's information an array and, under the key with an
        underscore before it, the mask of environments that it tells of. Fresh arrays.
    """
    info: dict[str, Any] = {
        "architecture": graph.texts.take(states),
        "edit": graph.words.take(steps.actions),
        "illegal_action": steps.illegal & rows,
        "error": steps.errors.copy(),
        "action_mask": graph.masks.take(states, axis=0),
    }
    if not rows.all():
        for key in ("architecture", "edit", "error"):
            info[key][~rows] = None
        info["action_mask"][~rows] = 0
    present = {key: rows.copy() for key in info}
    made = steps.made & rows
    if made.any():
        info["accuracy"] = np.where(made, steps.accuracies, 0.0)
        info["best_accuracy"] = np.where(made, best, 0.0)
        present |= {"accuracy": made, "best_accuracy": made.copy()}
    if steps.seeds is not None and (drawn := rows & (steps.seeds != NOT_DRAWN)).any():
        info["seed"], present["seed"] = np.where(drawn, steps.seeds, 0), drawn
    return info | {f"_{key}": mask for key, mask in present.items()}
