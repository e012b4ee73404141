"""How the agent of a run acts: from which start states, for how long, with which discount."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.policies.returns import DRAWN_STARTS
from nas_gym.explain.methods.policies.rollouts import starts_of
from nas_gym.explain.methods.policies.states import Setting

DISCOUNT = 0.9


def setting_of(evidence: Evidence, seed: int = 0) -> Setting:
    """Return where the policies of a run act."""
    problem = evidence.problem
    starts = starts_of(problem, DRAWN_STARTS, np.random.default_rng(seed))
    return Setting(problem.search_space, starts, problem.horizon, problem.reward.episodic)


def discount_of(config: dict[str, Any]) -> float:
    """Return the discount of a run's agent, from its hyperparameters; 0.9 where it names none."""
    found = _find(config.get("config"), "gamma")
    return float(found) if isinstance(found, int | float) else DISCOUNT


def _find(values: Any, name: str) -> Any:
    if not isinstance(values, dict):
        return None
    if name in values:
        return values[name]
    return next((found for each in values.values() if (found := _find(each, name)) is not None), None)
