"""Embeddings of categories as products with the one-hot form of a column."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    one_hot, kernel = _one_hot(context, group, x)
    weight, out = context.parameters.weight(group, "weight"), matrix(y, group.node.shape[0], context.batch)
    return [kernel, *product(context.paths, weight.mT, one_hot, out)]


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    one_hot, kernel = _one_hot(context, group, x)
    arrived = matrix(dy, group.node.shape[0], context.batch)
    gradient = context.parameters.gradient(group, "weight")
    kernels = [kernel, *product(context.paths, one_hot, arrived.mT, gradient)]
    if dx is not None:  # a category does not change by a little
        kernels.append(dx.zero_)
    return kernels


def _one_hot(context: Context, group: Group, x: Tensor) -> tuple[Tensor, Kernel]:
    """Return the column as zeros and ones, and the kernel that makes them."""
    source = matrix(x, group.node.input_shape[0], context.batch)
    one_hot = context.scratch("one hot", tuple(source.shape))
    return one_hot, partial(torch.gt, source, constant(0, source), out=one_hot)


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
