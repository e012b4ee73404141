"""Searches for the front of NAS-Bench-201: score against FLOPs, and against a latency.

    python benchmarks/quality/agents/objectives.py                          # against FLOPs, every agent below
    python benchmarks/quality/agents/objectives.py --cost raspi4 --seeds 100
    python benchmarks/quality/agents/objectives.py --agent model-based --agent nsga2

Score is the mean 200-epoch validation accuracy. What is measured is the share of the exact front's
hypervolume that the networks evaluated so far dominate, normalised by ideal and nadir of the front, with the
reference point 1.1 (`nas_gym.envs.hypervolume_share`), IGD+, and the share of the front's networks that were
found. Runs go on where an earlier call with the same ``--out`` stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import label, make_agent, permutation_test
from rich.console import Console
from rich.table import Table as Grid

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.envs import hypervolume_share, igd_plus, share_found
from nas_gym.tables import import_latencies, import_table

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records, run_each

SHARED = Path(__file__).parents[4] / "shared" / "data"
TABLE, LATENCY = "nasbench201_cifar10.csv.gz", "nasbench201_latency.csv.gz"
SPECS: list[Any] = [
    "random",
    "nsga2",
    {"name": "nsga2", "population": 20},
    "tpe",
    "evolution",
    "local-search",
    "model-based",
    {"name": "model-based", "acquisition": "parego"},
]
MODEL = "model-based"
BUDGETS = (50, 100, 200)


def main() -> None:
    options = _options()
    specs = [json.loads(text) if text.startswith("{") else text for text in options.agent or ()] or SPECS
    os.environ["NAS_GYM_TABLES"] = str(options.tables)
    prepared(options.data, options.cost)
    runs = searched(options, specs)
    print(f"the exact front has {len(front(options.cost))} networks")
    Console(width=120).print(report(runs, specs, options.cost))


def prepared(data: Path, cost: str) -> None:
    """Import what is not there yet into the folder of tables."""
    folder = Path(os.environ["NAS_GYM_TABLES"])
    if not (folder / "nasbench201-cifar10.npz").exists():
        import_table("nasbench201", data / TABLE, "cifar10")
    if cost != "flops" and not (folder / "latency").exists():
        import_latencies(data / LATENCY, "nasbench201-cifar10")


@cache
def environment(cost: str) -> gym.Env[Any, Any]:
    """The environment of a cost, once in a process."""
    evaluator: dict[str, Any] = {"name": "table", "benchmark": "nasbench201"}
    if cost in ("flops", "parameters"):
        return gym.make("NASMultiObjective-v0", objectives=("score", cost), evaluator=evaluator)
    return gym.make(
        "NASMultiObjective-v0", objectives=("score", "latency"), evaluator=evaluator | {"latency": cost}
    )


@cache
def front(cost: str) -> np.ndarray:
    """The exact front."""
    return np.array(environment(cost).unwrapped.pareto_front(gamma=1.0))  # type: ignore[attr-defined]


def searched(options: argparse.Namespace, specs: list[Any]) -> list[dict[str, Any]]:
    """The runs asked for: those of the file, and the others made now and appended to it."""
    out = options.out or Path(tempfile.gettempdir()) / f"nasbench201-objectives-{options.cost}.jsonl"
    done = read_records(out)
    known = {(run["agent"], run["seed"]) for run in done}
    wanted = [(spec, seed) for seed in range(options.seeds) for spec in specs]
    missing = [(spec, seed) for spec, seed in wanted if (label(spec), seed) not in known]
    jobs = [{"cost": options.cost, "runs": missing[n : n + 8]} for n in range(0, len(missing), 8)]
    print(f"{len(missing):,} of {len(wanted):,} runs are to be made; {out} keeps them")

    def keep(run: dict[str, Any]) -> None:
        done.append(run)
        append_record(out, run)

    run_each(work, jobs, options.workers, keep)
    asked = {(label(spec), seed) for spec, seed in wanted}
    return [run for run in done if (run["agent"], run["seed"]) in asked]


def work(job: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Some runs, in a process of their own."""
    env, exact = environment(job["cost"]), front(job["cost"])
    objectives = env.unwrapped.objectives  # type: ignore[attr-defined]
    for spec, seed in job["runs"]:
        began = time.process_time()
        result = make_agent(spec).search(env, BUDGETS[-1], seed)
        passed = time.process_time() - began
        gains = objectives.gains(result.evaluations)
        values = {
            str(budget): [hypervolume_share(seen, exact), igd_plus(seen, exact), share_found(seen, exact)]
            for budget in BUDGETS
            for seen in [gains[:budget]]
        }
        report({"agent": label(spec), "seed": seed, "process_seconds": round(passed, 2), "values": values})


def report(runs: list[dict[str, Any]], specs: list[Any], cost: str) -> Grid:
    """Return medians and quartiles of the agents, and how sure a difference to the model is."""
    grid = Grid(title=f"score against {cost}: median share of the exact front's hypervolume [quartiles]")
    heads = [f"HV at {budget}" for budget in BUDGETS]
    for head in ("agent", "runs", *heads, f"IGD+ at {BUDGETS[1]}", f"found at {BUDGETS[2]}", "p, model", "s"):
        grid.add_column(head, justify="left" if head == "agent" else "right")
    model = _values(runs, MODEL, BUDGETS[1], 0)
    for spec in specs:
        name = label(spec)
        shares = [_values(runs, name, budget, 0) for budget in BUDGETS]
        distance, found = _values(runs, name, BUDGETS[1], 1), _values(runs, name, BUDGETS[2], 2)
        seconds = [run["process_seconds"] for run in runs if run["agent"] == name]
        tested = name != MODEL and len(model) > 1 and len(shares[1]) > 1
        p = f"{permutation_test(model, shares[1], 0).p:.2g}" if tested else ""
        grid.add_row(
            name,
            str(len(seconds)),
            *map(_quartiles, shares),
            f"{np.median(distance):.4f}",
            f"{np.median(found):.2f}",
            p,
            f"{np.median(seconds):.1f}",
        )
    return grid


def _values(runs: list[dict[str, Any]], agent: str, budget: int, measure: int) -> np.ndarray:
    return np.array([run["values"][str(budget)][measure] for run in runs if run["agent"] == agent])


def _quartiles(values: np.ndarray) -> str:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{middle:.3f} [{low:.3f}, {high:.3f}]"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED, help=f"folder with {TABLE} and {LATENCY}")
    parser.add_argument("--tables", type=Path, default=Path(tempfile.gettempdir()) / "nas-gym-objectives")
    parser.add_argument("--cost", default="flops", help="flops, parameters, or a device, such as raspi4")
    parser.add_argument("--agent", action="append", help="a name, or JSON with its hyperparameters")
    parser.add_argument("--seeds", type=int, default=100, help="runs of an agent")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--out", type=Path, help="JSON lines of the runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
