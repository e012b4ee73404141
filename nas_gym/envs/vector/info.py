"""The information of a vector environment: arrays, and a mask of who has each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nas_gym.envs.run.payments import NO_ERROR, NOT_DRAWN, no_errors
from nas_gym.search_spaces import EditGraph


@dataclass
class Steps:
    """The outcome of steps, one an environment; where none was made it says nothing.

    Attributes:
        actions: the numbers of the edits, int64 (num_envs,).
        illegal: whether its action was illegal, bool (num_envs,).
        scores: scores of the networks they made, float64 (num_envs,).
        rewards: what they were paid, float64 (num_envs,), of several objectives float32 (num_envs,
            objectives).
        errors: reasons of failed trainings, `Text` with number 1, or 0 where none failed, object
            (num_envs,); None if none failed.
        seeds: seeds drawn for the networks, int64 (num_envs,); None if none are drawn.
    """

    actions: np.ndarray
    illegal: np.ndarray
    scores: np.ndarray
    rewards: np.ndarray
    errors: np.ndarray | None = None
    seeds: np.ndarray | None = None

    @staticmethod
    def none(num_envs: int) -> Steps:
        """Return no step in any environment."""
        no, zero = np.zeros(num_envs, dtype=bool), np.zeros(num_envs)
        return Steps(np.zeros(num_envs, dtype=np.int64), no, zero, zero.copy())

    def among(self, rows: np.ndarray, num_envs: int) -> Steps:
        """Return these steps as those of some environments, int64 (steps,); the others made none."""
        every = Steps.none(num_envs)
        every.rewards = np.zeros((num_envs, *self.rewards.shape[1:]), dtype=self.rewards.dtype)
        every.errors = None if self.errors is None else no_errors(num_envs)
        every.seeds = None if self.seeds is None else np.full(num_envs, NOT_DRAWN)
        for field in fields(Steps):
            if (values := getattr(self, field.name)) is not None:
                getattr(every, field.name)[rows] = values
        return every

    def forget(self, rows: np.ndarray) -> None:
        """Say nothing any more of some environments, bool (num_envs,), but what they were paid."""
        self.actions[rows] = 0
        self.illegal[rows] = False
        self.scores[rows] = 0.0
        if self.errors is not None:
            self.errors[rows] = NO_ERROR
        if self.seeds is not None:
            self.seeds[rows] = NOT_DRAWN


def described(
    rows: np.ndarray, steps: Steps, states: np.ndarray, best: np.ndarray, graph: EditGraph, *, draws: bool
) -> dict[str, Any]:
    """Return the information of environments, in the form of Gymnasium's `VectorEnv`.

    Args:
        rows: the environments to tell of, bool (num_envs,); the others get None, False or 0.
        steps: what the step did.
        states: the numbers of their states, int64 (num_envs,).
        best: best scores of their episodes, float64 (num_envs,).
        graph: the edit graph that numbers the states.
        draws: whether the evaluator draws seeds, which are then told.

    Returns:
        For each key of a single environment's information an array and, under the key with an
        underscore before it, the mask of environments that it tells of. Fresh arrays.
    """
    info: dict[str, Any] = {
        "architecture": graph.texts.take(states),
        "edit": graph.words.take(steps.actions),
        "score": np.where(rows, steps.scores, 0.0),
        "best_score": np.where(rows, best, 0.0),
        "illegal_action": steps.illegal & rows,
        "error": no_errors(len(rows)) if steps.errors is None else steps.errors.copy(),
        "action_mask": graph.masks.take(states, axis=0),
    }
    if draws:
        drawn = NOT_DRAWN if steps.seeds is None else steps.seeds
        info["seed"] = np.where(rows, drawn, 0).astype(np.int64)
    if np.count_nonzero(rows) < len(rows):
        for key in ("architecture", "edit", "error"):
            info[key][~rows] = None
        info["action_mask"][~rows] = 0
    return info | {f"_{key}": rows.copy() for key in info}
