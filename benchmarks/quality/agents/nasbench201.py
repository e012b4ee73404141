"""All agents on NAS-Bench-201, and a protocol of replays beside the figures that others found by it.

    python benchmarks/quality/agents/nasbench201.py                 # every agent at 12,000 and 20,000 seconds
    python benchmarks/quality/agents/nasbench201.py --agent model-based --agent local-search --seeds 100
    python benchmarks/quality/agents/nasbench201.py optimum            # evaluations to the best cell
    python benchmarks/quality/agents/nasbench201.py optimum --seen 0   # of one recorded training seed
    python benchmarks/quality/agents/nasbench201.py replay             # the protocol of nasbench201_replay.py

``search``: an agent sees the 12-epoch validation accuracy and pays a run's recorded seconds; the
request that would exceed the budget is not made. Its choice, the best that it saw, is scored by the
200-epoch test accuracy, a mean over seeds. ``optimum``: an agent sees the mean 200-epoch validation
accuracy, or with ``--seen`` that of one recorded training seed, and what counts are the evaluations
until it asks for the best cell by what it sees. Runs go on where an
earlier call with the same ``--out`` stopped.

The hyperparameters of the model-based agent were chosen on other landscapes, before it was run on
this one: see benchmarks/quality/agents/model_based_tuning.py, which repeats the choice.
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
from nas_agents import AGENTS, label, make_agent
from nasbench201_replay import PROTOCOLS, replay
from nasbench201_report import optimum_table, replay_table, search_table
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from until_optimum import evaluations_to_optimum, until_optimum

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import TableEvaluator
from nas_gym.tables import Table, read_nasbench201

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records, run_each

DATA = Path(__file__).parents[4] / "shared" / "data" / "nasbench201_cifar10.csv.gz"
SHORT = 12
BUDGETS = (12_000, 20_000)
MOST_EVALUATIONS = 150
SLOW = ("ppo", "dqn", "tpe", "nsga2", "optuna-random")
SEEDS_OF_A_JOB = 10
MODEL, RIVAL = "model-based", "local-search"


def main() -> None:
    options = _options()
    table = read_nasbench201(options.table, "cifar10")
    console = Console(width=120)
    if options.mode == "replay":
        rows = replayed(table, options.seeds)
        console.print(replay_table(rows))
        _write(options.out, rows)
        return
    specs = [{"name": RIVAL, "improvement": "best"}, *AGENTS] if options.mode == "search" else [MODEL, RIVAL]
    if options.agent:
        specs = [json.loads(text) if text.startswith("{") else text for text in options.agent]
    runs = searched(options, specs)
    tests = 100 * table.mean_test_score()
    report: Callable[..., Any] = search_table if options.mode == "search" else optimum_table
    for tabulated in report(runs, MODEL, **({"test": tests} if options.mode == "search" else {})):
        console.print(tabulated)


def replayed(table: Table, seeds: int) -> list[dict[str, Any]]:
    """Test accuracies of the choices that the protocol's searches make."""
    seen, cost, test = table.mean_score(SHORT), table.cost(SHORT), 100 * table.mean_test_score()
    return [
        {
            "search": name,
            "seconds": limit,
            "replayed": list(protocol.replayed[limit]),
            "published": protocol.published.get(limit),
            "test": test[replay(protocol, seen, cost, limit, seeds)].tolist(),
        }
        for limit in BUDGETS
        for name, protocol in PROTOCOLS.items()
    ]


def searched(options: argparse.Namespace, specs: list[Any]) -> list[dict[str, Any]]:
    """The runs asked for: those of the file, and the others made now and appended to it."""
    seen = "" if options.seen is None else f"-{options.seen}"
    out = options.out or Path(tempfile.gettempdir()) / f"nasbench201-{options.mode}{seen}.jsonl"
    done = read_records(out)
    known = {(run["agent"], run["budget"], run["seed"]) for run in done}
    budgets = options.seconds if options.mode == "search" else [MOST_EVALUATIONS]
    wanted = [
        (spec, budget, seed)
        for spec in specs
        for budget in budgets
        for seed in range(options.slow_seeds if make_agent(spec).name in SLOW else options.seeds)
    ]
    missing = [run for run in wanted if (label(run[0]), run[1], run[2]) not in known]
    jobs = [
        {
            "table": str(options.table),
            "mode": options.mode,
            "seen": options.seen,
            "runs": missing[start : start + SEEDS_OF_A_JOB],
        }
        for start in range(0, len(missing), SEEDS_OF_A_JOB)
    ]
    print(f"{len(missing):,} of {len(wanted):,} runs are to be made; {out} keeps them")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("runs", total=len(missing))

        def keep(run: dict[str, Any]) -> None:
            done.append(run)
            append_record(out, run)
            progress.update(bar, advance=1, description=run["agent"])

        run_each(work, jobs, options.workers, keep)
    asked = {(label(spec), budget, seed) for spec, budget, seed in wanted}
    return [run for run in done if (run["agent"], run["budget"], run["seed"]) in asked]


def work(job: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """Some runs, in a process of their own."""
    env = environment(job["table"], job["mode"], job["seen"])
    for spec, budget, seed in job["runs"]:
        began = time.process_time()
        found = (
            _searched_once(env, spec, budget, seed)
            if job["mode"] == "search"
            else {"evaluations_to_optimum": evaluations_to_optimum(env, spec, budget, seed)}
        )
        passed = round(time.process_time() - began, 3)
        report({"agent": label(spec), "budget": budget, "seed": seed, "process_seconds": passed} | found)


def _searched_once(env: gym.Env[Any, Any], spec: Any, budget: float, seed: int) -> dict[str, Any]:
    space = env.unwrapped.search_space  # type: ignore[attr-defined]
    result = make_agent(spec).search(env, {"seconds": float(budget)}, seed)
    return {
        "choice": space.index(space.parse(result.architecture)),
        "evaluations": len(result.evaluations),
        "seconds": result.seconds,
    }


@cache
def environment(path: str, mode: str, seen: int | None = None) -> gym.Env[Any, Any]:
    """The environment of a mode, once in a process."""
    table = read_nasbench201(Path(path), "cifar10")
    if mode == "optimum":
        return until_optimum(table, "mean" if seen is None else [seen])
    evaluator = TableEvaluator(table, fidelity=SHORT)
    return gym.make(
        "NASBench201-v0", search_space=table.search_space, task=evaluator.task, evaluator=evaluator
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("mode", nargs="?", default="search", choices=("search", "optimum", "replay"))
    parser.add_argument("--table", type=Path, default=DATA, help="the results of NAS-Bench-201 (.csv.gz)")
    parser.add_argument("--agent", action="append", help="a name, or JSON with its hyperparameters")
    parser.add_argument("--seeds", type=int, default=500, help="runs of an agent")
    parser.add_argument("--slow-seeds", type=int, default=500, help=f"runs of {', '.join(SLOW)}")
    parser.add_argument("--seconds", type=int, action="append", help="a budget of ``search``; repeatable")
    parser.add_argument("--seen", type=int, help="of ``optimum``: the one training seed that is seen")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--out", type=Path, help="JSON lines of the runs; of replay JSON")
    options = parser.parse_args()
    options.seconds = options.seconds or list(BUDGETS)
    return options


def _write(out: Path | None, rows: list[dict[str, Any]]) -> None:
    if out:
        out.write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
