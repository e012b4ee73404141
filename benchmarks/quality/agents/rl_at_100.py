"""What the agents that learn from nothing reach with 100 evaluations, as they are and in the textbook's form.

    python benchmarks/quality/agents/rl_at_100.py                      # goes on where an earlier call stopped
    python benchmarks/quality/agents/rl_at_100.py --agent q-learning --seeds 100
    python benchmarks/quality/agents/rl_at_100.py --ablation           # every option, one at a time
    python benchmarks/quality/agents/rl_at_100.py --table graph-logp --seeds 30      # of molecules

Regret of the best of 100 networks on the tables of the package (mean over their training seeds), in
hundredths of the score, mean over seeds and standard error. p-values are one-sided permutation tests of
the mean against the random walk and against random search, with Holm's correction over the agents of a
table.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from nas_agents import holm, label, permutation_test
from rich.console import Console
from rich.table import Table
from rl_runs import DOMAIN_TABLES, PLAIN, TABLES, Run, recorded

BUDGET = 100
BASELINES = ("random-walk", "random")
LEARNERS = ("q-learning", "reinforce", "dqn", "ppo")
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "q-learning": [
        {"planning": 0},
        {"n_steps": 3},
        {"novelty": 0.0},
        {"episode": 8},
        {"normalise": False},
        {"exploration": "epsilon"},
        {"gamma": 0.0},
        {"gamma": 0.9},
        {"demonstrations": 10},
    ],
    "reinforce": [{"planning": 0}, {"novelty": 0.0}, {"entropy": 0.0}, {"demonstrations": 20}],
    "dqn": [
        {"planning": 0},
        {"beliefs": False},
        {"n_steps": 3},
        {"gradient_steps": 4},
        {"novelty": 0.0},
        {"episode": 8},
        {"demonstrations": 0},
    ],
    "ppo": [
        {"planning": 0},
        {"beliefs": False},
        {"novelty": 0.0},
        {"episode": 8},
        {"normalise": False},
        {"demonstrations": 20},
    ],
}
"""What is changed of each agent, one at a time; its defaults are the row before."""


def main() -> None:
    options = _options()
    agents: list[Any] = []
    for name in options.agent or LEARNERS:
        agents += [name, PLAIN[name]]
        if options.ablation:
            agents += [{"name": name} | changed for changed in OPTIONS[name]]
    jobs = [
        {"problem": table, "agent": agent, "seed": seed, "budget": BUDGET}
        for seed in range(options.seeds)
        for table in options.table or TABLES
        for agent in (*BASELINES, *agents)
    ]
    runs = recorded(options.out, jobs, options.workers, options.minutes)
    console = Console(width=150)
    for table in options.table or TABLES:
        console.print(tabulated(table, [run for run in runs if run["problem"] == table], agents))


def tabulated(table: str, runs: list[Run], agents: list[Any]) -> Table:
    """Mean regret by agent, and the tests against the baselines."""
    found: dict[str, dict[int, float]] = {}
    for run in runs:
        found.setdefault(run["label"], {})[run["seed"]] = 100 * run["regret"][str(BUDGET)]
    names = [name for name in dict.fromkeys([*BASELINES, *map(label, agents)]) if found.get(name)]
    p = {base: _against(base, names, found) for base in BASELINES}
    grid = Table(title=f"{table}: regret after {BUDGET} evaluations, hundredths of the score")
    grid.add_column("agent")
    for head in ("seeds", "mean ± s.e.", "median", "p, walk", "p, random"):
        grid.add_column(head, justify="right")
    for name in names:
        values = np.array(list(found[name].values()))
        error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        tests = [f"{p[base][name]:.4f}" if name in p[base] else "" for base in BASELINES]
        grid.add_row(
            name, str(len(values)), f"{values.mean():.2f} ± {error:.2f}", f"{np.median(values):.2f}", *tests
        )
    return grid


def _against(base: str, names: list[str], found: dict[str, dict[int, float]]) -> dict[str, float]:
    """p-values that an agent's regret is below a baseline's, corrected by Holm."""
    rivals = [name for name in names if name not in BASELINES and len(found[name]) > 1]
    if len(found.get(base, ())) < 2 or not rivals:
        return {}
    one_sided = []
    for name in rivals:
        own, other = (np.array(list(found[each].values())) for each in (name, base))
        p = permutation_test(own, other, seed=0).p
        one_sided.append(p / 2 if own.mean() < other.mean() else 1 - p / 2)
    return dict(zip(rivals, holm(one_sided), strict=True))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--table",
        action="append",
        choices=(*TABLES, *DOMAIN_TABLES),
        help="a table; repeatable (of images and signals: all)",
    )
    parser.add_argument("--agent", action="append", choices=LEARNERS, help="an agent (all)")
    parser.add_argument("--ablation", action="store_true", help="change every option, one at a time")
    parser.add_argument("--seeds", type=int, default=30, help="runs of an agent on a table")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no search after so many")
    default = Path(tempfile.gettempdir()) / "nas-gym-rl-at-100.jsonl"
    parser.add_argument("--out", type=Path, default=default, help="file of records (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
