"""An evaluator that notes every training in a file, and a process that asks it through a store.

`main` with the arguments ``work STORE LOG FIRST LAST SECONDS`` evaluates architectures FIRST to
LAST - 1, each taking SECONDS; with ``open STORE LOG`` it opens the store once the file LOG exists
and counts its evaluations.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from nas_gym.evaluators import Evaluation, Evaluator, FinalScore, Request, Store, StoredEvaluator
from nas_gym.search_spaces.mlp import MLPSpace
from nas_gym.tasks import Task

TASK = Task.from_arrays(np.arange(60.0).reshape(-1, 1), np.arange(60) % 2)
SPACE = MLPSpace(TASK.input_shape, TASK.outputs)


class NotedEvaluator(Evaluator):
    """A score by the number of the architecture; every third diverges."""

    def __init__(self, log: Path, seconds: float = 0.0) -> None:
        self.search_space, self.task, self.seeds = SPACE, TASK, (0, 1)
        self.log, self.seconds = log, seconds
        self.stop_after: tuple[int, BaseException] | None = None

    def stream(self, requests):
        for position, request in enumerate(requests):
            if self.stop_after is not None and position == self.stop_after[0]:
                raise self.stop_after[1]
            self.note(f"{SPACE.index(request.architecture)} {request.seed}")
            time.sleep(self.seconds)
            yield position, evaluation(request)

    def test(self, architecture, seeds):
        self.note(f"test {len(seeds)}")
        return [FinalScore(seed, 0.5, seed / 7) for seed in seeds]

    def key(self, request):
        return {
            "architecture": str(request.architecture),
            "search_space": SPACE.config(),
            "task": TASK.fingerprint,
            "recipe": {"epochs": 3},
            "seed": request.seed,
            "fidelity": request.fidelity,
            "engine": 1,
            "numerics": "none",
        }

    def config(self):
        return {"name": "noted"}

    def fit(self, architecture, seed):
        return None, evaluation(Request(architecture, seed))

    def note(self, text):
        with self.log.open("a") as file:
            file.write(f"{text}\n")

    def noted(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


def evaluation(request):
    number = SPACE.index(request.architecture)
    failed = number % 3 == 2
    curve = () if failed else tuple((number + 1) / (10 + request.seed + epoch) / 7 for epoch in range(3))
    return Evaluation(
        architecture=str(request.architecture),
        score=0.0 if failed else curve[-1],
        curve=curve,
        parameters=number,
        flops=2**40 + number,
        seconds=0.1 * number,
        status="failed" if failed else "ok",
        error="training diverged" if failed else "",
        seeds=(request.seed,),
        fidelity=request.fidelity,
    )


def requests(first, last, seed=0):
    return [Request(SPACE.architecture(number), seed) for number in range(first, last)]


def rows(store, table):
    """All rows of a table of a store."""
    with store._engine.connect() as connection:
        return connection.execute(sa.select(table)).all()


def work(store, log, first, last, seconds):
    evaluator = StoredEvaluator(NotedEvaluator(Path(log), float(seconds)), Store(store))
    evaluator.evaluate(requests(int(first), int(last)))
    print(evaluator.hits, evaluator.trained)


def open_together(store, log):
    while not os.path.exists(log):
        time.sleep(0.001)
    opened = Store(store)
    print(opened, len(list(opened.evaluations())), "evaluations")


def main():
    {"work": work, "open": open_together}[sys.argv[1]](*sys.argv[2:])
