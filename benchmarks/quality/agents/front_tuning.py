"""The choice of how the model-based agent searches a front, on tables of the package and planted cells.

    python benchmarks/quality/agents/front_tuning.py
    python benchmarks/quality/agents/front_tuning.py --agent '{"name": "model-based", "near": 2}'

A planted landscape of cells has the FLOPs of the networks of the cell space and a score by a formula whose
constants are drawn: every path from input to output adds to it by its operations. A third of them have a
trap, an operation that looks bad on the first edge unless another edge is set. No published benchmark takes
part. What counts is the share of the exact front's hypervolume after 100 evaluations: its lower quartile over
seeds, since searches go wrong in a part of their runs, and of that the mean over the problems.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import label, make_agent, run_jobs
from rich.console import Console
from rich.table import Table

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.envs import hypervolume_share
from nas_gym.search_spaces import Architecture

TABLES = ("mlp-mnist1d", "mlp-digits", "conv-mnist1d")
CELLS, TRAPS = 4, 2
PROBLEMS = (
    *TABLES,
    *(f"cells{number}" for number in range(CELLS)),
    *(f"traps{number}" for number in range(TRAPS)),
)
VARIANTS = (
    "model-based",
    {"name": "model-based", "by_class": False},
    *({"name": "model-based", "near": near} for near in (0, 2, 5)),
    "nsga2",
    "tpe",
)
BUDGETS = (50, 100)
PATHS = (((0, 3),), ((0, 1), (1, 3)), ((0, 2), (2, 3)), ((0, 1), (1, 2), (2, 3)))
FIRST, OTHERS = (0, 1), ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
GOOD, BAD = 2.0, 0.2
"""What the operation of a trap counts on the first edge with its partner, and without."""
NONE, OPERATIONS = "none", ("skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3")
STEEPNESS, SPAN, TOP = 0.8, 0.06, 0.95
"""Of the curve from strength to score, which saturates: TOP - SPAN * exp(-STEEPNESS * strength)."""


def main() -> None:
    options = _options()
    agents = [json.loads(text) if text.startswith("{") else text for text in options.agent or []] or VARIANTS
    jobs = [
        {"problem": problem, "agent": agent, "seeds": options.seeds}
        for problem in options.problem or PROBLEMS
        for agent in agents
    ]
    runs: list[dict[str, Any]] = []

    def keep(_: int, run: dict[str, Any] | None) -> None:
        if run is not None:
            runs.append(run)

    for failure in run_jobs(work, jobs, options.workers, keep):
        raise SystemExit(f"{jobs[failure.job]}: {failure.reason}\n{failure.details}")
    Console(width=180).print(report(runs))


def work(job: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    """The runs of an agent on a problem, in a process of their own."""
    env = environment(job["problem"])
    unwrapped: Any = env.unwrapped
    front = np.array(unwrapped.pareto_front(gamma=1.0))
    for seed in range(job["seeds"]):
        gains = unwrapped.objectives.gains(
            make_agent(job["agent"]).search(env, BUDGETS[-1], seed).evaluations
        )
        shares = [hypervolume_share(gains[:budget], front) for budget in BUDGETS]
        report({"problem": job["problem"], "agent": label(job["agent"]), "shares": shares})


@cache
def environment(problem: str) -> gym.Env[Any, Any]:
    """The environment of a table, ``"<benchmark>-<task>"``, or of planted cells, ``"cells<number>"``.

    With a trap, these are ``"traps<number>"``.
    """
    if problem.startswith(("cells", "traps")):
        cells = Cells(int(problem[5:]), trap=problem.startswith("traps"))
        evaluator = {"name": "function", "function": cells}
        options = {"search_space": "cell", "task": "mnist1d", "horizon": 20}
        return gym.make("NASMultiObjective-v0", objectives=("score", "flops"), evaluator=evaluator, **options)
    benchmark, _, task = problem.partition("-")
    evaluator = {"name": "table", "benchmark": benchmark}
    return gym.make(
        "NASMultiObjective-v0", task=task, objectives=("score", "parameters"), evaluator=evaluator
    )


class Cells:
    """A score of cells by a formula with drawn constants.

    With a trap, the stronger convolution is worth little on the first edge, and much where another edge,
    drawn, has an operation, drawn too. One of 25 cells has both, so that nearly all of the first cells seen
    with the convolution there are poor.

    Args:
        number: seed of the constants.
        trap: whether there is one.
    """

    def __init__(self, number: int, trap: bool = False) -> None:
        self._rng = np.random.default_rng(1000 + number)
        self._strength: dict[str, float] = {NONE: 0.0}
        self._by_length = float(self._rng.uniform(0.2, 1.0))
        for operation in OPERATIONS:
            middle = 0.0 if "conv" in operation else -0.7
            self._strength[operation] = float(self._rng.lognormal(middle, 0.5))
        self._trap: tuple[str, tuple[int, int], str] | None = None
        if trap:
            partner, needed = self._rng.integers(len(OTHERS)), self._rng.choice(OPERATIONS)
            strongest = max(OPERATIONS[2:], key=self._strength.__getitem__)
            self._trap = (strongest, OTHERS[partner], str(needed))

    def __call__(self, architecture: Architecture) -> float:
        """Return the score of a cell, in [0.1, 1]; 0.1 where no path leads through it."""
        links = {
            (source, node): operation for node in (1, 2, 3) for source, operation in architecture.inputs(node)
        }
        strength = {link: self._strength[links.get(link, NONE)] for path in PATHS for link in path}
        if self._trap is not None and links.get(FIRST) == self._trap[0]:
            _, partner, needed = self._trap
            strength[FIRST] *= GOOD if links.get(partner) == needed else BAD
        parts = [[strength[link] for link in path] for path in PATHS]
        through = [sum(path) ** self._by_length for path in parts if min(path) > 0]
        if not through:
            return 0.1
        return float(max(0.1, TOP - SPAN * np.exp(-STEEPNESS * (sum(through) - 2))))


def report(runs: list[dict[str, Any]]) -> Table:
    """Return the lower quartiles of shares by agent and problem, and means over all."""
    problems = list(dict.fromkeys(run["problem"] for run in runs))
    budgets = " and ".join(map(str, BUDGETS))
    grid = Table(title=f"Share of the front's hypervolume at {budgets}, lower quartile of the seeds")
    for head in ("agent", *problems, "mean of quartiles", "mean of means"):
        grid.add_column(head, justify="left" if head == "agent" else "right")
    for agent in dict.fromkeys(run["agent"] for run in runs):
        own = {
            name: [run["shares"] for run in runs if (run["problem"], run["agent"]) == (name, agent)]
            for name in problems
        }
        low = {name: np.quantile(shares, 0.25, axis=0) for name, shares in own.items()}
        quartiles = np.mean(list(low.values()), axis=0)
        means = np.mean([np.mean(shares, axis=0) for shares in own.values()], axis=0)
        grid.add_row(agent, *map(_cell, low.values()), _cell(quartiles), _cell(means))
    return grid


def _cell(shares: np.ndarray) -> str:
    return ", ".join(f"{share:.3f}" for share in shares)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--problem", action="append", help=f"of {', '.join(PROBLEMS)} (all), or another")
    parser.add_argument("--agent", action="append", help="a name, or JSON with its hyperparameters")
    parser.add_argument("--seeds", type=int, default=20, help="runs of an agent on a problem")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes side by side")
    return parser.parse_args()


if __name__ == "__main__":
    main()
