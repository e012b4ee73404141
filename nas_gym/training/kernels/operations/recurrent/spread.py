"""A vector at every position of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    vector = grid(x, (group.node.shape[0], 1), context.batch)
    return [partial(grid(y, group.node.shape, context.batch).copy_, vector)]


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    if dx is None:
        return []
    out = grid(dx, group.node.input_shape, context.batch)
    return [partial(torch.sum, grid(dy, group.node.shape, context.batch), 2, out=out)]


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
