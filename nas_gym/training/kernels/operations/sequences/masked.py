"""Sequences with zeros behind their end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, without_gradient
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _masked(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    x, mask = inputs
    y = x if owned else context.tape.new(math.prod(group.node.shape), len(group.values))
    context.saved[group] = (mask,)
    context.tape.add(lambda x, m, y: [_times_mask(context, group, x, m, y)], x, mask, y)
    return y


def _masked_backward(
    context: Context, group: Group, dy: Rows, needed: bool
) -> tuple[Rows | None, Rows | None]:
    (mask,) = context.saved[group]
    dx = None
    if needed:
        dx = context.tape.new(math.prod(group.node.shape), len(group.values))
        context.tape.add(lambda dy, m, dx: [_times_mask(context, group, dy, m, dx)], dy, mask, dx)
    return dx, without_gradient(context, group, 1, group.node.shape[1])


def _times_mask(context: Context, group: Group, x: Tensor, mask: Tensor, y: Tensor) -> Kernel:
    channels, length = group.node.shape
    source, out = (matrix(each, channels, context.batch, length) for each in (x, y))
    return partial(torch.mul, source, matrix(mask, 1, context.batch, length), out=out)


KERNELS = Kernels(_masked, _masked_backward)
