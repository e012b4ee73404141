"""What `gpu.py` measures: the engine and the ordinary loop on a device, and what bounds them."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from scipy.stats import spearmanr
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed.ordinary_loop import train_ordinary
from benchmarks.speed.training_worker import arithmetic
from nas_gym.training import (
    PATHS,
    ChunkTraining,
    Keep,
    Member,
    Recipe,
    TrainingData,
    apart,
    paths_set,
    train,
)

SPANS = {
    "__init__": "set-up",
    "_prepare": "set-up",
    "_train_epoch": "steps",
    "_sums": "evaluation",
    "_results": "results",
}
"""Where the time of a chunk goes, by method."""
VALUE_TRANSFERS = 4
"""Of a training step: each value and each gradient is written once and read once."""
WEIGHT_TRANSFERS = 10
"""Of a training step: read twice, its gradient written and read, it and two moments read and written."""


def wait(device: torch.device) -> None:
    """Wait until the device has computed all."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(device: torch.device, work: Callable[[], object]) -> float:
    """Seconds of some work, of the device too."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


@contextmanager
def spans(device: torch.device) -> Iterator[dict[str, float]]:
    """Seconds that chunks spend in each of `SPANS` meanwhile."""
    found: dict[str, float] = defaultdict(float)
    before = {name: ChunkTraining.__dict__.get(name) for name in SPANS}

    def measured(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def run(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                wait(device)
                found[SPANS[name]] += time.perf_counter() - start

        return run

    for name in SPANS:
        setattr(ChunkTraining, name, measured(name, getattr(ChunkTraining, name)))
    try:
        yield found
    finally:
        for name, method in before.items():
            if method is None:
                delattr(ChunkTraining, name)
            else:
                setattr(ChunkTraining, name, method)


def engine(members: Sequence[Member], data: TrainingData, recipe: Recipe, **options: Any) -> dict[str, Any]:
    """Seconds a network of the engine, on one core of a CPU, and the shares of what they went to."""
    device = data.x_train.device
    list(train(members[:2], data, Recipe(epochs=1, batch_size=recipe.batch_size)))  # libraries are loaded
    with spans(device) as found:
        seconds = timed(device, lambda: list(train(members, data, recipe, cores=1, **options)))
    shares = {name: value / seconds for name, value in found.items()}
    shares["the rest"] = max(0.0, 1 - sum(shares.values()))
    steps = recipe.epochs * math.ceil(len(data.y_train) / recipe.batch_size)
    return {
        "seconds": seconds / len(members),
        "shares": shares,
        "milliseconds a step": 1e3 * found["steps"] / steps,
    }


def ordinary(members: Sequence[Member], data: TrainingData, recipe: Recipe, count: int) -> float:
    """Seconds a network of the ordinary loop, over `count` networks from all of them."""
    chosen = members[:: max(1, len(members) // count)][:count]
    device = data.x_train.device
    train_ordinary(Member(members[0].network, 0, epochs=1), data, recipe)
    return timed(device, lambda: [train_ordinary(member, data, recipe) for member in chosen]) / len(chosen)


@apart
def listed(members: Sequence[Member], data: TrainingData, recipe: Recipe) -> int:
    """Kernels that a step starts on a GPU, by its list, as it is on torch's device without numbers."""
    parts = (data.x_train, data.y_train, data.x_validation, data.y_validation)
    there = TrainingData(*(part.to("meta") for part in parts), loss=data.loss)
    with paths_set("meta", PATHS["cuda"]):
        return ChunkTraining(members, there, recipe, Keep()).launches


@apart
def kernels(members: Sequence[Member], data: TrainingData, recipe: Recipe) -> dict[str, Any]:
    """Kernels of a step with all members in one chunk: by its list, and as the card reports them."""
    device = data.x_train.device
    chunk = ChunkTraining(members, data, recipe, Keep())
    figures: dict[str, Any] = {"by the list": chunk.launches, "MiB": chunk.bytes / 2**20}
    if device.type != "cuda":
        return figures
    chunk._prepare()
    chunk._train_epoch(0, lambda: False)
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        chunk._train_epoch(1, lambda: False)
        wait(device)
    events = [event for event in recorded.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    steps = math.ceil(len(data.y_train) / recipe.batch_size)
    seconds: dict[str, float] = defaultdict(float)
    for event in events:
        seconds[event.name[:60]] += event.device_time
    total = sum(seconds.values())
    largest = sorted(seconds.items(), key=lambda item: -item[1])[:8]
    return figures | {
        "on the card": len(events) / steps,  # those that draw the epoch included
        "largest": {name: value / total for name, value in largest},
        "not recorded": chunk.failures,
    }


def floors(
    members: Sequence[Member], data: TrainingData, recipe: Recipe, peak: dict[str, float]
) -> dict[str, float]:
    """The least seconds a network by arithmetic, and by memory traffic if every value goes to memory once."""
    steps = recipe.epochs * math.ceil(len(data.y_train) / recipe.batch_size)
    examples = recipe.epochs * (VALUE_TRANSFERS * len(data.y_train) + 2 * len(data.y_validation))
    floats = sum(
        examples * sum(math.prod(node.shape) for node in member.network.nodes)
        + steps * WEIGHT_TRANSFERS * member.network.parameters
        for member in members
    )
    count = len(members)
    return {
        "arithmetic": arithmetic(list(members), data, recipe) / peak["operations"] / count,
        "memory": 4 * floats / peak["bytes"] / count,
    }


def peaks(device: torch.device, small: bool) -> dict[str, float]:
    """Floating-point operations a second of a large float32 product, and bytes a second of a copy."""
    side, floats = (512, 2**22) if small else (8192, 2**28)
    a = torch.randn(side, side, device=device)
    source = torch.zeros(floats, device=device)
    target = torch.zeros_like(source)
    multiply, copy = (
        apart(lambda work=work: statistics.median(timed(device, work) for _ in range(5)))
        for work in (lambda: torch.mm(a, a), lambda: target.copy_(source))
    )
    return {"operations": 2 * side**3 / multiply(), "bytes": 8 * floats / copy()}


def agreement(one: dict[int, float], other: dict[int, float]) -> dict[str, float]:
    """How far the final accuracies of the same members are from each other."""
    pairs = [(one[position], other[position]) for position in sorted(one)]
    differences = [abs(a - b) for a, b in pairs]
    return {
        "Spearman": float(spearmanr(*zip(*pairs, strict=True)).statistic),
        "mean difference": statistics.mean(differences),
        "largest": max(differences),
    }


def accuracies(members: Sequence[Member], data: TrainingData, recipe: Recipe) -> dict[int, float]:
    """Final validation accuracies; 0 of a member that failed."""
    results = train(members, data, recipe)
    return {position: 0.0 if result.error else result.curve[-1] for position, result in results}
