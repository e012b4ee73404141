"""A stable-baselines3 callback that gives plain SB3 models everything a trace records."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnvWrapper

from nas_gym.errors import ConfigError
from nas_gym.traces.policies.neural import NeuralPolicy
from nas_gym.traces.wrapper import Trace, trace_of

# Of the constructor, not of what is learned.
NO_HYPERPARAMETERS = ("env", "policy", "verbose", "tensorboard_log", "device", "_init_setup_model")


class TraceCallback(BaseCallback):
    """Traces the run of a PPO, A2C, DQN or MaskablePPO model.

    It records the model's probabilities or Q-values at every step, its losses and entropy or
    epsilon, and saves its policy at the snapshots. It uses the `Trace` around the model's
    environment or, with `folder`, puts one there.

    ```python
    model = PPO("MultiInputPolicy", gym.make("NAS-v0"), n_steps=64, gamma=0.9)
    model.learn(2_000, callback=TraceCallback("tensorboard_logs/ppo"))
    ```

    Args:
        folder: folder of the run; each of several environments gets a folder ``env<k>`` in it.
        agent: name of the agent; the model's class if empty.
        config: what else tells this run from others, beside the model's hyperparameters.
        finish: whether the run ends with `learn`; pass False to call `learn` several times on one
            trace and end it with ``env.close()``.
        overwrite: see `Trace`.
        minari: see `Trace`; the steps of all environments go into one data set.

    Raises:
        NASGymError: when learning starts, if there is neither a folder nor a trace, the
            environments live in other processes, or the trace has ended.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        agent: str = "",
        config: Mapping[str, Any] | None = None,
        finish: bool = True,
        overwrite: bool = False,
        minari: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        if minari is not None and not finish:
            raise ConfigError(
                "a Minari data set is written when the run ends, which finish=False leaves to others: "
                "convert the folder afterwards with nas_gym.traces.to_minari"
            )
        self._minari = minari
        self._folder = None if folder is None else Path(folder)
        self._agent, self._config = agent, dict(config or {})
        self._finish, self._overwrite = finish, overwrite
        self._traces: list[Trace] = []
        self._shown: dict[str, float] = {}

    def _on_training_start(self) -> None:
        envs = _environments(self.training_env)
        self._traces = [self._trace(envs, number) for number in range(len(envs))]
        for trace in self._traces:
            if trace.ended:
                raise ConfigError(
                    f"the trace in {trace.folder.path} has ended: pass finish=False to record several "
                    "calls of learn(), or a new folder"
                )
            trace.watch(NeuralPolicy(trace.search_space, self.model))
        if self._minari is not None:
            from nas_gym.traces.minari import check_recordable, minari_options

            check_recordable(envs[0].unwrapped)
            minari_options(self._minari)

    def _on_rollout_start(self) -> None:
        self._show_losses()

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        self._show_losses()
        if self._finish:
            for trace in self._traces:
                trace.finish()
            if self._minari is not None:
                from nas_gym.traces.minari import minari_options, to_minari

                folders = [trace.folder.path for trace in self._traces]
                to_minari(folders, env=self._traces[0], **minari_options(self._minari))

    def _trace(self, envs: list[gym.Env[Any, Any]], number: int) -> Trace:
        """Return the trace around an environment, put around it if there is none."""
        around = trace_of(envs[number])
        if isinstance(around, Trace):
            return around
        if self._folder is None:
            raise ConfigError(
                "there is no Trace around the model's environment: pass a folder to TraceCallback, or "
                "wrap the environment in Trace(env, folder)"
            )
        folder = self._folder if len(envs) == 1 else self._folder / f"env{number}"
        agent = self._agent or type(self.model).__name__
        config = _hyperparameters(self.model) | self._config
        trace = Trace(envs[number], folder, agent, config, overwrite=self._overwrite, searcher=self.model)
        envs[number] = trace
        return trace

    def _show_losses(self) -> None:
        """Show what the algorithm logged since the last call: its losses, entropy, exploration."""
        logged = {
            tag: float(value)
            for tag, value in self.logger.name_to_value.items()
            if tag.startswith("train/") and np.isscalar(value) and not isinstance(value, str)
        }
        if hasattr(self.model, "exploration_rate"):
            logged["train/epsilon"] = float(self.model.exploration_rate)
        changed = {tag: value for tag, value in logged.items() if self._shown.get(tag) != value}
        self._shown |= changed
        if changed:
            for trace in self._traces:
                trace.scalars(changed)


def _environments(env: Any) -> list[gym.Env[Any, Any]]:
    """Return the environments of a model, a live list."""
    while isinstance(env, VecEnvWrapper):
        env = env.venv
    if not isinstance(env, DummyVecEnv):
        raise ConfigError(
            f"TraceCallback cannot record inside the processes of {type(env).__name__}: use DummyVecEnv"
        )
    return env.envs


def _hyperparameters(model: Any) -> dict[str, Any]:
    """Return the model's constructor arguments that are numbers, texts or truth values."""
    names = [name for name in inspect.signature(type(model)).parameters if name not in NO_HYPERPARAMETERS]
    values = {name: getattr(model, name, None) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, bool | int | float | str)}
