"""When does RL beat evolution here? Regret by evaluations, from 30 to 4,000, on three landscapes.

    python benchmarks/quality/agents/rl_against_evolution.py --out runs.jsonl     # goes on where it stopped
    python benchmarks/quality/agents/rl_against_evolution.py --out runs.jsonl --minutes 20
    python benchmarks/quality/agents/rl_against_evolution.py --out runs.jsonl --minutes 0 \
        --figure docs/images/rl_against_evolution.png                             # draws what there is

The landscapes: the table mlp-digits (4,680 networks), NAS-Bench-201 on CIFAR-10 (15,625 cells, from
``../shared/data``), and a deceptive one that is drawn on 4,096 cells. All are seen by their mean score.
Agents that take long are searched to fewer evaluations (`LIMITS`), and their curves end there. The table has
the mean regret in hundredths of the score, and a star where it is below that of evolution by a one-sided
permutation test at .05, which is not corrected for the number of tests.
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
from rl_runs import CHECKPOINTS, PLAIN, Run, drawn, recorded

RIVAL = "evolution"
LANDSCAPES = {
    "mlp-digits": "mlp-digits",
    "NAS-Bench-201": "nasbench201",
    "deceptive cells": drawn("cell-a", 0, "deceptive"),
}
AGENTS: dict[str, Any] = {
    "random": "random",
    "random-walk": "random-walk",
    "local-search": "local-search",
    "evolution": "evolution",
    "model-based": "model-based",
    "pretrained": "pretrained",
    "q-learning, table": PLAIN["q-learning"],
    "q-learning": "q-learning",
    "ppo, plain": PLAIN["ppo"],
    "ppo": "ppo",
    "dqn, plain": PLAIN["dqn"],
    "dqn": "dqn",
    "reinforce, plain": PLAIN["reinforce"],
    "reinforce": "reinforce",
}
MEDIUM, LARGE, LONG = 500, 1000, 4000
COLOURS = {
    "random": "tab:gray",
    "random-walk": "black",
    "local-search": "tab:brown",
    "evolution": "gold",
    "model-based": "tab:green",
    "pretrained": "tab:olive",
    "q-learning": "tab:red",
    "ppo": "tab:purple",
    "dqn": "tab:blue",
    "reinforce": "tab:orange",
}
"""Colours of the curves; those of textbook forms are dashed."""
LIMITS = {
    "model-based": MEDIUM,
    "pretrained": MEDIUM,
    "ppo": LARGE,
    "ppo, plain": LARGE,
    "dqn": LARGE,
    "dqn, plain": LARGE,
}
"""Most evaluations of an agent; `LONG` for the others."""


def main() -> None:
    options = _options()
    chosen = {name: AGENTS[name] for name in options.agent or AGENTS}
    jobs = [
        {
            "problem": problem,
            "agent": agent,
            "seed": seed,
            "budget": min(LIMITS.get(name, LONG), options.most),
        }
        for seed in range(options.seeds)
        for name, agent in chosen.items()
        for problem in (LANDSCAPES[each] for each in options.landscape or LANDSCAPES)
    ]
    runs = recorded(options.out, jobs, options.workers, options.minutes)
    console = Console(width=150)
    for name in options.landscape or LANDSCAPES:
        console.print(tabulated(name, _by_agent(runs, LANDSCAPES[name], chosen)))
    if options.figure:
        draw(options.figure, {name: _by_agent(runs, LANDSCAPES[name], chosen) for name in LANDSCAPES})


def _by_agent(runs: list[Run], problem: str, chosen: dict[str, Any]) -> dict[str, list[Run]]:
    """The runs on a landscape, by name of the agent."""
    names = {label(agent): name for name, agent in chosen.items()}
    found: dict[str, list[Run]] = {name: [] for name in chosen}
    for run in runs:
        if run["problem"] == problem:
            found[names[run["label"]]].append(run)
    return {name: own for name, own in found.items() if own}


def tabulated(title: str, by_agent: dict[str, list[Run]]) -> Table:
    """Mean regret by agent and number of evaluations."""
    grid = Table(title=f"{title}: mean regret, hundredths of the score; * below {RIVAL}, p < .05")
    grid.add_column("agent")
    grid.add_column("seeds", justify="right")
    for count in CHECKPOINTS:
        grid.add_column(f"{count:,}", justify="right")
    for name, runs in by_agent.items():
        cells = []
        for count in CHECKPOINTS:
            own, rival = _regrets(runs, count), _regrets(by_agent.get(RIVAL, []), count)
            star = "*" if name != RIVAL and _is_below(own, rival) else ""
            cells.append(f"{100 * own.mean():.2f}{star}" if len(own) else "")
        grid.add_row(name, str(len(runs)), *cells)
    return grid


def _regrets(runs: list[Run], count: int) -> np.ndarray:
    return np.array([run["regret"][str(count)] for run in runs if str(count) in run["regret"]])


def _is_below(own: np.ndarray, rival: np.ndarray) -> bool:
    if min(len(own), len(rival)) < 2 or own.mean() >= rival.mean():
        return False
    return permutation_test(own, rival, seed=0).p / 2 < 0.05


def draw(path: Path, found: dict[str, dict[str, list[Run]]]) -> None:
    """Draw the curves of all landscapes side by side."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(found), figsize=(13, 4.2), constrained_layout=True)
    for axis, (title, by_agent) in zip(axes, found.items(), strict=True):
        for name, runs in by_agent.items():
            means = {count: _regrets(runs, count) for count in CHECKPOINTS}
            points = [(count, 100 * own.mean()) for count, own in means.items() if len(own)]
            agent, _, form = name.partition(",")
            style = "--" if form else ":" if name.startswith("random") else "-"
            width = 2.8 if name == RIVAL else 1.4
            axis.plot(*zip(*points, strict=True), style, color=COLOURS[agent], lw=width, label=name)
        axis.set(title=title, xscale="log", xlabel="evaluations")
        axis.set_yscale("symlog", linthresh=0.1)
        axis.set_ylim(bottom=-0.01)
        axis.set_xticks(CHECKPOINTS, [f"{count:,}" for count in CHECKPOINTS], fontsize=7, rotation=45)
        axis.grid(alpha=0.3)
        axis.minorticks_off()
    axes[0].set_ylabel("mean regret, hundredths of the score")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--landscape", action="append", choices=LANDSCAPES, help="a landscape (all)")
    parser.add_argument("--agent", action="append", choices=AGENTS, help="an agent (all)")
    parser.add_argument("--seeds", type=int, default=10, help="runs of an agent on a landscape")
    parser.add_argument("--most", type=int, default=LONG, help="most evaluations of any agent")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no search after so many")
    parser.add_argument("--figure", type=Path, help="draw the curves into this file")
    default = Path(tempfile.gettempdir()) / "nas-gym-rl-against-evolution.jsonl"
    parser.add_argument("--out", type=Path, default=default, help="file of records (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
