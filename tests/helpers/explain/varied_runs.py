"""Sixty runs that differ in everything that a report may meet, and functions that their scores are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from nas_agents.runs.run import RunSpec, run

from nas_gym.evaluators import FunctionFailed
from tests.helpers.explain.runs import depth_and_relus

AGENTS = ("random", "evolution", "q-learning", "tpe", "local-search", "greedy-walk")
BUDGETS = (3, 8, 25, 60, 150, 400)
SPACES: tuple[Any, ...] = (
    {"name": "mlp", "max_layers": 2, "widths": [16, 64], "activations": ["relu", "tanh"]},
    {"name": "mlp", "max_layers": 3, "widths": [16], "activations": ["relu", "sigmoid", "identity"]},
    "cell",
)


def planted(architecture: Any) -> float:
    """What matters is known: in perceptrons depth and rectifiers, in cells the operation of the last edge."""
    if hasattr(architecture, "layers"):
        return min(1.0, depth_and_relus(architecture))
    return 0.9 if str(architecture).endswith("conv3~2|") else 0.6


def nothing_matters(architecture: Any) -> float:
    """Every network is as good; only the noise differs."""
    return 0.7


def perfect(architecture: Any) -> float:
    """Every network is right for everything."""
    return 1.0


def often_fails(architecture: Any) -> float:
    """One network in three does not train."""
    if sum(map(ord, str(architecture))) % 3 == 0:
        raise FunctionFailed("training diverged in epoch 1")
    return planted(architecture)


def few_values(architecture: Any) -> float:
    """Scores of two values, so that most networks are tied."""
    return 0.8 if "relu" in str(architecture) or "conv" in str(architecture) else 0.5


# Function and standard deviation of its noise.
SCORES = (
    ("planted", 0.01),
    ("planted", 0.05),
    ("nothing_matters", 0.02),
    ("perfect", 0.0),
    ("often_fails", 0.01),
    ("few_values", 0.0),
)


def varied_runs(count: int = 60) -> list[dict[str, Any]]:
    """Specifications of runs; each value of each part occurs with many values of the others."""
    rng = np.random.default_rng(0)
    specs = []
    for number in range(count):
        function, noise = SCORES[number % len(SCORES)]
        specs.append(
            {
                "agent": AGENTS[int(rng.integers(len(AGENTS)))],
                "budget": BUDGETS[number % 7 % len(BUDGETS)],
                "seed": number,
                "space": SPACES[number // len(SCORES) % len(SPACES)],
                "function": function,
                "noise": noise,
            }
        )
    return specs


def make_run(spec: dict[str, Any], folder: Path) -> Path:
    """Make a run of a specification, in a folder that is returned."""
    evaluator = {"name": "function", "function": f"{__name__}:{spec['function']}", "noise": spec["noise"]}
    env = {"search_space": spec["space"], "task": "mnist1d", "evaluator": evaluator, "horizon": 8}
    run(RunSpec(spec["agent"], spec["budget"], str(folder), spec["seed"], "NAS-v0", env))
    return folder
