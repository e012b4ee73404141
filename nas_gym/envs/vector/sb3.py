"""A vector environment of Gymnasium as stable-baselines3 wants it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from nas_gym.errors import ConfigError

Indices = int | Iterable[int] | None


class SB3VecEnv(VecEnv):
    """Lets PPO, MaskablePPO and the others collect from `NASVectorEnv`.

    ```python
    envs = gym.make_vec("NAS-v0", num_envs=64, autoreset_mode="same_step")
    model = MaskablePPO("MultiInputPolicy", SB3VecEnv(envs), n_steps=16, gamma=0.9)
    ```

    Infos are a dict an environment, as stable-baselines3 has them: a step that ends an episode has
    ``terminal_observation``, every step ``TimeLimit.truncated`` (whether to bootstrap there), and
    `reset_infos` the information after the last reset. `env_method` and `get_attr` reach what
    belongs to one environment (``action_masks``, ``architecture``, ``get_state``, ``render``) and
    what they share (``evaluate``, ``stats``, ``start_run``, called once).

    Args:
        envs: a `NASVectorEnv`, or another of Gymnasium's with `call` (`SyncVectorEnv`,
            `AsyncVectorEnv`), in autoreset mode same_step, the one stable-baselines3 knows.

    Raises:
        NASGymError: if it is none of these.
    """

    def __init__(self, envs: gym.vector.VectorEnv[Any, Any, Any]) -> None:
        if not isinstance(envs, gym.vector.VectorEnv) or not hasattr(envs, "call"):
            raise ConfigError(
                f"SB3VecEnv takes a vector environment, not {type(envs).__name__}: "
                "pass gym.make_vec('NAS-v0', num_envs=..., autoreset_mode='same_step')"
            )
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ConfigError(
                f"stable-baselines3 resets in the last step of an episode, these environments have {mode}: "
                "make them with autoreset_mode='same_step'"
            )
        self.envs: Any = envs
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> Any:
        """Start episodes with the seeds of `seed` and the options of `set_options`, both used once."""
        observations, infos = self.envs.reset(seed=self._seeds, options=self._reset_options_for_all())
        self.reset_infos = self._listed(infos)
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions (num_envs,) for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step: observations, rewards float32 (num_envs,), whether the episode ended bool, infos."""
        observations, rewards, terminated, truncated, infos = self.envs.step(self._actions)
        done = terminated | truncated
        listed = self._listed(infos)
        if done.any():
            last = self._listed(infos["final_info"])
            for row in np.flatnonzero(done).tolist():
                self.reset_infos[row] = listed[row]
                listed[row] = last[row] | {"terminal_observation": infos["final_obs"][row]}
        for info, cut in zip(listed, (truncated & ~terminated).tolist(), strict=True):
            info["TimeLimit.truncated"] = cut
        return observations, rewards.astype(np.float32), done, listed

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Return a drawing of each environment, of one size; None unless render mode is ``"rgb_array"``."""
        if self.render_mode != "rgb_array":
            return [None] * self.num_envs
        return list(self.envs.render())

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Return an attribute of environments."""
        values = self.envs.get_attr(attr_name)
        return [values[row] for row in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Set an attribute of all environments.

        Raises:
            NASGymError: if `indices` leaves some out, or the attribute is the state of each.
        """
        if sorted(self._get_indices(indices)) != list(range(self.num_envs)):
            raise ConfigError(
                f"{attr_name!r} cannot be set for some environments only, they share it: leave indices out"
            )
        self.envs.set_attr(attr_name, [value] * self.num_envs)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method; a result for each of `indices`."""
        results = self.envs.call(method_name, *method_args, **method_kwargs)
        return [results[row] for row in self._get_indices(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Indices = None
    ) -> list[bool]:
        """Return whether environments are wrapped: never, wrappers of single environments do not fit here."""
        return [False for _ in self._get_indices(indices)]

    def _reset_options_for_all(self) -> dict[str, Any] | None:
        """Return one dict for all environments from one for each."""
        names = dict.fromkeys(name for options in self._options for name in options)
        if not names:
            return None
        if all(options == self._options[0] for options in self._options):
            return dict(self._options[0])
        initial = self.envs.get_attr("initial")
        return {
            name: [options.get(name, start) for options, start in zip(self._options, initial, strict=True)]
            for name in names
        }

    def _listed(self, infos: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a dict for each environment from the dict of arrays and masks, in plain Python values."""
        listed: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for key, mask in infos.items():
            if key.startswith("_") and key not in ("_final_obs", "_final_info"):
                values = infos[key[1:]]
                plain = values.tolist() if values.ndim == 1 else list(values)
                for row in np.flatnonzero(mask).tolist():
                    listed[row][key[1:]] = plain[row]
        return listed
