"""What training the networks of a space takes, before any of them has been trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task

STEPS = 300
"""Steps of a longer training. On the data of `benchmarks/quality/data_sets/compare.py` about 300 steps scored
more than the usual recipe's 120 to 180, and 1,000 hardly more than 300."""
SMALL, SMALL_BATCH = 256, 32
"""Examples below which a longer training has small batches: an epoch of one batch is measured as often."""
SAMPLED = 32  # architectures whose FLOPs are looked at
PASSES = 3
"""Arithmetic of a training step, in forward passes."""
FLOPS_A_SECOND = 2e10
"""Of a core in the engine's convolutions and products, measured from 1 to 6e10 by their size."""
SECONDS_A_NODE = 7e-5
"""What a step takes beside its arithmetic for each node of a network."""


@dataclass(frozen=True)
class Effort:
    """The cost of training in a space.

    Attributes:
        recipe: options of the recipe.
        steps: steps of a training.
        examples: examples that pass in a training.
        flops: median FLOPs of the networks of a space, of one example.
        nodes: median number of their nodes.
    """

    recipe: Mapping[str, Any]
    steps: int
    examples: int
    flops: float
    nodes: float

    @cached_property
    def seconds(self) -> float:
        """Estimated seconds of a training on one core."""
        arithmetic = PASSES * self.flops * self.examples / FLOPS_A_SECOND
        return self.steps * self.nodes * SECONDS_A_NODE + arithmetic

    def trainings(self, seconds: float) -> float:
        """Return how many trainings are expected to end in a time, on one core: on more it may be more.

        A plan does not depend on the machine, so that a fit that ends by its budget gives one network on all.
        """
        return seconds / self.seconds


def effort_of(
    task: Task, space: Mapping[str, Any], recipe: Mapping[str, Any] | None, *, longer: bool
) -> Effort:
    """Return what training networks of a space on a task takes.

    Args:
        task: the data.
        space: config of the space.
        recipe: options of the recipe; None for the usual one.
        longer: whether the usual one is made longer, to at least `STEPS` steps.
    """
    from nas_gym.training import recipe_for

    examples = len(task.y_train)
    options = dict(recipe or {})
    made = recipe_for(options, examples)
    if longer and recipe is None:
        size = SMALL_BATCH if examples < SMALL else made.batch_size
        epochs = max(made.epochs, -(-STEPS // -(-examples // size)))
        options = {"epochs": epochs, "batch_size": size}
        made = recipe_for(options, examples)
    batches = -(-examples // made.batch_size)
    built = make_search_space(space, task.input_shape, task.outputs, task.facts)
    rng = np.random.default_rng(0)
    networks = [built.network(built.sample(rng)) for _ in range(SAMPLED)]
    flops = float(np.median([network.flops for network in networks]))
    nodes = float(np.median([len(network.nodes) for network in networks]))
    passes = examples * made.epochs
    return Effort(options, batches * made.epochs, passes, flops, nodes)
