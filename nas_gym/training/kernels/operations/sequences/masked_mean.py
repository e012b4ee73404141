"""Means over the tokens of sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, without_gradient
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _masked_mean(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    x, mask = inputs
    y = context.tape.new(group.node.shape[0], len(group.values))
    share = context.tape.new(1, len(group.values))
    context.saved[group] = (mask, share)

    def bind(x: Tensor, mask: Tensor, share: Tensor, y: Tensor) -> list[Kernel]:
        source, weights = grid(x, group.node.input_shape, context.batch), _weights(context, group, mask)
        each, out = matrix(share, 1, context.batch), matrix(y, group.node.shape[0], context.batch)
        kept = context.scratch("masked mean", tuple(source.shape))
        return [
            partial(torch.sum, weights, 2, out=each),
            partial(each.clamp_, 1),
            each.reciprocal_,
            partial(torch.mul, source, weights, out=kept),
            partial(torch.sum, kept, 2, out=out),
            partial(out.mul_, each),
        ]

    context.tape.add(bind, x, mask, share, y)
    return y


def _masked_mean_backward(
    context: Context, group: Group, dy: Rows, needed: bool
) -> tuple[Rows | None, Rows | None]:
    mask, share = context.saved[group]
    length = group.node.input_shape[1]
    dx = None
    if needed:
        dx = context.tape.new(math.prod(group.node.input_shape), len(group.values))

        def bind(mask: Tensor, share: Tensor, dy: Tensor, dx: Tensor) -> list[Kernel]:
            arrived = matrix(dy, group.node.shape[0], context.batch)
            each = context.scratch("gradient of masked mean", tuple(arrived.shape))
            out = grid(dx, group.node.input_shape, context.batch)
            return [
                partial(torch.mul, arrived, matrix(share, 1, context.batch), out=each),
                partial(torch.mul, each.unsqueeze(2), _weights(context, group, mask), out=out),
            ]

        context.tape.add(bind, mask, share, dy, dx)
    return dx, without_gradient(context, group, 1, length)


def _weights(context: Context, group: Group, mask: Tensor) -> Tensor:
    """Return a mask as (members, 1, length, batch)."""
    return grid(mask, (1, group.node.input_shape[1]), context.batch)


KERNELS = Kernels(_masked_mean, _masked_mean_backward)
