"""The choice of the defaults of the agents that learn from nothing, for which no table is read.

    python benchmarks/quality/agents/rl_tuning.py             # drawn landscapes alone: the defaults
    python benchmarks/quality/agents/rl_tuning.py --tables    # with the package's tables, left out in turn

Every variant of an agent searches landscapes that are drawn on edit graphs of spaces which no table has (see
`nas_agents.pretrained.training.landscapes`: additive, interacting and smooth parts, three in ten with a
deceptive basin, noise) with 100 evaluations. What counts is the regret of the best network, in
standard deviations of the landscape's scores, mean over landscapes. The lowest is to be the default, or a
quicker one that is not shown to be worse (p of a paired permutation test against the lowest, by landscape).
So the choice reads no table at all. With ``--tables`` it is repeated for each table of the package, on drawn
landscapes and the other tables, which says whether another choice would have been made.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from nas_agents import label, permutation_test
from rich.console import Console
from rich.table import Table
from rl_runs import TABLES, Run, drawn, recorded

BUDGET = 100
SPACES = ("mlp-a", "mlp-b", "conv-a", "edges-unseen")
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "q-learning": [
        {"gamma": discount, "planning": planning} for discount in (0.0, 0.5) for planning in (0, 4)
    ],
    "reinforce": [{"learning_rate": rate, "planning": 4} for rate in (0.03, 0.05, 0.1)],
    "dqn": [
        {"learning_rate": 3e-3, "demonstrations": 10},
        {"learning_rate": 3e-3, "demonstrations": 30},
        {"learning_rate": 1e-2, "demonstrations": 10},
    ],
    "ppo": [
        {"learning_rate": 1e-2, "n_epochs": 4},
        {"learning_rate": 1e-2, "n_epochs": 8},
        {"learning_rate": 3e-2, "n_epochs": 4},
    ],
}


def main() -> None:
    options = _options()
    problems = [drawn(space, seed) for seed in range(options.seeds) for space in SPACES]
    problems += TABLES if options.tables else ()
    jobs = [
        {"problem": name, "agent": {"name": agent} | variant, "seed": seed, "budget": BUDGET}
        for name in problems
        for seed in (range(options.seeds) if name in TABLES else [int(name.split()[-1])])
        for agent in options.agent or VARIANTS
        for variant in VARIANTS[agent]
    ]
    runs = recorded(options.out, jobs, options.workers, options.minutes)
    console = Console(width=150)
    for agent in options.agent or VARIANTS:
        own = [run for run in runs if run["agent"]["name"] == agent]
        console.print(tabulated(agent, own, options.tables))


def tabulated(agent: str, runs: list[Run], tables: bool) -> Table:
    """Mean regret of the variants on what each choice may read; the chosen one has a star."""
    grid = Table(title=f"{agent}: regret after {BUDGET} evaluations, in standard deviations of the scores")
    grid.add_column("variant")
    readable: dict[str, tuple[str, ...]] = {"drawn": ()}
    if tables:
        readable |= {f"without {left}": tuple(each for each in TABLES if each != left) for left in TABLES}
    columns = {head: _means(runs, read) for head, read in readable.items()}
    for head in (*columns, "p", "seconds"):
        grid.add_column(head, justify="right")
    p, seconds = _against_lowest(runs), _seconds(runs)
    for variant in VARIANTS[agent]:
        name = label({"name": agent} | variant)
        cells = []
        for means in columns.values():
            if name not in means:
                cells.append("")
                continue
            mean, error, count = means[name]
            star = " *" if mean == min(each[0] for each in means.values()) else ""
            cells.append(f"{mean:.3f} ± {error:.3f} ({count}){star}")
        grid.add_row(name, *cells, f"{p[name]:.2g}" if name in p else "", f"{seconds.get(name, 0.0):.2f}")
    return grid


def _against_lowest(runs: list[Run]) -> dict[str, float]:
    """p-values that a variant differs from the one of lowest mean regret, on the drawn landscapes of all."""
    found: dict[str, dict[str, float]] = {}
    for run in runs:
        if run["problem"].startswith("drawn "):
            found.setdefault(run["label"], {})[run["problem"]] = run["regret"][str(BUDGET)] / run["spread"]
    common = sorted(set.intersection(*map(set, found.values()))) if found else []
    if len(common) < 2:
        return {}
    samples = {name: np.array([own[each] for each in common]) for name, own in found.items()}
    lowest = min(samples, key=lambda name: samples[name].mean())
    return {
        name: permutation_test(own, samples[lowest], seed=0, paired=True).p
        for name, own in samples.items()
        if name != lowest
    }


def _seconds(runs: list[Run]) -> dict[str, float]:
    """Mean processor time of a search of each variant."""
    found: dict[str, list[float]] = {}
    for run in runs:
        found.setdefault(run["label"], []).append(run["seconds"])
    return {name: float(np.mean(each)) for name, each in found.items()}


def _means(runs: list[Run], read: tuple[str, ...]) -> dict[str, tuple[float, float, int]]:
    """Mean, standard error and number of problems of each variant, on drawn landscapes and these tables."""
    found: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        if run["problem"].startswith("drawn ") or run["problem"] in read:
            regret = run["regret"][str(BUDGET)] / run["spread"]
            found.setdefault(run["label"], {}).setdefault(run["problem"], []).append(regret)
    # Variants are compared on what all of them have searched.
    common = set.intersection(*(set(by_problem) for by_problem in found.values())) if found else set()
    samples = {
        name: np.array([np.mean(by_problem[each]) for each in sorted(common)])
        for name, by_problem in found.items()
    }
    return {
        name: (float(each.mean()), float(each.std() / max(1, len(each) - 1) ** 0.5), len(each))
        for name, each in samples.items()
        if len(each)
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--agent", action="append", choices=VARIANTS, help="an agent (all)")
    parser.add_argument("--tables", action="store_true", help="tables too, each left out in turn")
    parser.add_argument("--seeds", type=int, default=4, help="landscapes of a space, and runs on a table")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no search after so many")
    default = Path(tempfile.gettempdir()) / "nas-gym-rl-tuning.jsonl"
    parser.add_argument("--out", type=Path, default=default, help="file of records (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
