"""The environment ids; strings alone, so that registering imports nothing heavy."""

from __future__ import annotations

import gymnasium as gym

IDS = {"NAS-v0": "nas_gym.envs.nas_env:NASEnv"}
VECTOR = "nas_gym.envs.vector_env:NASVectorEnv"


def register() -> None:
    """Register every id once."""
    for env_id, entry_point in IDS.items():
        if env_id not in gym.registry:
            gym.register(env_id, entry_point=entry_point, vector_entry_point=VECTOR)
