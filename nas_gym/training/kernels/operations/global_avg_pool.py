"""The mean of every channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    channels, positions = group.node.input_shape[0], math.prod(group.node.input_shape[1:])
    source, out = grid(x, (channels, positions), context.batch), matrix(y, channels, context.batch)
    return [partial(torch.sum, source, 2, out=out), partial(out.mul_, constant(1 / positions, out))]


def _backward(
    context: Context, group: Group, _x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    if dx is None:
        return []
    channels, positions = group.node.input_shape[0], math.prod(group.node.input_shape[1:])
    out = grid(dx, (channels, positions), context.batch)
    spread = matrix(dy, channels, context.batch).unsqueeze(2).expand(out.shape)
    return [partial(torch.mul, spread, constant(1 / positions, out), out=out)]


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
