"""What it saves to compute several paths of a supernet together, beside one after the other.

    python benchmarks/speed/shared_paths.py

Forward and backward passes of the 5 paths of a step, in processor time, medians of steps in turn. *Together*
is what a training of paths does: what they have in common is computed once. *Side by side* does operations of
one kind and shape as one, by `torch.func.vmap`.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from nas_gym.evaluators import make_sampling
from nas_gym.networks import NamedPath, Supernet, needed, outputs_together
from nas_gym.search_spaces import make_search_space

CASES = {
    "cells of 4 and 8 channels, signals of 40": ({"name": "cell", "channels": [4, 8]}, (1, 40)),
    "cells of 8 and 16 channels, images of 16": ({"name": "cell", "channels": [8, 16]}, (3, 16, 16)),
}
BATCH = 64
WAYS = ("one after the other", "together", "side by side")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table("space", "sampling", *(f"{way} (ms)" for way in WAYS))
    for name, (spec, shape) in CASES.items():
        space = make_search_space(spec, shape, 10)
        for sampling in ("fair", "uniform"):
            table.add_row(
                name, sampling, *(f"{1e3 * value:.1f}" for value in medians(space, sampling, options.steps))
            )
    Console(width=130).print(table)


def medians(space, sampling: str, steps: int) -> list[float]:  # type: ignore[no-untyped-def]
    """Median seconds of a step of 5 paths by each way."""
    supernet, draws = Supernet(0, torch.device("cpu")), make_sampling(sampling, space)
    rng, spent = np.random.default_rng(0), defaultdict(list)
    for step in range(steps + 3):
        drawn = draws.draw(rng) if sampling == "fair" else [space.sample(rng) for _ in range(5)]
        networks = [space.network(each) for each in drawn]
        paths = [(network, supernet.names(network, space.slots(network))) for network in networks]
        x = torch.randn(BATCH, *space.input_shape, generator=torch.Generator().manual_seed(step))
        for way in rng.permutation(len(WAYS)):
            start = time.process_time()
            outputs = computed(supernet, paths, x, WAYS[way])
            torch.autograd.backward(torch.stack([(each**2).mean() for each in outputs]).sum())
            if step >= 3:  # the first ones warm up
                spent[way].append(time.process_time() - start)
    return [float(np.median(spent[way])) for way in range(len(WAYS))]


def computed(supernet: Supernet, paths: Sequence[NamedPath], x: Tensor, way: str) -> list[Tensor]:
    """The outputs of the paths."""
    if way == "together":
        return outputs_together(supernet, paths, x)
    if way == "side by side":
        return side_by_side(supernet, paths, x)
    return [supernet.forward(network, names, x) for network, names in paths]


def side_by_side(supernet: Supernet, paths: Sequence[NamedPath], x: Tensor) -> list[Tensor]:
    """The outputs, of which nodes of one kind that are as deep are computed as one."""
    values = [{0: x} for _ in paths]
    ready: defaultdict[tuple[object, ...], list[tuple[int, int]]] = defaultdict(list)
    depths: list[dict[int, int]] = [{0: 0} for _ in paths]
    for path, (network, _) in enumerate(paths):
        for number in needed(network):
            node = network.nodes[number]
            inputs = () if node.operation.gives_zeros else node.inputs
            depth = 1 + max((depths[path][each] for each in inputs), default=0)
            depths[path][number] = depth
            kind = (
                node.operation.name,
                node.kernel,
                node.stride,
                node.function,
                node.input_shape,
                node.shape,
            )
            ready[(depth, *kind, len(inputs))].append((path, number))
    for members in (ready[key] for key in sorted(ready, key=lambda key: int(str(key[0])))):
        for (path, number), value in zip(members, _as_one(supernet, paths, values, members, x), strict=True):
            values[path][number] = value
    return [values[path][len(network.nodes) - 1] for path, (network, _) in enumerate(paths)]


def _as_one(
    supernet: Supernet,
    paths: Sequence[NamedPath],
    values: Sequence[dict[int, Tensor]],
    members: Sequence[tuple[int, int]],
    x: Tensor,
) -> Sequence[Tensor]:
    path, number = members[0]
    node = paths[path][0].nodes[number]

    def inputs(path: int, number: int) -> list[Tensor]:
        own = paths[path][0].nodes[number]
        return [x] if own.operation.gives_zeros else [values[path][each] for each in own.inputs]

    def arrays(path: int, number: int) -> dict[str, Tensor]:
        return {name: supernet.arrays[whole] for name, whole in paths[path][1][number].items()}

    if len(members) == 1:
        return [supernet.compute(number, node, inputs(path, number), arrays(path, number), None)]
    rows = [torch.stack(column) for column in zip(*(inputs(*each) for each in members), strict=True)]
    if node.operation.normalises:  # each by itself, as channels of one
        joined = rows[0].transpose(0, 1).flatten(1, 2)
        done = torch.nn.functional.batch_norm(joined, None, None, training=True)
        return done.unflatten(1, (len(members), -1)).transpose(0, 1).unbind(0)
    stacked = {name: torch.stack([arrays(*each)[name] for each in members]) for name in arrays(path, number)}

    def one(own: list[Tensor], weights: dict[str, Tensor]) -> Tensor:
        return supernet.compute(number, node, own, weights, None)

    if not stacked:
        return torch.func.vmap(lambda own: one(own, {}))(rows).unbind(0)
    return torch.func.vmap(one)(rows, stacked).unbind(0)


if __name__ == "__main__":
    main()
