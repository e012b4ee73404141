"""Small runs to explain, recorded in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
from nas_agents.runs.run import RunSpec, run

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import FunctionFailed
from nas_gym.traces import Trace
from tests.helpers.traced_runs import walk

SPACE = {"name": "mlp", "max_layers": 3, "widths": [16, 64], "activations": ["relu", "tanh"]}


def depth_and_relus(architecture: Any) -> float:
    """More layers are better, relu better than tanh."""
    relus = sum(activation == "relu" for _, activation in architecture.layers)
    return 0.5 + 0.08 * len(architecture.layers) + 0.04 * relus


def always_fails(architecture: Any) -> float:
    """No network trains."""
    raise FunctionFailed("training diverged in epoch 1")


def environment(function: str = "depth_and_relus", **options: Any) -> dict[str, Any]:
    """Keyword arguments of an environment on a function of this module."""
    evaluator = {"name": "function", "function": f"{__name__}:{function}", "noise": 0.01}
    return {"search_space": SPACE, "task": "mnist1d", "evaluator": evaluator, "horizon": 8, **options}


def recorded(folder: Path, agent: Any = "q-learning", budget: int = 50, **options: Any) -> Path:
    """The folder of a finished run of an agent."""
    run(RunSpec(agent, budget, str(folder), 0, "NAS-v0", environment(**options)))
    return folder


def walked(folder: Path, steps: int, finished: bool = True, **options: Any) -> Path:
    """The folder of a run of random steps, ended or left as a kill leaves it."""
    env = Trace(gym.make("NAS-v0", store="memory", **environment(**options)), folder, agent="walker")
    walk(env, steps)
    if finished:
        env.close()
    else:
        env._recorder.abandon()  # type: ignore[union-attr]
    return folder
