"""One measurement of `training.py`, in a process of its own: prints a line of JSON."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from typing import Any

import numpy as np
import torch

from benchmarks.speed.ordinary_loop import train_ordinary
from nas_gym.networks import Network, NetworkBuilder
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from nas_gym.training import ChunkTraining, Member, Recipe, TrainingData, plan_chunks, train

TASKS: dict[str, dict[str, Any]] = {
    "digits": {"name": "digits"},  # 60% for training by default
    "mnist1d": {"name": "mnist1d", "train_size": 3000, "validation_size": 1000, "test_size": 1000},
    "melting_point": {"name": "melting_point", "kind": "classes"},
    "language_id": {"name": "language_id"},
    "breast_cancer": {"name": "breast_cancer"},
    "spelling": {"name": "spelling"},
    "dates": {"name": "dates"},
    "seasonal": {"name": "seasonal"},
    "spoken_words": {"name": "spoken_words"},
    "pronunciation": {"name": "pronunciation"},
    "mnist5k": {"name": "mnist5k"},
    "scene_digits": {"name": "scene_digits"},
}
FITTING: dict[str, tuple[str, ...]] = {
    "mlp": ("digits", "mnist1d"),
    "conv": ("digits", "mnist1d"),
    "cell": ("digits", "mnist1d"),
    "macro": ("digits", "mnist1d"),
    "nasbench101": ("digits", "mnist1d"),
    "tabular": ("breast_cancer",),
    "ft_transformer": ("breast_cancer",),
    "graph": ("melting_point",),
    "nasbench_graph": ("melting_point",),
    "recurrent": ("language_id",),
    "recurrent_cell": ("spelling",),
    "seq2seq": ("dates",),
    "transformer": ("language_id",),
    "forecaster": ("seasonal",),
    "asr_cell": ("spoken_words",),
}
"""Tasks of `TASKS` that fit each search space of the package."""
SAME = "relu-64 > tanh-64"
DILATED = "dilated convolutions"
"""Chains that no space of the package has, see `dilated_chain`."""


def main() -> None:
    case = json.loads(sys.argv[1])
    threads = int(case.get("threads", 1))
    torch.set_num_threads(threads)
    task = make_task(TASKS[case["task"]])
    data = data_of(task)
    epochs, batch = case.get("epochs", 10), case.get("batch", 64)
    recipe = Recipe(epochs=epochs, batch_size=batch, optimizer="adamw", learning_rate=0.01)
    members = draw(case, task)
    if case["kind"] == "jax":
        from benchmarks.speed.jax_training import run_jax

        print(json.dumps(run_jax(len(members), task, recipe)))
        return
    if case["kind"] == "profile":
        from benchmarks.speed.training_profile import where_time_goes

        figures = where_time_goes(members, data, recipe, chunks=4)
        done = figures.pop("members")
        rate = arithmetic(done, data, recipe) / figures["seconds"]
        print(json.dumps(figures | {"networks": len(done), "of peak": rate / peak_rate(1)}))
        return
    if case["kind"] == "ordinary":
        # Every k-th network: the mean cost of all, in a fraction of the time.
        members = members[:: max(1, len(members) // case["ordinary"])][: case["ordinary"]]
    try_idea(case)
    # Two networks; of processes as many as start all of them.
    warm = case["cores"] if case.get("workers") == "processes" else 2
    warm_up = [Member(member.network, member.seed, epochs=1) for member in (members * warm)[:warm]]
    run(case, warm_up, data, recipe)
    clock = time.process_time if case.get("processor") else time.perf_counter
    before, start = peak_bytes(), clock()
    run(case, members, data, recipe)
    seconds = clock() - start
    memory = peak_bytes() - before
    rate = arithmetic(members, data, recipe) / seconds
    peak = peak_rate(int(case.get("cores", threads)))
    print(
        json.dumps({"seconds": seconds / len(members), "bytes": memory, "rate": rate, "of peak": rate / peak})
    )


def data_of(task: Task, device: torch.device | None = None, examples: int | None = None) -> TrainingData:
    """The training and the validation part of a task, or the first examples of each."""
    arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation)
    parts = (torch.tensor(array[:examples], device=device) for array in arrays)
    return TrainingData(*parts, loss=task.target.loss)


def try_idea(case: dict[str, Any]) -> None:
    """Change one constant inside the engine, to see what it is worth."""
    if "cache_bytes" in case:
        _set_beside(plan_chunks, "CACHE_BYTES", case["cache_bytes"])
    if case.get("one by one"):
        # Kernels are called from Python and not recorded.
        _set_beside(ChunkTraining, "WORTHWHILE_RUNS", math.inf)


def _set_beside(part: Any, constant: str, value: float) -> None:
    """Set a constant of the module that a part of the engine is defined in."""
    module = sys.modules[part.__module__]
    getattr(module, constant)  # fails if it has another name by now
    setattr(module, constant, value)


def draw(case: dict[str, Any], task: Any) -> list[Member]:
    """Architectures drawn uniformly with seed 0, or one architecture with many seeds."""
    if case["space"] == DILATED:
        rng = np.random.default_rng(0)
        return [Member(dilated_chain(task, rng), 0) for _ in range(case["networks"])]
    space = make_search_space(case["space"], task.input_shape, task.outputs, task.facts)
    if case.get("same"):
        network = space.network(space.parse(SAME))
        return [Member(network, 0)] * int(case["networks"])
    rng = np.random.default_rng(0)
    return [Member(space.network(space.sample(rng)), 0) for _ in range(case["networks"])]


def dilated_chain(task: Task, rng: np.random.Generator) -> Network:
    """Two to five dilated convolutions with batch norm and relu, then the mean and a linear layer."""
    builder = NetworkBuilder(task.input_shape)
    node = builder.input
    for _ in range(rng.integers(2, 6)):
        channels, kernel, dilation = (int(rng.choice(these)) for these in ((8, 16), (3, 5), (2, 4)))
        node = builder.dilated_conv(node, channels, kernel, dilation=dilation)
        node = builder.activation(builder.batch_norm(node), "relu")
    return builder.build(builder.linear(builder.global_avg_pool(node), task.outputs))


def run(case: dict[str, Any], members: list[Member], data: TrainingData, recipe: Recipe) -> None:
    """Train the members one way or the other."""
    if case["kind"] == "fused":
        # Unless the case is about them, threads: changes of an idea are made in this process alone.
        kind = case.get("workers", "threads")
        for _ in train(members, data, recipe, cores=case["cores"], workers=kind):
            pass
        return
    for member in members:
        train_ordinary(member, data, recipe)


def arithmetic(members: list[Member], data: TrainingData, recipe: Recipe) -> float:
    """Floating-point operations of training: forward, and backward twice as much."""
    examples = 3 * len(data.y_train) + len(data.y_validation)
    return float(sum(member.network.flops * recipe.epochs * examples for member in members))


def peak_rate(threads: int) -> float:
    """Floating-point operations a second of a large matrix product."""
    torch.set_num_threads(threads)
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    best = math.inf
    for _ in range(20):
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * 1024**3 / best


def peak_bytes() -> int:
    """The high-water mark of the process's resident set."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
