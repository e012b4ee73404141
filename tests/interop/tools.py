"""What the loops with other libraries share."""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.vector import AutoresetMode

import nas_gym  # noqa: F401 - registers the ids

ENV_ID = "NASTable-MLP-v0"
HORIZON = 5
MODES = {mode.name.lower(): mode for mode in AutoresetMode}
INFORMATION = {
    "architecture",
    "edit",
    "score",
    "best_score",
    "illegal_action",
    "error",
    "action_mask",
}


def needed(module: str) -> Any:
    """A module of another library; where it does not import, the test or its whole file is skipped."""
    try:
        return importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - a library may fail to import for any reason of its own
        pytest.skip(f"{module} does not import here: {error}", allow_module_level=True)


def single(**options: Any) -> gym.Env[Any, Any]:
    """One environment."""
    return gym.make(ENV_ID, horizon=HORIZON, **options)


def vector(kind: str, mode: str, count: int = 3, **options: Any) -> gym.vector.VectorEnv[Any, Any, Any]:
    """Several environments: the native vector environment, or Gymnasium's over single ones."""
    options |= {"horizon": HORIZON}
    if kind == "native":
        return gym.make_vec(ENV_ID, num_envs=count, autoreset_mode=mode, **options)
    return gym.make_vec(
        ENV_ID,
        num_envs=count,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": MODES[mode]},
        **options,
    )
