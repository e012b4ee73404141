"""Where the engine's time goes: the kernels of one core's chunks, by kind, against the peak rate."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from nas_gym.training import ChunkTraining, Cost, Keep, Member, Recipe, TrainingData, plan_chunks

KINDS: dict[str, tuple[str, ...]] = {
    "matrix products and convolutions": ("mm", "bmm", "addmm", "baddbmm", "conv", "mkldnn"),
    "optimizer": ("_fused_adamw_", "_fused_adam_", "_fused_sgd_", "lerp", "addcmul", "addcdiv", "sqrt"),
    "copies and gathers": ("copy_", "index_select", "gather", "cat", "contiguous", "clone"),
}
BUDGET = 2**30


def where_time_goes(members: list[Member], data: TrainingData, recipe: Recipe, chunks: int) -> dict[str, Any]:
    """Share of the time of the kernels of each kind, for the first chunks trained on one thread.

    Returns:
        ``members`` that were trained; ``shares`` by kind, the rest as elementwise kernels, and what no
        kernel accounts for (Python, set-up of chunks); ``seconds`` with and without the profiler;
        ``largest`` kernels.
    """
    torch.set_num_threads(1)
    costs = [Cost.of(member, recipe) for member in members]
    planned = plan_chunks(members, costs, BUDGET, 2)[:chunks]

    def work() -> float:
        start = time.perf_counter()
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            for chunk in planned:
                training = ChunkTraining([members[m] for m in chunk], data, recipe, Keep())
                training.run(lambda *_: None, lambda: False)
        return time.perf_counter() - start

    work()
    plain = work()
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        profiled = work()
    seconds: dict[str, float] = defaultdict(float)
    kernels: dict[str, float] = {}
    for event in recorded.key_averages():
        own = event.self_cpu_time_total / 1e6
        seconds[_kind(event.key)] += own
        kernels[event.key] = own
    shares = {kind: value / profiled for kind, value in seconds.items()}
    shares["no kernel: Python, set-up"] = max(0.0, 1 - sum(shares.values()))
    largest = sorted(kernels.items(), key=lambda item: -item[1])[:12]
    return {
        "members": [members[m] for chunk in planned for m in chunk],
        "seconds": plain,
        "seconds profiled": profiled,
        "shares": dict(sorted(shares.items(), key=lambda item: -item[1])),
        "largest": {name: value / profiled for name, value in largest},
    }


def _kind(kernel: str) -> str:
    name = kernel.removeprefix("aten::")
    for kind, names in KINDS.items():
        if name.startswith(names):
            return kind
    return "elementwise and reductions"
