"""A stable-baselines3 callback that ends a plain `learn` at a budget of evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecEnvWrapper

from nas_gym.envs.run.budget import Budget, BudgetExhausted, check_budget
from nas_gym.envs.vector.sb3 import SB3VecEnv
from nas_gym.errors import ConfigError


class BudgetCallback(BaseCallback):
    """A limit on what one call of `learn` may evaluate.

    When learning starts, the environment starts a new run with the budget. The step that would
    exceed it ends `learn` as a callback does that returns False: nothing is raised, and the steps
    since the last update are not learned from. An agent that only revisits what it has evaluated
    ends at 50 steps for each evaluation of the budget.

    ```python
    env = gym.make("NAS-v0")
    model = PPO("MultiInputPolicy", env, n_steps=64, gamma=0.9)
    model.learn(1_000_000, callback=BudgetCallback(100))
    print(env.unwrapped.stats.unique, "networks were evaluated")
    ```

    With a trace: ``callback=[TraceCallback(folder), BudgetCallback(100)]``.

    Args:
        budget: most distinct evaluations, ``{"seconds": s}`` of recorded cost, ``{"minutes": m}`` by the
            clock, or a dict of several limits.

    Attributes:
        reason: why `learn` ended: ``"budget"``, ``"minutes"`` by the clock, ``"max_steps"`` of an agent that
            only revisits, or "" where it ended by itself.

    Raises:
        NASGymError: for a budget below 1; when learning starts, if the environments keep several
            ledgers or live in other processes.
    """

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.budget = check_budget(budget)
        self.reason = ""

    def _on_training_start(self) -> None:
        env: Any = self.model.get_env()
        _check_one_ledger(env)
        env.env_method("start_run", self.budget, indices=[0])
        self.reason = ""
        # `learn` steps the environment that the model has from here on, so it can be replaced now.
        self.model.env = _Stopping(env, self)

    def _on_step(self) -> bool:
        return not self.reason

    def _on_training_end(self) -> None:
        if isinstance(self.model.env, _Stopping):
            self.model.env = self.model.env.venv


class _Stopping(VecEnvWrapper):
    """An environment whose step beyond the budget is told to the callback and changes nothing."""

    def __init__(self, venv: VecEnv, callback: BudgetCallback) -> None:
        super().__init__(venv)
        self.callback = callback

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        try:
            return self.venv.step_wait()
        except BudgetExhausted as over:
            self.callback.reason = over.reason
            rewards = np.zeros(self.num_envs, dtype=np.float32)
            infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
            # The model forgets these: `learn` ends before it keeps the step.
            return self.callback.model._last_obs, rewards, rewards.astype(bool), infos


def _check_one_ledger(env: Any) -> None:
    """Check that the steps of a model are charged to one ledger, in this process.

    Raises:
        NASGymError: if it is not.
    """
    while isinstance(env, VecEnvWrapper):
        env = env.venv
    if not isinstance(env, DummyVecEnv | SB3VecEnv):
        raise ConfigError(
            f"BudgetCallback cannot count inside the processes of {type(env).__name__}: pass one "
            "environment, or SB3VecEnv(gym.make_vec('NAS-v0', num_envs=..., autoreset_mode='same_step'))"
        )
    if isinstance(env, DummyVecEnv) and env.num_envs > 1:
        raise ConfigError(
            f"BudgetCallback counts in one ledger and these {env.num_envs} environments keep one each: pass "
            "SB3VecEnv(gym.make_vec('NAS-v0', num_envs=..., autoreset_mode='same_step'))"
        )
