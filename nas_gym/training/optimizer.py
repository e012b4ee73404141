"""The optimiser over the weights of all members, one fused step for all of them."""

from __future__ import annotations

import math

from torch import Tensor

from nas_gym.training._torch import Step, adamw, sgd
from nas_gym.training.recipe import Recipe

BETAS = (0.9, 0.999)
EPSILON = 1e-8
SGD_MOMENTUM = 0.9


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, of a full run of `steps` steps."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))


def optimizer_step(weights: Tensor, gradients: Tensor, recipe: Recipe) -> Step:
    """Return the step of the recipe's optimiser, by torch's fused kernels.

    Args:
        weights: all that is moved, one long array.
        gradients: an array like it, read at every step.
        recipe: which optimiser, and its weight decay.
    """
    if recipe.optimizer == "adamw":
        return adamw(weights, gradients, decay=recipe.weight_decay, betas=BETAS, epsilon=EPSILON)
    return sgd(weights, gradients, decay=recipe.weight_decay, momentum=SGD_MOMENTUM)
