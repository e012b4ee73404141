"""What one new network costs at a time: the engine against the ordinary loop, in processor time.

    python -m benchmarks.speed.single                  # every space of the package, ten minutes
    python -m benchmarks.speed.single --space cell --task mnist1d --epochs 15

This is what a walk agent pays by real training: every step trains one network that was not seen before.
Each network is trained by the engine and by the ordinary loop of `ordinary_loop.py` in turn, with the
same weights, batches and recipe, on one thread; the figure is the least processor time of all threads
over the repeats, since a busy machine only adds to it. The ratio is that of the sums over networks; the
least and the largest of a network stand beside it. With ``--whole`` networks are trained by the recipe that
an evaluator has by itself, of at least 120 steps; else for an epoch, in which set-up weighs most: of
``breast_cancer`` it is 3 steps.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.speed.ordinary_loop import train_ordinary
from benchmarks.speed.training_worker import FITTING, TASKS, data_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import Member, Recipe, TrainingData, recipe_for, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--space", action="append", choices=tuple(FITTING), help="only this space; repeatable"
    )
    parser.add_argument("--task", action="append", choices=tuple(TASKS), help="only this task; repeatable")
    parser.add_argument("--networks", type=int, default=4, help="networks of each space")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each network")
    parser.add_argument("--epochs", type=int, default=1, help="set-up weighs most in few")
    parser.add_argument("--whole", action="store_true", help="as many epochs as an evaluator trains for")
    parser.add_argument("--examples", type=int, help="most examples of a part; all by default")
    parser.add_argument("--json", action="store_true", help="print the figures as lines of JSON alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for space in options.space or FITTING:
        for task in options.task or FITTING[space]:
            if task in FITTING[space]:
                rows.append(measure(space, task, options))
                print(json.dumps(rows[-1]), file=sys.stdout if options.json else sys.stderr, flush=True)
    if options.json:
        return
    table = Table(title="One network at a time: ms of processor time")
    for heading in ("space", "task", "engine", "ordinary", "engine/ordinary", "least", "largest"):
        table.add_column(heading)
    for row in rows:
        ratios = row["ratios"]
        figures = (row["ratio"], ratios[0], ratios[-1])
        table.add_row(
            row["space"],
            row["task"],
            f"{1e3 * row['engine']:.1f}",
            f"{1e3 * row['ordinary']:.1f}",
            *(f"{figure:.2f}" for figure in figures),
        )
    Console().print(table)


def measure(space_name: str, task_name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Mean seconds of both kinds over networks, each the least of measurements that took turns."""
    task = make_task(TASKS[task_name])
    data = data_of(task, examples=options.examples)
    recipe = recipe_for({} if options.whole else {"epochs": options.epochs}, len(data.y_train))
    space = make_search_space(space_name, task.input_shape, task.outputs, task.facts)
    rng = np.random.default_rng(0)
    members = [Member(space.network(space.sample(rng)), 0) for _ in range(options.networks + 1)]
    pairs = []
    for member in members:
        runs = [
            [seconds(kind, member, data, recipe) for kind in (by_engine, train_ordinary)]
            for _ in range(options.repeats)
        ]
        pairs.append([min(each) for each in zip(*runs, strict=True)])
    engine, ordinary = (statistics.mean(each) for each in zip(*pairs[1:], strict=True))  # the first warms up
    return {
        "space": space_name,
        "task": task_name,
        "engine": engine,
        "ordinary": ordinary,
        "ratio": engine / ordinary,
        "ratios": sorted(one / other for one, other in pairs[1:]),
    }


def by_engine(member: Member, data: TrainingData, recipe: Recipe) -> None:
    """Train a network as an evaluator does."""
    list(train([member], data, recipe, cores=1))


def seconds(kind: Callable[..., object], *arguments: Any) -> float:
    """Processor time of a call, of all threads."""
    start = time.process_time()
    kind(*arguments)
    return time.process_time() - start


if __name__ == "__main__":
    main()
