"""How often a choice is called shown: where none matters, and where it does.

    python benchmarks/quality/explanations/choices.py            # 200 runs of each case, about twenty minutes
    python benchmarks/quality/explanations/choices.py --repetitions 40 --agent random --evaluations 40

Agents that adapt choose what to evaluate by the noise they have seen, so their evaluations are no sample: a
test has to keep its level for them as for random ones. Each run searches the 4,680 perceptrons of
`planted.py`. On the landscape without a signal every network has one score, and noise of .03; there at most
one run in twenty may call any choice shown. On the planted one the noise is .01 and eight of nine choices
matter; how many of them are shown is the power of the test.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from nas_agents import make_agent
from planted import Landscape, additive, flat, mlp_space

from nas_gym.explain import EncodedArchitectures, Importances, encode_architectures, estimate

AGENTS = ("random", "evolution", "q-learning")
EVALUATIONS = (40, 84, 250)
PERMUTATIONS = 199


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200, help="runs of each case")
    parser.add_argument("--agent", action="append", choices=AGENTS, help="only this agent; repeatable")
    parser.add_argument("--evaluations", action="append", type=int, help="only so many; repeatable")
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    found = {}
    for agent in options.agent or AGENTS:
        for count in options.evaluations or EVALUATIONS:
            name = f"{agent}, {count} evaluations"
            cases = options.case or CASES
            found[name] = {case: CASES[case](agent, count, options.repetitions) for case in cases}
            print(name, json.dumps(found[name]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n")


def of_noise(agent: str, count: int, repetitions: int) -> dict[str, float]:
    """Share of runs of noise alone that call any choice shown."""
    landscape = Landscape(additive(0).space, flat)
    found = [searched(landscape, agent, count, seed, noise=0.03) for seed in range(repetitions)]
    return {
        "some choice shown": share([any(one.significant() for one in each.choices) for each in found]),
        "some p below .05": share([any((one.p or 1.0) <= 0.05 for one in each.choices) for each in found]),
    }


def of_planted(agent: str, count: int, repetitions: int) -> dict[str, float]:
    """Share of the planted choices that are shown, by their place in the true order."""
    shown, tested = [], []
    for seed in range(repetitions):
        landscape = additive(seed)
        found = {one.name: one for one in searched(landscape, agent, count, seed).choices}
        order = sorted(landscape.importance, key=lambda name: -landscape.importance[name])
        shown.append([found[name].value is not None and found[name].significant() for name in order])
        tested.append([(found[name].p or 1.0) <= 0.05 for name in order])
    by_place, by_test = np.mean(shown, axis=0), np.mean(tested, axis=0)
    return {
        "first three shown": float(by_place[:3].mean()),
        "eight that matter shown": float(by_place[:8].mean()),
        "p of eight that matter below .05": float(by_test[:8].mean()),
        "p of the one that does not": float(by_test[8]),
    }


def searched(landscape: Landscape, agent: str, count: int, seed: int, noise: float = 0.01) -> Importances:
    """Return the importances of a run."""
    space = landscape.space
    result = make_agent(agent).search(landscape.environment(noise, seed), count, seed)
    evaluations = list({one.architecture: one for one in result.evaluations}.values())
    visited = encode_architectures(space, [space.parse(one.architecture) for one in evaluations])
    y = np.array([one.score for one in evaluations])
    return estimate(whole_space(), visited, y, PERMUTATIONS, seed, with_pairs=False)


@cache
def whole_space() -> EncodedArchitectures:
    """Return all perceptrons, encoded."""
    space = mlp_space()
    return encode_architectures(space, space)


def share(values: list[bool]) -> float:
    """Return the share that is true."""
    return float(np.mean(values))


CASES: dict[str, Callable[[str, int, int], dict[str, float]]] = {"noise": of_noise, "planted": of_planted}

if __name__ == "__main__":
    main()
