"""Fully connected layers as one batch of matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    bias, source, out = _views(context, group, x, y)
    return list(product(context.paths, context.parameters.weight(group, "weight"), source, out, add=bias))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    parameters = context.parameters
    bias, source, arrived = _views(context, group, x, dy)
    kernels = list(product(context.paths, arrived, source.mT, parameters.gradient(group, "weight")))
    if bias is not None:
        kernels.append(partial(torch.sum, arrived, 2, out=parameters.gradient(group, "bias")))
    if dx is not None:
        weight, out = parameters.weight(group, "weight"), matrix(dx, group.node.input_shape[0], context.batch)
        kernels.extend(product(context.paths, weight.mT, arrived, out))
    return kernels


def _views(context: Context, group: Group, x: Tensor, y: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
    (features,), (outputs,) = group.node.input_shape, group.node.shape
    bias = context.parameters.weight(group, "bias").unsqueeze(2) if group.node.bias else None
    return bias, matrix(x, features, context.batch), matrix(y, outputs, context.batch)


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
