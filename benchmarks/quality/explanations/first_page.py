"""Whether planted truth reaches the first page: its reasons, their order, their intervals, and its silence.

    python benchmarks/quality/explanations/first_page.py            # 100 runs of each case, about six minutes
    python benchmarks/quality/explanations/first_page.py --repetitions 20 --out figures.json

Each run searches an additive landscape of `planted.py` whose nine choices cost known amounts to undo, with
noise .01 on every training, and is explained. On the landscape without a signal every network has
one score, so that nothing may be called a reason.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import make_agent
from planted import Landscape, additive, flat

from nas_gym.explain import explain_evidence, read_evidence
from nas_gym.explain import questions as all_questions
from nas_gym.traces import Trace

BUDGET, NOISE = 80, 0.01
AGENTS = ("evolution", "q-learning", "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100, help="runs of each case")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    found = {"planted": planted(options.repetitions), "no signal": without_signal(options.repetitions)}
    print(json.dumps(found, indent=2))
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n")


def planted(repetitions: int) -> dict[str, Any]:
    """Share of runs whose reasons are the planted ones in the planted order, and of intervals that hold."""
    right, named, false, holds, single, stated, told_at_once = 0, 0, 0, 0, [], [], 0
    for seed in range(repetitions):
        costs, alternatives, reasons = explained(additive(seed), f"planted:additive_{seed}", seed)
        intervals = {one["edit"]: one for one in alternatives["neighbours"] if one["low"] is not None}
        half = float(np.median([one["high"] - one["low"] for one in intervals.values()])) / 2
        true = {name: float(np.mean(list(group.values()))) for name, group in costs.items()}
        sure = [name for name, group in costs.items() if min(group.values()) > 0 and true[name] > 2 * half]
        told = [reason["choice"] for reason in reasons]
        named += set(sure) <= set(told)
        false += sum(min(costs[name].values()) < -half for name in told)
        order = [name for name in told if name in sure]
        right += all(true[first] > true[second] - half for first, second in pairwise(order))
        held = [one["low"] <= -costs_of_edit(costs, edit) <= one["high"] for edit, one in intervals.items()]
        single += held
        holds += all(held)
        reached = [one["low"] <= true[one["choice"]] <= one["high"] for one in reasons if one["cost"]]
        stated += reached
        told_at_once += all(reached) and all(held)
    return {
        "runs": repetitions,
        "all_reasons_with_evidence_named": named / repetitions,
        "in_the_planted_order": right / repetitions,
        "reasons_whose_undoing_helps": false,
        "runs_in_which_all_intervals_hold_at_once": holds / repetitions,
        "runs_in_which_those_of_the_reasons_hold_too": told_at_once / repetitions,
        "single_intervals_that_hold": float(np.mean(single)),
        "single_intervals_of_reasons_that_hold": float(np.mean(stated)),
    }


def without_signal(repetitions: int) -> dict[str, Any]:
    """Share of runs on a landscape of one score that name a reason or a better network all the same."""
    reasons, better = 0, 0
    for seed in range(repetitions):
        landscape = Landscape(additive(0).space, flat)
        _, alternatives, found = explained(landscape, "planted:flat", seed)
        reasons += bool(found)
        better += bool(alternatives["verdicts"].get("improves"))
    return {
        "runs": repetitions,
        "that_name_a_reason": reasons / repetitions,
        "that_name_a_better_network": better / repetitions,
    }


def explained(
    landscape: Landscape, path: str, seed: int
) -> tuple[dict[str, dict[str, float]], dict[str, Any], list[dict[str, Any]]]:
    """Return the true cost of each edit by the choice it undoes, the neighbours, and the reasons told."""
    with tempfile.TemporaryDirectory() as folder:
        evaluator = {"name": "function", "function": path, "noise": NOISE, "seeds": [seed]}
        config = {"search_space": landscape.space.config(), "task": "mnist1d", "evaluator": evaluator}
        agent = AGENTS[seed % len(AGENTS)]
        env = Trace(gym.make("NAS-v0", **config), folder, agent=agent)
        make_agent(agent).search(env, budget=BUDGET, seed=seed)
        env.close()
        evidence = read_evidence(folder)
        asked = [question for question in all_questions() if question.key == "alternatives"]
        explanation = explain_evidence(evidence, selected=asked)
    page, alternatives = explanation.summary, explanation["alternatives"].numbers
    space = landscape.space
    chosen = space.parse(page.numbers["architecture"])
    own, best = space.encode(chosen), landscape.function(chosen)
    costs: dict[str, dict[str, float]] = {}
    for one in alternatives["neighbours"]:
        other = space.parse(one["architecture"])
        values = space.encode(other)
        differing = [name for name in space.variables if own[name] != values[name]]
        choice = next((name for name in differing if space.variables[name].is_depth), differing[0])
        costs.setdefault(choice, {})[one["edit"]] = best - landscape.function(other)
    return costs, alternatives, page.numbers["reasons"]


def costs_of_edit(costs: dict[str, dict[str, float]], edit: str) -> float:
    """Return the true cost of an edit."""
    return next(group[edit] for group in costs.values() if edit in group)


if __name__ == "__main__":
    main()
