"""Wrappers that adapt the environment to a library's conventions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from nas_gym.errors import ConfigError


class ActionMaskObservation(gym.ObservationWrapper[Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Puts the action mask into a Dict observation, for libraries that look for it there.

    Args:
        env: an environment with an `action_masks` method.
        mask_key: key of the mask.
        observation_key: key of the wrapped observation; None merges a flat Dict observation.
        dtype: ``"int8"`` (PettingZoo, stable-baselines3), ``"bool"`` (TorchRL, Tianshou) or
            ``"float32"`` (RLlib).
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        mask_key: str = "action_mask",
        observation_key: str | None = None,
        dtype: str = "int8",
    ) -> None:
        gym.utils.RecordConstructorArgs.__init__(
            self, mask_key=mask_key, observation_key=observation_key, dtype=dtype
        )
        gym.ObservationWrapper.__init__(self, env)
        if dtype not in ("int8", "bool", "float32"):
            raise ConfigError(f"dtype of the action mask must be 'int8', 'bool' or 'float32', not {dtype!r}")
        if observation_key is None and not isinstance(env.observation_space, spaces.Dict):
            raise ConfigError(
                "the observation is no Dict: pass observation_key=... to put it beside the mask"
            )
        self.mask_key, self.observation_key, self.dtype = mask_key, observation_key, np.dtype(dtype)
        actions = env.get_wrapper_attr("action_space").n
        mask_space: spaces.Space[Any] = spaces.MultiBinary(int(actions))
        if dtype != "int8":
            mask_space = spaces.Box(0, 1, (int(actions),), self.dtype.type)
        inner = env.observation_space
        entries = {observation_key: inner} if observation_key is not None else inner.spaces  # type: ignore[attr-defined]
        self.observation_space = spaces.Dict({**entries, mask_key: mask_space})

    def observation(self, observation: Any) -> dict[str, Any]:
        """Return the observation with the mask of the current state."""
        mask = self.env.get_wrapper_attr("action_masks")().astype(self.dtype)
        entries = observation if self.observation_key is None else {self.observation_key: observation}
        return {**entries, self.mask_key: mask}
