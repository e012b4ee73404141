"""The environment ids; strings alone, so that registering imports nothing heavy."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

ENTRY = "nas_gym.envs.nas_env:NASEnv"
VECTOR = "nas_gym.envs.vector.env:NASVectorEnv"


def _on_table(benchmark: str, space: str, task: str) -> dict[str, Any]:
    return {
        "search_space": space,
        "task": task,
        "evaluator": {"name": "table", "benchmark": benchmark},
    }


IDS: dict[str, dict[str, Any]] = {
    "NAS-v0": {},
    "NASTable-MLP-v0": _on_table("mlp", "mlp", "mnist1d"),
    "NASTable-Conv-v0": _on_table("conv", "conv", "mnist1d"),
    "NASBench201-v0": _on_table("nasbench201", "cell", "cifar10"),
    "NASBenchMacro-v0": _on_table("nasbench_macro", "macro", "cifar10"),
}
"""The keyword arguments of each id; whoever makes one can give others."""


def register() -> None:
    """Register every id once."""
    for env_id, options in IDS.items():
        if env_id not in gym.registry:
            gym.register(env_id, entry_point=ENTRY, vector_entry_point=VECTOR, kwargs=options)
