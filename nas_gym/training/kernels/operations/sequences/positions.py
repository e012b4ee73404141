"""What tells positions apart, added to a sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import sinusoids
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    x = inputs[0]
    y = x if owned else context.tape.new(math.prod(group.node.shape), len(group.values))

    def bind(x: Tensor, y: Tensor) -> list[Kernel]:
        source, out = (grid(each, group.node.shape, context.batch) for each in (x, y))
        if group.node.parameter_shapes:
            waves = context.parameters.weight(group, "weight")
        else:
            waves = torch.tensor(sinusoids(*group.node.shape), dtype=x.dtype, device=x.device).unsqueeze(0)
        return [partial(torch.add, source, waves.unsqueeze(3), out=out)]

    context.tape.add(bind, x, y)
    return y


def _backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    floats = math.prod(group.node.shape)
    if group.node.parameter_shapes:

        def bind(dy: Tensor) -> list[Kernel]:
            arrived = grid(dy, group.node.shape, context.batch)
            return [partial(torch.sum, arrived, 3, out=context.parameters.gradient(group, "weight"))]

        context.tape.add(bind, dy)
    if not needed:
        return None
    dx = context.tape.new(floats, len(group.values))

    def copied(dy: Tensor, dx: Tensor) -> list[Kernel]:
        arrived, out = (matrix(each, 1, context.batch, floats) for each in (dy, dx))
        return [partial(out.copy_, arrived)]

    context.tape.add(copied, dy, dx)
    return dx


KERNELS = Kernels(_forward, _backward)
