"""A small task of signals, and networks on weights that they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nas_gym.networks import NetworkModule, Supernet
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tasks import Task, make_task

RECIPE = {"epochs": 2, "batch_size": 32}
CELL = {"name": "cell", "channels": [4, 8]}
MACRO = {"name": "macro", "channels": 2, "head": 8}
NARROW = {"name": "mlp", "max_layers": 2, "widths": [4, 8], "activations": ["relu", "tanh"]}


def signals(examples: int = 200, length: int = 12) -> Task:
    """Noise, in which the second class has a bump."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(examples, 1, length)).astype(np.float32), np.arange(examples) % 2
    x[y == 1, :, 3:6] += 1.5
    return make_task({"name": "arrays", "x": x, "y": y, "inputs": "signal"})


def space_of(spec: str | Mapping[str, Any], task: Task) -> SearchSpace[Any]:
    """A search space for a task."""
    return make_search_space(spec, task.input_shape, task.outputs)


def alone(supernet: Supernet, space: SearchSpace[Any], architecture: Any, x: Tensor) -> Tensor:
    """The outputs of a module of its own, whose weights are copies of the shared ones."""
    network = space.network(architecture)
    module = NetworkModule(network).train()  # so that it normalises by the batch
    names = supernet.names(network, space.slots(network))
    with torch.no_grad():
        for number, node in enumerate(network.nodes):
            for name in node.parameter_shapes:
                array = getattr(module, f"{number}_{name}")
                if node.operation.normalises:
                    array.fill_(1.0 if name == "weight" else 0.0)
                else:
                    array.copy_(supernet.arrays[names[number][name]])
        outputs: Tensor = module(x)
    return outputs
