"""Whether small trees are faithful where a policy has a rule, and said not to be where it has none.

    python benchmarks/quality/explanations/trees.py

Planted is a landscape on which layers help and one activation is best from depth 3 on, in several
spaces, with the best policy by value iteration; and policies of noise.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from planted_policies import SPACE, WIDE, from_depth_three, of_noise, optimal, space_of

from nas_gym.envs import make_reward
from nas_gym.explain import READABLE, ArchitectureScores, Decisions, Distillation, Setting, distil, earnings
from nas_gym.traces import TabularPolicy

HORIZON, STARTS = 20, 16
SPACES: dict[str, dict[str, Any]] = {
    "2 widths, 2 activations": SPACE,
    "2 widths, 3 activations": {**SPACE, "activations": ["relu", "tanh", "sigmoid"]},
    "3 widths, 2 activations": {**SPACE, "widths": [16, 32, 64]},
    "5 layers": {**SPACE, "max_layers": 5},
    "2 widths, 4 activations": WIDE,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="draws of walks, folds and noise")
    options = parser.parse_args()
    for name, config in SPACES.items():
        print(name, json.dumps(planted(config, options.seeds)), flush=True)
    print("noise", json.dumps(noise(options.seeds)), flush=True)


def planted(config: dict[str, Any], seeds: int) -> dict[str, Any]:
    """Of trees of at most 16 leaves the least fidelity and the least regret recovered over the seeds."""
    space = space_of(config)
    policy = optimal(space, from_depth_three)
    known = ArchitectureScores({str(one): from_depth_three(one) for one in space}, "the landscape")
    visited, everywhere, leaves, recovered, rule = [], [], [], [], []
    for seed in range(seeds):
        decisions, where = Decisions(policy, space), Setting(space, [space.smallest()], HORIZON, False)
        distilled = distil(decisions, where, seed)
        assert distilled is not None
        small = next(one for one in distilled.curve if one.leaves == READABLE)
        visited.append(small.visited)
        everywhere.append(small.everywhere)
        leaves.append(distilled.trees[READABLE].leaves)
        rng = np.random.default_rng(seed)
        for starts in ([space.smallest()], [space.sample(rng) for _ in range(STARTS)]):
            earned = earnings(
                decisions, distilled, READABLE, where, starts, make_reward("score"), known.of, seed
            )
            recovered.append(earned.recovered or 0.0)
            rule.append(earned.recovered_by_rule or 0.0)
    return {
        "networks": space.size,
        "fidelity by visits": round(min(visited), 3),
        "fidelity everywhere": round(min(everywhere), 3),
        "leaves": max(leaves),
        "regret recovered": round(min(recovered), 3),
        "by the best single rule": round(max(rule), 3),
    }


def noise(seeds: int) -> dict[str, Any]:
    """Of policies without a rule, and of the best policy with noise added to its values."""
    space = space_of(SPACE)
    where = Setting(space, [space.smallest()], HORIZON, False)
    found: list[Distillation | None] = [
        distil(Decisions(of_noise(space, seed), space), where, seed) for seed in range(seeds)
    ]
    best = max(one.least for each in found if each for one in each.curve)
    said: dict[str, list[bool]] = {}
    for spread in (0.005, 0.02, 0.1):
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            table = {
                key: values + spread * rng.normal(size=len(values))
                for key, values in optimal(space, from_depth_three).table.items()
            }
            distilled = distil(Decisions(TabularPolicy(space, table), space), where, seed)
            assert distilled is not None
            said.setdefault(f"faithful with noise {spread}", []).append(distilled.faithful is not None)
    return {"highest fidelity to noise": round(best, 3), **{key: sum(values) for key, values in said.items()}}


if __name__ == "__main__":
    main()
