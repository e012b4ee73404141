"""Small runs to trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from nas_gym.envs import BudgetExhausted
from nas_gym.traces import Recording, State, TabularPolicy, Trace, read_trace
from tests.helpers.fakes import fake_env


def trace(tmp_path: Path, **options: Any) -> Trace:
    """A trace in a folder ``run``, around an environment of those options that are its own."""
    environment = {
        name: options.pop(name) for name in ("reward", "horizon", "score", "initial") if name in options
    }
    return Trace(fake_env(**environment), tmp_path / "run", **options)


def recording(tmp_path: Path) -> Recording:
    """What that trace has recorded."""
    return read_trace(tmp_path / "run" / "trace.jsonl")


def walk(env: gym.Env[Any, Any], steps: int, seed: int = 0, legal: bool = True) -> list[tuple[Any, ...]]:
    """Random steps; what each returned, without the observation."""
    rng = np.random.default_rng(seed)
    _, info = env.reset(seed=seed)
    found = []
    for _ in range(steps):
        choices = np.flatnonzero(info["action_mask"]) if legal else np.arange(len(info["action_mask"]))
        action = int(rng.choice(choices))
        _, reward, terminated, truncated, info = env.step(action)
        found.append((action, reward, terminated, truncated, info))
        if terminated or truncated:
            _, info = env.reset()
    return found


def q_learning(env: gym.Env[Any, Any], budget: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Q-learning as a user would write it, with a budget; the table it learned."""
    nas: Any = env.unwrapped
    rng = np.random.default_rng(seed)
    table: dict[str, np.ndarray] = {}
    env.watch(TabularPolicy(nas.search_space, table))  # type: ignore[attr-defined]
    nas.start_run(budget)
    try:
        while True:
            _episode(env, table, rng)
    except BudgetExhausted:
        return table


def _episode(env: gym.Env[Any, Any], table: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    nas: Any = env.unwrapped
    env.reset()
    done = False
    while not done:
        q = table.setdefault(State(nas.architecture).key, np.zeros(len(nas.search_space.actions)))
        legal = np.flatnonzero(nas.action_masks())
        action = int(rng.choice(legal) if rng.random() < 0.4 else legal[np.argmax(q[legal])])
        _, reward, terminated, truncated, _ = env.step(action)
        env.scalars({"train/epsilon": 0.4})  # type: ignore[attr-defined]
        following = table.get(State(nas.architecture).key, np.zeros(len(q)))
        q[action] += 0.5 * (reward + 0.9 * following[nas.action_masks()].max() - q[action])
        done = terminated or truncated
