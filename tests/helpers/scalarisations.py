"""Options of the rewards that need some, so that tests over all rewards can build each."""

from __future__ import annotations

from typing import Any

from nas_gym.envs import REWARDS

OPTIONS: dict[str, dict[str, Any]] = {
    "linear": {"objectives": ["score", "parameters"], "weights": [1, 0.5]},
    "chebyshev": {"objectives": ["score", "parameters"], "weights": [1, 0.5]},
    "mnasnet": {"cost": "parameters", "target": 2000, "below": 0, "above": -1},
    "tunas": {"cost": "flops", "target": 4000, "beta": -0.2},
    "constraint": {"at_most": {"parameters": 2000}},
}
EVERY_REWARD = [{"name": name, **OPTIONS.get(name, {})} for name in REWARDS]
