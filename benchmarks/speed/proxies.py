"""What it saves to read many untrained networks together, beside one after the other.

    python benchmarks/speed/proxies.py

Milliseconds of processor time a network, batches of 64 of mnist1d, medians of runs in turn: values of proxies
for networks one by one (`ProxyMeter.measure`) and for a pool (`ProxyMeter.pool`), which reads small networks
together. The last two columns are of the forward and backward pass alone, by autograd and by the kernels that
train networks side by side, large networks included: why a pool reads those one by one on a CPU.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from nas_gym.evaluators import ProxyMeter
from nas_gym.networks import Network, NetworkModule
from nas_gym.search_spaces import Architecture, make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import BatchPass, NodesToRead, loss_of, read_side_by_side

BATCH = 64
SPACES = {"mlp": 256, "cell": 48, "conv": 32}
"""Networks of each."""
TOGETHER = {"mlp": 64, "cell": 16, "conv": 16}
"""Of them so many are read side by side in the second table."""
PROXIES = (["snip"], ["nwot"], ["jacov"], ["zico"], ["snip", "nwot", "jacov", "meco"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = make_task("mnist1d")
    table = Table("space", "proxies", "alone (ms)", "in a pool (ms)", "ratio")
    passes = Table("space", "pass by autograd (ms)", "side by side (ms)", "ratio")
    for name, count in SPACES.items():
        space = make_search_space(name, task.input_shape, task.outputs)
        rng = np.random.default_rng(0)
        pool = [space.sample(rng) for _ in range(count)]
        meter = ProxyMeter(space, task, "cpu", batch=BATCH)
        for proxies in PROXIES:
            ways = partial(one_by_one, meter, pool, proxies), partial(meter.pool, pool, proxies, 0)
            alone, together = medians(ways, count, options.runs)
            table.add_row(
                name, ", ".join(proxies), f"{alone:.2f}", f"{together:.2f}", f"{alone / together:.2f}"
            )
        networks = [space.network(each) for each in pool]
        alone, together = medians(passes_of(networks, TOGETHER[name], task), count, options.runs)
        passes.add_row(name, f"{alone:.2f}", f"{together:.2f}", f"{alone / together:.2f}")
    for each in (table, passes):
        Console().print(each)


def one_by_one(meter: ProxyMeter, pool: Sequence[Architecture], proxies: Sequence[str]) -> None:
    """Measure the networks of a pool one after the other."""
    for architecture in pool:
        meter.measure(architecture, proxies, 0)


def passes_of(networks: Sequence[Network], size: int, task: Any) -> tuple[Callable[[], Any], ...]:
    """Return what computes the passes of all networks, by autograd and side by side."""
    x, y = torch.tensor(task.x_train[:BATCH]), torch.tensor(task.y_train[:BATCH])
    loss = loss_of(task.target.loss)
    targets = loss.targets(y, task.outputs, 0.0)

    def by_autograd() -> None:
        for network in networks:
            module = NetworkModule(network)
            loss.mean(module(x), targets).backward()

    def side_by_side() -> None:
        for start in range(0, len(networks), size):
            part = networks[start : start + size]
            given = {"loss": task.target.loss, "outputs": task.outputs, "device": torch.device("cpu")}
            read_side_by_side(part, 0, [NodesToRead() for _ in part], [BatchPass(x, y)], **given)

    return by_autograd, side_by_side


def medians(ways: Sequence[Callable[[], Any]], networks: int, runs: int) -> list[float]:
    """Return milliseconds a network, of each way, run in turn; one run before goes unmeasured."""
    seconds: list[list[float]] = [[] for _ in ways]
    for run in range(runs + 1):
        for place, way in enumerate(ways):
            start = time.process_time()
            way()
            if run:
                seconds[place].append(time.process_time() - start)
    return [1000 * float(np.median(each)) / networks for each in seconds]


if __name__ == "__main__":
    main()
