"""The environment ids; strings alone, so that registering imports nothing heavy."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

ENTRY = "nas_gym.envs.nas_env:NASEnv"
VECTOR = "nas_gym.envs.vector.env:NASVectorEnv"
MULTI_OBJECTIVE = "nas_gym.envs.multi_objective_env:NASMultiObjectiveEnv"
MULTI_OBJECTIVE_VECTOR = "nas_gym.envs.multi_objective_env:NASMultiObjectiveVectorEnv"

TASKS_ID = "NASTasks-v0"
TASKS_ENTRY = "nas_gym.envs.tasks_env:NASTasksEnv"


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
    "NASTable-Text-v0": _on_table("recurrent", "recurrent", "language_id"),
    "NASTable-Speech-v0": _on_table("conv", "conv", "spoken_words"),
    "NASTable-Molecules-v0": _on_table("graph", "graph", "logp"),
    "NASTable-Series-v0": _on_table("forecaster", "forecaster", "seasonal"),
    "NASBench201-v0": _on_table("nasbench201", "cell", "cifar10"),
    "NASBenchMacro-v0": _on_table("nasbench_macro", "macro", "cifar10"),
    "NASMultiObjective-v0": {},
}
"""The keyword arguments of each id that a search can be of; whoever makes one can give others."""


def register() -> None:
    """Register every id once."""
    for env_id, options in IDS.items():
        if env_id not in gym.registry:
            several = env_id.startswith("NASMultiObjective")
            gym.register(
                env_id,
                entry_point=MULTI_OBJECTIVE if several else ENTRY,
                vector_entry_point=MULTI_OBJECTIVE_VECTOR if several else VECTOR,
                # Gymnasium's checker refuses vector rewards; MO-Gymnasium's make leaves it out, too.
                disable_env_checker=several,
                kwargs=options,
            )
    if TASKS_ID not in gym.registry:
        gym.register(TASKS_ID, entry_point=TASKS_ENTRY)
