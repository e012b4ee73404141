"""What the agents on stable-baselines3 share: determinism, the budget, the record."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from nas_agents.agent import Environment
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_gym.traces import NoTrace, Trace

ENDLESS = 2**62


def learn(model: BaseAlgorithm, trace: Trace | NoTrace, *callbacks: BaseCallback) -> None:
    """Train until the environment ends the run by raising `BudgetExhausted`."""
    model.learn(ENDLESS, callback=[_Scalars(trace), *callbacks], log_interval=ENDLESS)


def policy_for(env: Environment) -> str:
    """Return the kind of policy network for the observations of an environment.

    Raises:
        NASGymError: if stable-baselines3 has none.
    """
    flat = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    space = env.observation_space
    if isinstance(space, spaces.Dict) and all(isinstance(entry, flat) for entry in space.values()):
        return "MultiInputPolicy"
    if isinstance(space, flat):
        return "MlpPolicy"
    raise ConfigError(
        f"stable-baselines3 has no policy network for {type(space).__name__} observations: "
        "make the environment with observation='dict'"
    )


@contextmanager
def reproducible() -> Iterator[None]:
    """Keep torch to one thread, so that sums have one order, and put global random states back afterwards."""
    threads, states = torch.get_num_threads(), (random.getstate(), np.random.get_state())  # noqa: NPY002
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


class _Scalars(BaseCallback):
    """A callback that puts what an update logged into the trace, before the next rollout."""

    def __init__(self, trace: Trace | NoTrace) -> None:
        super().__init__()
        self.trace = trace

    def _on_rollout_start(self) -> None:
        logged = {tag: value for tag, value in self.logger.name_to_value.items() if tag.startswith("train/")}
        if "train/entropy_loss" in logged:
            logged["train/entropy"] = -logged["train/entropy_loss"]
        if logged:
            self.trace.scalars({tag: float(value) for tag, value in logged.items()})

    def _on_step(self) -> bool:
        return True
