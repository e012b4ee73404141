"""One fused optimiser step over the weights of all members."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nas_gym.training.recipe import Recipe

BETAS = (0.9, 0.999)
EPSILON = 1e-8
SGD_MOMENTUM = 0.9


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 0, of a full run of `steps` steps."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


class Optimizer:
    """AdamW or SGD with Nesterov momentum by torch's fused kernels, as `torch.optim` calls them.

    Args:
        weights: what is moved, one long array.
        gradients: along what it is moved, an array like it.
        recipe: which optimiser, and its weight decay.
    """

    def __init__(self, weights: Tensor, gradients: Tensor, recipe: Recipe) -> None:
        self._weights, self._gradients = [weights], [gradients]
        self._recipe = recipe
        self._first = [torch.zeros_like(weights)]
        self._second = [torch.zeros_like(weights)] if recipe.optimizer == "adamw" else []
        self._count = torch.zeros((), dtype=torch.float32, device=weights.device)

    def step(self, rate: float) -> None:
        """Move the weights by a learning rate."""
        decay = self._recipe.weight_decay
        if self._recipe.optimizer == "adamw":
            self._count += 1
            torch._fused_adamw_(
                self._weights,
                self._gradients,
                self._first,
                self._second,
                [],
                [self._count],
                lr=rate,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )
            return
        first = bool(self._count == 0)
        self._count += 1
        torch._fused_sgd_(
            self._weights,
            self._gradients,
            self._first,
            weight_decay=decay,
            momentum=SGD_MOMENTUM,
            lr=rate,
            dampening=0.0,
            nesterov=True,
            maximize=False,
            is_first_step=first,
        )
