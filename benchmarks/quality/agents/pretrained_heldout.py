"""Policies side by side on drawn landscapes of spaces that none was trained on; the shipped one is chosen so.

    nas-gym pretrain --out graph.npz --rounds 3 --searches 150 --work training
    python benchmarks/quality/agents/pretrained_heldout.py --fit-without-graphs training --to plain.npz
    python benchmarks/quality/agents/pretrained_heldout.py --policy plain.npz --policy graph.npz

``--fit-without-graphs`` fits a network that reads no graphs to the states of a finished training, round by
round as the training did, so that what graphs add is told apart from what searches happened to see.

Each policy searches the same landscapes from the same seeds: evaluations to the best, at most 100, and the
regret of the best of 20 in spreads of the landscape's scores. Differences from the first policy have a paired
test by random signs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nas_agents import sign_flip_test
from nas_agents.pretrained.beliefs import Beliefs
from nas_agents.pretrained.state import features
from nas_agents.pretrained.training.imitation import joined, no_states
from nas_agents.pretrained.training.landscapes import Landscape, draw_landscape
from nas_agents.pretrained.training.learning import Plan, _read, fit, fresh_network
from nas_agents.pretrained.training.spaces import UNSEEN
from nas_agents.pretrained.weights import PolicyWeights, read_weights
from pretrained_landscapes import LANDSCAPE_SEED, unseen_pool
from rich.console import Console
from rich.table import Table as Grid
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records

MOST, WITHIN, EARLY = 100, 64, 20


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    with threadpool_limits(limits=1):
        if options.fit_without_graphs:
            fit_without_graphs(options.fit_without_graphs, options.to)
        if options.policy:
            compare(options)


def fit_without_graphs(work: Path, out: Path) -> None:
    """Fit a network that reads no graphs to the states of a finished training."""
    held = json.loads((work / "plan.json").read_text())
    plan = Plan(**(held | {"spaces": tuple(held["spaces"]), "graph": False}))
    network, states = fresh_network(plan.seed, graph=False), no_states()
    for number in range(plan.rounds):
        states = joined([states, _read(work / f"states-{number}.npz")])
        fit(network, states, plan, number)
    PolicyWeights.of_network(network, {"fitted_to": "the states of another training"}).save(out)


def compare(options: argparse.Namespace) -> None:
    """Search by each policy, keep what comes out, and show it."""
    out = options.out or Path(tempfile.gettempdir()) / "nas-gym-heldout.jsonl"
    runs = read_records(out)
    policies = {str(path): read_weights(path) for path in options.policy}
    known = {(run["policy"], run["seed"]) for run in runs}
    names = list(UNSEEN)
    for seed in range(options.first, options.first + options.landscapes):
        space = names[seed % len(names)]
        landscape = draw_landscape(unseen_pool(space), np.random.default_rng(LANDSCAPE_SEED + seed))
        for weights in policies.values():
            if (weights.digest, seed) in known:
                continue
            run = searched(landscape, weights, seed) | {"space": space, "kind": landscape.kind}
            runs.append(run | {"policy": weights.digest, "seed": seed})
            append_record(out, runs[-1])
    seeds = range(options.first, options.first + options.landscapes)
    shown = {
        name: {run["seed"]: run for run in runs if run["policy"] == weights.digest}
        for name, weights in policies.items()
    }
    Console(width=120).print(tabulated(shown, seeds))


def searched(landscape: Landscape, weights: PolicyWeights, seed: int) -> dict[str, Any]:
    """Search a landscape as `pretrained` does: the first evaluation is drawn, then the likeliest is taken."""
    rng, scores = np.random.default_rng([seed, 7]), landscape.scores
    beliefs, best, spread = Beliefs(landscape.pool), int(np.argmax(scores)), float(scores.std())
    early = 0.0
    for step in range(MOST):
        liked = weights.judge(features(beliefs, 1 - step / MOST), landscape.pool)
        liked[beliefs.told] = -np.inf
        number = int(np.argmax(liked))
        if step == 0:
            chances = np.exp(liked - liked.max())
            number = int(rng.choice(len(liked), p=chances / chances.sum()))
        beliefs.tell(number, float(scores[number]))
        if number == best:
            return {"evaluations_to_optimum": step + 1, "early": early}
        if step + 1 == EARLY:
            early = float(scores[best] - max(beliefs.scores)) / spread
    return {"evaluations_to_optimum": None, "early": early}


def tabulated(runs: dict[str, dict[int, dict[str, Any]]], seeds: range) -> Grid:
    """Show each policy on all landscapes and on those of each space and kind."""
    grid = Grid(title=f"at most {MOST} evaluations; regret after {EARLY} in spreads of the scores")
    for head in (
        "policy",
        "landscapes",
        "number",
        "mean",
        "median",
        f"in {WITHIN}",
        f"in {MOST}",
        f"after {EARLY}",
        "differences ± standard error, p",
    ):
        grid.add_column(head)
    first = next(iter(runs.values()))
    parts: list[tuple[str, list[int]]] = [("all", list(seeds))]
    for what in ("space", "kind"):
        values = dict.fromkeys(first[seed][what] for seed in seeds)
        parts += [(value, [seed for seed in seeds if first[seed][what] == value]) for value in values]
    for part, numbers in parts:
        for name, own in runs.items():
            needed = _needed(own, numbers)
            early = np.array([own[seed]["early"] for seed in numbers])
            row = [Path(name).stem, part, str(len(numbers)), f"{needed.mean():.1f}", f"{np.median(needed):g}"]
            row += [f"{np.mean(needed <= most):.0%}" for most in (WITHIN, MOST)] + [f"{early.mean():.3f}"]
            if own is not first:
                before = np.array([first[seed]["early"] for seed in numbers])
                tests = (needed - _needed(first, numbers), early - before)
                row.append("; ".join(map(_difference, tests)))
            grid.add_row(*row)
    return grid


def _difference(each: np.ndarray) -> str:
    error = each.std(ddof=1) / len(each) ** 0.5 if len(each) > 1 else float("nan")
    return f"{each.mean():.3g} ± {error:.2g}, {sign_flip_test(each, 0).p:.3f}"


def _needed(own: dict[int, dict[str, Any]], seeds: list[int]) -> np.ndarray:
    return np.array([own[seed]["evaluations_to_optimum"] or MOST + 1 for seed in seeds], dtype=float)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--policy", action="append", type=Path, help="weights; repeatable")
    parser.add_argument("--landscapes", type=int, default=60, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first landscape")
    parser.add_argument("--fit-without-graphs", type=Path, help="folder of a finished training")
    parser.add_argument("--to", type=Path, default=Path("plain.npz"), help="weights that this writes")
    parser.add_argument("--out", type=Path, help="JSON lines of the runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
