"""Small recorded runs with policies, on the landscape where tanh is best from depth 3 on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import nas_gym  # noqa: F401 - registers the ids
from benchmarks.quality.explanations.planted_policies import SPACE
from nas_gym.traces import State, TabularPolicy, Trace
from tests.helpers.traced_runs import q_learning

FUNCTION = "benchmarks.quality.explanations.planted_policies:from_depth_three"


def environment(space: Any = SPACE, function: str = FUNCTION, **options: Any) -> gym.Env[Any, Any]:
    evaluator = {"name": "function", "function": function}
    return gym.make("NAS-v0", search_space=space, task="mnist1d", evaluator=evaluator, **options)


def learned(folder: Path, budget: int = 40, seed: int = 0, **options: Any) -> Path:
    """A run of Q-learning."""
    env = Trace(environment(**options), folder, "q-learning", {"gamma": 0.9, "seed": seed})
    q_learning(env, budget, seed)
    env.close()
    return folder


def followed(
    folder: Path, policy: TabularPolicy, steps: int = 30, epsilon: float = 0.3, **options: Any
) -> Path:
    """A run that follows a policy, with some random edits."""
    env = Trace(environment(**options), folder, "follower", {"gamma": 0.9}, policy=policy)
    nas: Any = env.unwrapped
    rng = np.random.default_rng(0)
    env.reset()
    for _ in range(steps):
        mask = nas.action_masks()
        scores = policy.scores([State(nas.architecture)], mask[None])[0]
        best = int(np.where(mask, scores, -np.inf).argmax())
        _, _, terminated, truncated, _ = env.step(
            int(rng.choice(np.flatnonzero(mask))) if rng.random() < epsilon else best
        )
        if terminated or truncated:
            env.reset()
    env.close()
    return folder


def asked(folder: Path, count: int = 12, **options: Any) -> Path:
    """A run without edits and without a policy."""
    env = Trace(environment(**options), folder, "asker", {})
    nas: Any = env.unwrapped
    rng = np.random.default_rng(0)
    env.evaluate([nas.search_space.sample(rng) for _ in range(count)])
    env.close()
    return folder
