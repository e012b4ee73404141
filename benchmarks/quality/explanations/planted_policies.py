"""Landscapes whose best policy is known, and policies on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.envs import make_reward
from nas_gym.explain import OptimalValues
from nas_gym.search_spaces import make_search_space
from nas_gym.traces import TabularPolicy

# 340 architectures.
SPACE = {"name": "mlp", "max_layers": 4, "widths": [16, 64], "activations": ["relu", "tanh"]}
# 4,680 architectures.
WIDE = {
    "name": "mlp",
    "max_layers": 4,
    "widths": [16, 64],
    "activations": ["relu", "sigmoid", "tanh", "identity"],
}


def space_of(options: Any = SPACE) -> Any:
    return make_search_space(options, (40,), 10)


def from_depth_three(architecture: Any) -> float:
    """Layers help; tanh layers hurt in shallow networks and are best from depth 3 on."""
    depth = len(architecture.layers)
    tanh = sum(activation == "tanh" for _, activation in architecture.layers)
    wide = sum(width == 64 for width, _ in architecture.layers)
    return 0.5 + 0.04 * depth + 0.005 * wide + (0.03 if depth >= 3 else -0.03) * tanh


def optimal(space: Any, score: Any, reward: str = "score", horizon: int = 20) -> TabularPolicy:
    """The best policy on a landscape, as Q-values."""
    scores = np.array([score(one) for one in space])
    values = OptimalValues(space, scores, make_reward(reward), horizon)
    return TabularPolicy(space, values.table())


def of_noise(space: Any, seed: int) -> TabularPolicy:
    """Q-values that mean nothing."""
    rng = np.random.default_rng(seed)
    table = {str(one): rng.normal(size=len(space.actions)) for one in space}
    return TabularPolicy(space, table)
