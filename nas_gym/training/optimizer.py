"""The optimiser over the weights of all members, one fused step for all of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nas_gym.training._torch import Optimizer, adamw, sgd
from nas_gym.training.recipe import Recipe

BETAS = (0.9, 0.999)
EPSILON = 1e-8
SGD_MOMENTUM = 0.9


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, of a full run of `steps` steps."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


class Rates:
    """The learning rates of an epoch, where its steps can read them by their numbers.

    Args:
        recipe: the schedule and the highest rate.
        steps: steps of an epoch.
        like: the tensor that a rate is put into, for its type and device.

    Attributes:
        values: (steps,), of the epoch that was set.
    """

    def __init__(self, recipe: Recipe, steps: int, like: Tensor) -> None:
        self._recipe, self._steps = recipe, steps
        self.values = torch.zeros(steps, dtype=like.dtype, device=like.device)

    def set(self, epoch: int) -> None:
        """Take up an epoch, counted from 0."""
        steps = self._recipe.epochs * self._steps
        first = epoch * self._steps
        rates = [learning_rate(self._recipe, first + step, steps) for step in range(self._steps)]
        self.values.copy_(torch.tensor(rates, dtype=torch.float64, device="cpu"))


def optimizer_of(weights: Tensor, gradients: Tensor, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser, by torch's fused kernels.

    Args:
        weights: all that is moved, one long array.
        gradients: an array like it, read at every step.
        recipe: which optimiser, and its weight decay.
    """
    if recipe.optimizer == "adamw":
        return adamw(weights, gradients, decay=recipe.weight_decay, betas=BETAS, epsilon=EPSILON)
    return sgd(weights, gradients, decay=recipe.weight_decay, momentum=SGD_MOMENTUM)
