"""What building the computation costs beside computing: set-up and results against training steps.

    python -m benchmarks.speed.setup                    # two minutes
    python -m benchmarks.speed.setup --case "whole mlp space, 1 epoch" --repeats 3
    python -m benchmarks.speed.setup --device cuda      # all members in one chunk

Networks train in one thread, in the chunks that the engine would plan. Medians, ms of processor time a
network, with a GPU ms by the clock:

plan: costs of members and the plan of chunks.
build: graphs, groups, the recorded programs and the initial weights of every chunk.
record: kernels recorded into calls, where they run often.
steps: epochs of training and their evaluation.
results: curves, losses and metrics as `Trained`.

``share`` is the part of all but the steps in the whole.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.speed.training_worker import TASKS, data_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import ChunkTraining, Cost, Keep, Member, Recipe, plan_chunks

CASES: dict[str, dict[str, Any]] = {
    "mlp on digits": {"space": "mlp", "task": "digits", "networks": 256, "epochs": 10},
    "whole mlp space, 1 epoch": {"space": "mlp", "task": "digits", "networks": None, "epochs": 1},
    "conv on mnist1d": {"space": "conv", "task": "mnist1d", "networks": 16, "epochs": 10},
    "cell on mnist1d": {"space": "cell", "task": "mnist1d", "networks": 16, "epochs": 10},
    "transformer on language_id": {
        "space": "transformer",
        "task": "language_id",
        "networks": 64,
        "epochs": 3,
    },
    "tabular on breast_cancer": {
        "space": "tabular",
        "task": "breast_cancer",
        "networks": 256,
        "epochs": 10,
    },
}
PARTS = ("plan", "build", "record", "steps", "results")
BUDGET = 2**30


class Timed(ChunkTraining):
    """A chunk that notes how long its parts take."""

    seconds: dict[str, float]

    def _prepare(self) -> None:
        self.seconds["record"] += timed(super()._prepare)[1]

    def _results(self, *arguments: Any) -> Any:
        results, taken = timed(partial(super()._results, *arguments))
        self.seconds["results"] += taken
        return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--every", type=int, default=1, help="of the chunks train one in so many")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures = {}
    for name in options.case or CASES:
        runs = [
            measure(CASES[name], torch.device(options.device), options.every) for _ in range(options.repeats)
        ]
        figures[name] = {part: statistics.median(run[part] for run in runs) for part in PARTS}
    if options.json:
        print(json.dumps(figures))
        return
    table = Table(title=f"Set-up and results against training steps on {options.device}, ms a network")
    for heading in ("case", *PARTS, "share"):
        table.add_column(heading)
    for name, row in figures.items():
        share = 1 - row["steps"] / sum(row.values())
        table.add_row(name, *(f"{1e3 * row[part]:.3f}" for part in PARTS), f"{share:.0%}")
    Console().print(table)


def measure(case: dict[str, Any], device: torch.device, every: int) -> dict[str, float]:
    """Seconds a network of every part."""
    task = make_task(TASKS[case["task"]])
    data = data_of(task, device)
    recipe = Recipe(epochs=case["epochs"], batch_size=64)
    members = draw(case, task)
    seconds = dict.fromkeys(PARTS, 0.0)
    chunks, seconds["plan"] = timed(lambda: plan(members, recipe, device))
    seconds["plan"] /= len(members)
    trained = sum(map(len, chunks[::every]))
    with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
        for chunk in chunks[::every]:
            part = [members[m] for m in chunk]
            training, taken = timed(partial(Timed, part, data, recipe, Keep()))
            seconds["build"] += taken
            training.seconds = {"record": 0.0, "results": 0.0}
            _, whole = timed(partial(training.run, lambda *_: None, lambda: False))
            seconds["steps"] += whole - sum(training.seconds.values())
            for name, value in training.seconds.items():
                seconds[name] += value
    return {name: value if name == "plan" else value / trained for name, value in seconds.items()}


def plan(members: list[Member], recipe: Recipe, device: torch.device) -> list[list[int]]:
    """The chunks of one core of two, or all members on another device."""
    if device.type != "cpu":
        return [list(range(len(members)))]
    return plan_chunks(members, [Cost.of(member, recipe) for member in members], BUDGET, 2)


def draw(case: dict[str, Any], task: Any) -> list[Member]:
    """Architectures drawn uniformly with seed 0, or all of the space."""
    space = make_search_space(case["space"], task.input_shape, task.outputs, task.facts)
    if case["networks"] is None:
        return [Member(space.network(architecture), 0) for architecture in space]
    rng = np.random.default_rng(0)
    return [Member(space.network(space.sample(rng)), 0) for _ in range(case["networks"])]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and its seconds: of the processor, with a GPU by the clock."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    start = clock()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, clock() - start


if __name__ == "__main__":
    main()
