"""What it saves to compute the gradients of many untrained networks together, beside one after the other.

    python benchmarks/speed/proxies.py

Proxies read the results and gradients of networks with fresh weights. Forward and backward pass of a batch of
64, in processor time a network, medians of passes in turn. *Side by side* does equal operations of several
networks as one, by `torch.func.vmap`, as far as their order allows: it pays where networks have one form, and
a pool is of networks of many forms.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from nas_gym.evaluators.proxies.probe import Examples, Probe, run
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task

CPU = torch.device("cpu")
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--passes", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = make_task("mnist1d")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    rng = np.random.default_rng(0)
    one = space.network(space.sample(rng))
    several = [space.network(space.sample(rng)) for _ in range(64)]
    examples = Examples.drawn(task, 0, BATCH, CPU)
    cases = {
        "3 seeds of one network": [Probe(one, seed, examples, CPU) for seed in range(3)],
        "64 seeds of one network": [Probe(one, seed, examples, CPU) for seed in range(64)],
        "16 networks of a pool": [Probe(network, 0, examples, CPU) for network in several[:16]],
        "64 networks of a pool": [Probe(network, 0, examples, CPU) for network in several],
    }
    table = Table("networks of the mlp space", "one after the other (ms)", "side by side (ms)", "ratio")
    for name, probes in cases.items():
        alone, together = _measured([_alone, _side_by_side], probes, options.passes)
        table.add_row(name, f"{alone:.3f}", f"{together:.3f}", f"{alone / together:.2f}")
    Console().print(table)


def _measured(ways: Sequence[Callable[[Any], Any]], probes: Sequence[Probe], passes: int) -> list[float]:
    """Milliseconds a network, of each way; what they give is compared first."""
    first, second = (way(probes) for way in ways)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(first, second, strict=True))
    seconds: dict[int, list[float]] = defaultdict(list)
    for _ in range(passes):
        for place, way in enumerate(ways):
            start = time.process_time()
            way(probes)
            seconds[place].append(time.process_time() - start)
    return [1000 * float(np.median(each)) / len(probes) for each in seconds.values()]


def _alone(probes: Sequence[Probe]) -> list[Tensor]:
    found: list[Tensor] = []
    for probe in probes:
        x, y = _batch(probe)
        outputs = run(probe.network, probe.arrays, x)[len(probe.network.nodes) - 1]
        found += torch.autograd.grad(probe.loss(outputs, y), probe.weights)
    return found


def _side_by_side(probes: Sequence[Probe]) -> list[Tensor]:
    values: list[dict[int, Tensor]] = [{0: _batch(probe)[0]} for probe in probes]
    waiting = {(m, number) for m, probe in enumerate(probes) for number in probe.live}
    while waiting:
        ready = defaultdict(list)
        for m, number in sorted(waiting):
            node = probes[m].network.nodes[number]
            if all(source in values[m] for source in node.inputs):
                ready[repr(replace(node, inputs=(), parts=()))].append((m, number))
        group = max(ready.values(), key=len)
        waiting -= set(group)
        m, number = group[0]
        node = probes[m].network.nodes[number]
        forward = partial(node.operation.forward, node, training=False)
        inputs = [
            torch.stack([values[m][probes[m].network.nodes[number].inputs[place]] for m, number in group])
            for place in range(len(node.inputs))
        ]
        arrays = {
            name: torch.stack([probes[m].arrays[number][name] for m, number in group])
            for name in node.parameter_shapes
        }
        together = torch.func.vmap(lambda inputs, arrays, forward=forward: forward(inputs, arrays))
        for (m, number), result in zip(group, together(inputs, arrays), strict=True):
            values[m][number] = result
    losses = [
        probe.loss(values[m][len(probe.network.nodes) - 1], _batch(probe)[1])
        for m, probe in enumerate(probes)
    ]
    by = [weight for probe in probes for weight in probe.weights]
    return list(torch.autograd.grad(torch.stack(losses).sum(), by))


def _batch(probe: Probe) -> tuple[Tensor, Tensor]:
    assert probe.examples is not None
    return probe.examples.batches[0]


if __name__ == "__main__":
    main()
