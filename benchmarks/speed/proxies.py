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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from nas_gym.networks import Network, initial_weights
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import loss_of

BATCH = 64
Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Fresh:
    """A network with the first weights of a seed, which ask for gradients, by node and name."""

    network: Network
    arrays: Sequence[Mapping[str, Tensor]]

    @staticmethod
    def of(network: Network, seed: int) -> Fresh:
        """Draw its weights."""
        arrays: list[dict[str, Tensor]] = [{} for _ in network.nodes]
        for whole, array in initial_weights(network, seed):
            node, _, name = whole.partition("_")
            arrays[int(node)][name] = array.requires_grad_(True)
        return Fresh(network, arrays)

    @property
    def weights(self) -> list[Tensor]:
        """All its arrays."""
        return [array for each in self.arrays for array in each.values()]


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
    loss = loss_of(task.target.loss)
    x, y = torch.tensor(task.x_train[:BATCH]), torch.tensor(task.y_train[:BATCH])
    targets = loss.targets(y, task.outputs, 0.0)
    ways = [partial(way, x, lambda outputs: loss.mean(outputs, targets)) for way in (_alone, _side_by_side)]
    cases = {
        "3 seeds of one network": [Fresh.of(one, seed) for seed in range(3)],
        "64 seeds of one network": [Fresh.of(one, seed) for seed in range(64)],
        "16 networks of a pool": [Fresh.of(network, 0) for network in several[:16]],
        "64 networks of a pool": [Fresh.of(network, 0) for network in several],
    }
    table = Table("networks of the mlp space", "one after the other (ms)", "side by side (ms)", "ratio")
    for name, networks in cases.items():
        alone, together = _measured(ways, networks, options.passes)
        table.add_row(name, f"{alone:.3f}", f"{together:.3f}", f"{alone / together:.2f}")
    Console().print(table)


def _measured(ways: Sequence[Callable[[Any], Any]], networks: Sequence[Fresh], passes: int) -> list[float]:
    """Milliseconds a network, of each way; what they give is compared first."""
    first, second = (way(networks) for way in ways)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(first, second, strict=True))
    seconds: dict[int, list[float]] = defaultdict(list)
    for _ in range(passes):
        for place, way in enumerate(ways):
            start = time.process_time()
            way(networks)
            seconds[place].append(time.process_time() - start)
    return [1000 * float(np.median(each)) / len(networks) for each in seconds.values()]


def _alone(x: Tensor, loss: Loss, networks: Sequence[Fresh]) -> list[Tensor]:
    found: list[Tensor] = []
    for each in networks:
        values = [x]
        for node, arrays in zip(each.network.nodes[1:], each.arrays[1:], strict=True):
            inputs = [values[source] for source in node.inputs]
            values.append(node.operation.forward(node, inputs, arrays, training=False))
        found += torch.autograd.grad(loss(values[-1]), each.weights)
    return found


def _side_by_side(x: Tensor, loss: Loss, networks: Sequence[Fresh]) -> list[Tensor]:
    values: list[dict[int, Tensor]] = [{0: x} for _ in networks]
    waiting = {(m, number) for m, each in enumerate(networks) for number in range(1, len(each.network.nodes))}
    while waiting:
        ready = defaultdict(list)
        for m, number in sorted(waiting):
            node = networks[m].network.nodes[number]
            if all(source in values[m] for source in node.inputs):
                ready[repr(replace(node, inputs=(), parts=()))].append((m, number))
        group = max(ready.values(), key=len)
        waiting -= set(group)
        nodes = [networks[m].network.nodes[number] for m, number in group]
        inputs = [
            torch.stack([values[m][node.inputs[place]] for (m, _), node in zip(group, nodes, strict=True)])
            for place in range(len(nodes[0].inputs))
        ]
        arrays = {
            name: torch.stack([networks[m].arrays[number][name] for m, number in group])
            for name in nodes[0].parameter_shapes
        }
        together = torch.func.vmap(partial(nodes[0].operation.forward, nodes[0], training=False))
        for (m, number), result in zip(group, together(inputs, arrays), strict=True):
            values[m][number] = result
    losses = [loss(own[len(own) - 1]) for own in values]
    by = [weight for each in networks for weight in each.weights]
    return list(torch.autograd.grad(torch.stack(losses).sum(), by))


if __name__ == "__main__":
    main()
