"""From how much arithmetic on does it pay to start processes instead of threads (`WORTHWHILE_FLOPS`)?

    python -m benchmarks.speed.start_processes                  # some minutes on two free cores
    python -m benchmarks.speed.start_processes --amount 1e11 --amount 1e12 --repeats 5

Random perceptrons on digits, so many that training them takes about each amount as the engine estimates it,
are trained by threads and by processes in turn, each time in a fresh interpreter, so that the processes have
to be started. The figures are the least seconds of the repeats, since a busy machine only adds to them.
Processes pay from the amount at which the ratio falls below 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed.training_worker import TASKS, draw
from nas_gym.tasks import make_task
from nas_gym.training import PASSES, Cost, Member, Recipe, TrainingData, train

ROOT = Path(__file__).parents[2]
KINDS = ("threads", "processes")
RECIPE = Recipe(epochs=10, batch_size=64, learning_rate=0.01)
DRAWN = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--amount", type=float, action="append", help="floating-point operations; repeatable")
    parser.add_argument("--cores", type=int, default=2, help="threads or processes")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(**json.loads(options.one))))
        return
    print(f"operations, networks: least seconds of {options.repeats} with {options.cores} workers")
    for amount in options.amount or (1e11, 3e11, 1e12, 3e12):
        runs = [
            [fresh({"kind": kind, "amount": amount, "cores": options.cores}) for kind in KINDS]
            for _ in range(options.repeats)
        ]
        threads, processes = (min(each["seconds"] for each in kind) for kind in zip(*runs, strict=True))
        flops, networks = (runs[0][0][name] for name in ("flops", "networks"))
        seconds = f"threads {threads:.1f}, processes {processes:.1f}, ratio {processes / threads:.2f}"
        print(f"{flops:.1e}, {networks}: {seconds}", flush=True)


def fresh(case: dict[str, Any]) -> dict[str, float]:
    """Measure in an interpreter of its own."""
    command = [sys.executable, "-m", "benchmarks.speed.start_processes", "--one", json.dumps(case)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(kind: str, amount: float, cores: int) -> dict[str, float]:
    """Seconds of training networks that take about an amount of arithmetic."""
    torch.set_num_threads(cores)
    task = make_task(TASKS["digits"])
    arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation)
    data = TrainingData(*(torch.tensor(array) for array in arrays))
    drawn = draw({"space": "mlp", "task": "digits", "networks": DRAWN}, task)
    flops = PASSES * len(data.y_train) * sum(Cost.of(member, RECIPE).work for member in drawn)
    count = max(cores, round(DRAWN * amount / flops))
    members = [Member(drawn[number % DRAWN].network, number // DRAWN) for number in range(count)]
    list(train(members[:1], data, RECIPE, workers="threads"))  # libraries are loaded
    start = time.perf_counter()
    list(train(members, data, RECIPE, cores=cores, workers=kind))  # type: ignore[arg-type]
    return {
        "seconds": time.perf_counter() - start,
        "networks": count,
        "flops": PASSES * len(data.y_train) * sum(Cost.of(member, RECIPE).work for member in members),
    }


if __name__ == "__main__":
    main()
