"""Searches without training on CIFAR-10, judged by the published accuracies of NAS-Bench-201.

    python benchmarks/quality/one_shot/cifar10.py --device cuda --out cifar10.jsonl     # 5 minutes a method
    python benchmarks/quality/one_shot/cifar10.py --device cuda --seeds 3 --method ranking --out cifar10.jsonl
    python benchmarks/quality/one_shot/cifar10.py --device cpu --tiny --out tiny.jsonl  # that it works at all

The skeleton is that of the benchmark, reduced to a cell in each of three stages. ``darts``, ``gdas``,
``drnas`` and ``beta-darts`` choose a cell: printed are its published test accuracy after 200 epochs, the mean
over seeds, and its place among the 15,625. ``ranking`` trains a supernet by paths and scores cells drawn at
random by it: printed is how well that ranks them by published validation accuracy, beside parameters. Before
it begins, each method is timed on a small budget, and gets the trainings that the minutes pay for, so choices
differ by machine.

A line of the file is a method with a seed, and what is there is not repeated. The files of the benchmark and
of CIFAR-10, a folder of images for each class, are not part of the package: ``--data`` says where they are.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import gymnasium as gym
import numpy as np
from nas_agents import make_agent

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import SupernetEvaluator
from nas_gym.evaluators.supernet import cache
from nas_gym.explain import rank_quality
from nas_gym.search_spaces import make_search_space
from nas_gym.tables import Table, read_nasbench201
from nas_gym.tasks import Task

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from cifar10_images import read_images
from run_records import append_record, read_records

DATA = Path(__file__).parents[4] / "shared" / "data"
AGENTS = ("darts", "gdas", "drnas", "beta-darts")
RANKING = "ranking"
SPACE = {"name": "cell", "channels": [16, 32, 64], "cells": 1}
RECIPE = {"epochs": 12, "batch_size": 256, "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 5e-4}
SIZES = {"train": 20_000, "validation": 20_000, "test": 2_000}
"""Images of each part; those of the first two are training images of CIFAR-10, as in the benchmark."""
TINY_SPACE = {"name": "cell", "channels": [4, 8], "cells": 1}
TINY_SIZES = {"train": 60, "validation": 40, "test": 40}
TINY_RECIPE = {"epochs": 1, "batch_size": 20}
TRIAL = 12
"""Trainings that a method is timed on: an epoch of a mixture costs several."""
CELLS = 1000


def main() -> None:
    options = _options()
    table = read_nasbench201(options.data / "nasbench201_cifar10.csv.gz", "cifar10")
    done = read_records(options.out)
    # A supernet that the user's cache folder keeps would take no time.
    with tempfile.TemporaryDirectory() as folder, patch.object(cache, "folder", lambda: Path(folder)):
        _make(options, table, done)
    print(tabulated(done))


def _make(options: argparse.Namespace, table: Table, done: list[dict[str, Any]]) -> None:
    """Run what is not in the file, and write it there."""
    known = {(each["method"], each["seed"]) for each in done}
    wanted = [(method, seed) for seed in range(options.seeds) for method in options.method or METHODS]
    missing = [each for each in wanted if each not in known]
    task = cifar10(options.data / "cifar10_jpg.tar.xz", options.sizes) if missing else None
    for method, seed in missing:
        assert task is not None
        found = {"method": method, "seed": seed} | METHODS[method](method, task, table, seed, options)
        done.append(found)
        append_record(options.out, found)
        print(json.dumps(found), flush=True)


def cifar10(archive: Path, sizes: dict[str, int]) -> Task:
    """Return CIFAR-10 as a task, with as many images of each class in each part."""
    x, y, parts = read_images(archive, {part: size // 10 for part, size in sizes.items()})
    return Task.from_arrays(x, y, name="cifar10", inputs="image", split=parts)


def chosen(method: str, task: Task, table: Table, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the cell that an agent chooses, and what is published of it."""

    def search(trainings: int) -> tuple[float, str]:
        evaluator = {"name": "train", "recipe": options.recipe}
        env = gym.make(
            "NAS-v0",
            search_space=options.space,
            task=task,
            evaluator=evaluator,
            store="memory",
            device=options.device,
        )
        began = time.perf_counter()
        result = make_agent({"name": method, "diagnosis": False}).search(env, trainings, seed)
        return time.perf_counter() - began, result.architecture

    search(TRIAL)  # what is made once in a process is no part of the timing
    trainings = paid_for(search(TRIAL)[0], options)
    took, architecture = search(trainings)
    row = table.row(table.search_space.parse(architecture))
    tests = table.mean_test_score()
    return {
        "trainings": trainings,
        "seconds": round(took, 1),
        "architecture": architecture,
        "test_accuracy": float(tests[row]),
        "better_cells": int((tests > tests[row]).sum()),
    }


def ranked(method: str, task: Task, table: Table, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return how well a supernet ranks cells by their published validation accuracy, and parameters."""
    space = make_search_space(options.space, task.input_shape, task.outputs)
    rows = np.random.default_rng(0).choice(table.size, options.cells, replace=False)
    cells = [space.parse(str(table.search_space.architecture(int(row)))) for row in rows]
    worth, parameters = table.mean_score()[rows], np.asarray(table.parameters)[rows]

    def scores(trainings: int) -> tuple[float, np.ndarray]:
        evaluator = SupernetEvaluator(
            space, task, options.device, trainings=trainings, recipe=options.recipe, seeds=[seed]
        )
        began = time.perf_counter()
        evaluator.supernet(seed)
        return time.perf_counter() - began, evaluator.scores(cells)

    trainings = paid_for(scores(TRIAL)[0], options)
    took, found = scores(trainings)
    return {
        "trainings": trainings,
        "seconds": round(took, 1),
        "cells": len(cells),
        "supernet": _known(rank_quality(found, worth, parameters)),
        "parameters": _known(rank_quality(parameters.astype(float), worth, parameters)),
    }


def _known(measured: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in measured.items()}


METHODS: dict[str, Callable[..., dict[str, Any]]] = {**dict.fromkeys(AGENTS, chosen), RANKING: ranked}


def paid_for(seconds: float, options: argparse.Namespace) -> int:
    """Return the trainings that the minutes pay for, where `TRIAL` trainings took so many seconds."""
    return TRIAL if options.tiny else max(TRIAL, int(60 * options.minutes / seconds * TRIAL))


def tabulated(done: Sequence[dict[str, Any]]) -> str:
    """Return the tables in Markdown."""
    lines = [
        "| method | seed | trainings | seconds | cell | test accuracy | better cells |",
        f"|{'---|' * 7}",
    ]
    lines += [
        f"| {each['method']} | {each['seed']} | {each['trainings']} | {each['seconds']} "
        f"| `{each['architecture'].replace('|', '!')}` | {each['test_accuracy']:.2%} "
        f"| {each['better_cells']:,} of 15,624 |"
        for each in done
        if "architecture" in each
    ]
    lines += ["", "| score | seed | cells | tau | within the best tenth | rho, parameters fixed |"]
    lines += [f"|{'---|' * 6}"]
    for each in done:
        for score in ("supernet", "parameters") if each["method"] == RANKING else ():
            found = each[score]
            measured = (found[name] for name in ("tau", "tau_top_tenth", "partial_rho"))
            numbers = " | ".join("-" if value is None else f"{value:.2f}" for value in measured)
            lines.append(f"| {score} | {each['seed']} | {each['cells']} | {numbers} |")
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, which are kept")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of both files")
    parser.add_argument("--device", default="auto", help="as of every environment")
    parser.add_argument("--method", action="append", choices=METHODS, help="all by default; repeatable")
    parser.add_argument("--seeds", type=int, default=1, help="of each method")
    parser.add_argument("--minutes", type=float, default=5.0, help="of the clock, of each method")
    parser.add_argument(
        "--tiny", action="store_true", help="a few images and steps, whose figures mean nothing"
    )
    options = parser.parse_args(arguments)
    options.space, options.recipe, options.sizes, options.cells = (
        (TINY_SPACE, TINY_RECIPE, TINY_SIZES, 20) if options.tiny else (SPACE, RECIPE, SIZES, CELLS)
    )
    return options


if __name__ == "__main__":
    main()
