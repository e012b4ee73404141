"""The reward of several objectives at once: a vector, in the conventions of MO-Gymnasium."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.envs.objectives.objective import Objectives
from nas_gym.envs.objectives.scalarisations import Scalarisation
from nas_gym.evaluators import Evaluation


class VectorReward(Scalarisation):
    """The gains of the objectives of the network after the step, float32 (objectives,).

    Args:
        objectives: entries of the vector, in order.
        episodic: whether only the last network of an episode is paid for; the vectors before are 0.

    Attributes:
        objectives, episodic: as passed in.
        shape: (objectives,).
    """

    name = "vector"

    def __init__(self, objectives: Objectives, episodic: bool) -> None:
        super().__init__(objectives, episodic)
        self.shape = (len(objectives),)  # type: ignore[misc]  # of scalar rewards it is one for the class

    def worth(self, evaluation: Evaluation) -> float:
        """Return the gain of the first objective, by which one network of a front is chosen."""
        return self.objectives[0].gain(evaluation)

    def vector(self, evaluation: Evaluation) -> np.ndarray:
        """Return the vector of a network."""
        vector: np.ndarray = self.objectives.gains([evaluation])[0].astype(np.float32)
        return vector

    def __call__(self, before: Any, after: Any, done: bool) -> Any:
        return self.vector(after) if done or not self.episodic else np.zeros(self.shape, dtype=np.float32)

    def batch(self, before: np.ndarray, after: np.ndarray, done: np.ndarray) -> np.ndarray:
        """Return the rewards of several steps, float32 (steps, objectives)."""
        rewards = self.objectives.gains(after.tolist()).astype(np.float32)
        if self.episodic:
            rewards[~done] = 0.0
        return rewards

    def options(self) -> dict[str, Any]:
        return {"objectives": self.objectives.config()}
