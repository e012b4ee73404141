"""Short trainings before full ones: the model-based agent against its single-fidelity form, at equal cost.

    python benchmarks/quality/agents/multi_fidelity.py
    python benchmarks/quality/agents/multi_fidelity.py --table nasbench201 --seeds 100

Every search has the recorded seconds of 60 mean full trainings. What counts is the regret, by the mean
validation score over training seeds, of the best network trained by the full recipe within 15, 30 and 60 of
them; p is of a paired permutation test against the form that trains by the full recipe alone. Of the tables
at hand those of the package have fidelities (1 to 15 epochs, 1 to 12 of conv-mnist1d, where going on from a
shorter training costs the difference) and NAS-Bench-201 has (12 of 200 epochs, by a schedule of its own, so
that a full training costs all of itself again); NAS-Bench-Macro has not. Runs go on where an earlier call
with the same ``--out`` stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import label, make_agent, permutation_test
from pretrained_landscapes import table_of
from rich.console import Console
from rich.table import Table as Grid

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import TableEvaluator

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records, run_each

TABLES = ("mlp-mnist1d", "mlp-digits", "conv-mnist1d")
SINGLE = "model-based"
VARIANTS = (
    SINGLE,
    *({"name": SINGLE, "short": short} for short in (0.07, 0.2, 0.4)),
    {"name": SINGLE, "thrift": 1.0},
    {"name": SINGLE, "short": 0.2, "thrift": 1.0},
    "hyperband",
)
BUDGETS = (15, 30, 60)
SEEDS_OF_A_JOB = 5


def main() -> None:
    options = _options()
    agents = [json.loads(text) if text.startswith("{") else text for text in options.agent or []] or VARIANTS
    tables = options.table or TABLES
    out = options.out or Path(tempfile.gettempdir()) / "nas-gym-multi-fidelity.jsonl"
    runs = read_records(out)
    known = {(run["table"], run["agent"], run["seed"]) for run in runs}
    wanted = [(table, agent, seed) for table in tables for agent in agents for seed in range(options.seeds)]
    missing = [each for each in wanted if (each[0], label(each[1]), each[2]) not in known]
    jobs = [
        {"runs": missing[start : start + SEEDS_OF_A_JOB]} for start in range(0, len(missing), SEEDS_OF_A_JOB)
    ]

    def keep(run: dict[str, Any]) -> None:
        runs.append(run)
        append_record(out, run)

    run_each(work, jobs, options.workers, keep)
    asked = {(table, label(agent), seed) for table, agent, seed in wanted}
    for table in tables:
        shown = [run for run in runs if run["table"] == table]
        shown = [run for run in shown if (table, run["agent"], run["seed"]) in asked]
        Console(width=120).print(tabulated(table, shown))


def work(job: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Some runs, in a process of their own."""
    for table, agent, seed in job["runs"]:
        env, best, training = environment(table)
        result = make_agent(agent).search(env, {"seconds": BUDGETS[-1] * training}, seed)
        spent = np.cumsum(result.charges)
        full = [
            (seconds, one.score)
            for seconds, one in zip(spent, result.evaluations, strict=True)
            if one.fidelity is None
        ]
        regrets = [
            best - max((score for seconds, score in full if seconds <= budget * training), default=0.0)
            for budget in BUDGETS
        ]
        run = {"table": table, "agent": label(agent), "seed": seed, "regrets": regrets}
        report(run | {"full": len(full), "short": len(result.evaluations) - len(full)})


@cache
def environment(name: str) -> tuple[gym.Env[Any, Any], float, float]:
    """The environment of a table, its best score, and the seconds of a mean full training."""
    table = table_of(name)
    evaluator = TableEvaluator(table, seeds="mean")
    env = gym.make("NAS-v0", search_space=table.search_space, task=evaluator.task, evaluator=evaluator)
    # An evaluation over all seeds is charged their seconds together.
    training = float(table.cost().mean()) * len(evaluator.seeds)
    return env, float(np.max(evaluator.score_by_index())), training


def tabulated(table: str, runs: list[dict[str, Any]]) -> Grid:
    """Mean regrets in hundredths of the score with standard errors, and the tests."""
    grid = Grid(title=f"{table}: regret in hundredths at the cost of so many full trainings")
    grid.add_column("agent")
    for head in ("runs", "full", "short", *(f"{budget} (p)" for budget in BUDGETS)):
        grid.add_column(head, justify="right")
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for run in runs:
        found.setdefault(run["agent"], {})[run["seed"]] = run
    for agent, by_seed in found.items():
        seeds = sorted(by_seed)
        counts = [f"{np.mean([by_seed[seed][name] for seed in seeds]):.0f}" for name in ("full", "short")]
        cells = []
        for number in range(len(BUDGETS)):
            own = np.array([by_seed[seed]["regrets"][number] for seed in seeds]) * 100
            cell = f"{own.mean():.3f} ± {own.std(ddof=1) / len(own) ** 0.5:.3f}" if len(own) > 1 else f"{own}"
            rival = found.get(SINGLE, {})
            if agent != SINGLE and all(seed in rival for seed in seeds) and len(seeds) > 1:
                theirs = np.array([rival[seed]["regrets"][number] for seed in seeds]) * 100
                cell += f" ({permutation_test(own, theirs, 0, paired=True).p:.2g})"
            cells.append(cell)
        grid.add_row(agent, str(len(seeds)), *counts, *cells)
    return grid


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--table", action="append", help=f"of {', '.join(TABLES)} (all), or nasbench201")
    parser.add_argument("--agent", action="append", help="a name, or JSON with its hyperparameters")
    parser.add_argument("--seeds", type=int, default=60, help="runs of an agent on a table")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--out", type=Path, help="JSON lines of the runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
