"""Masks of padding, and what reads them: sequences with zeros behind their end, and means over tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def without_gradient(context: Context, group: Group, position: int, features: int) -> Rows | None:
    """Return zeros, the gradient of an input that is only compared; None where nobody asks for it."""
    if not group.reached[position]:
        return None
    zeros = context.tape.new(features, len(group.values))
    context.tape.add(lambda zeros: [zeros.zero_], zeros)
    return zeros


def _padding_mask(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    source, out = (matrix(each, 1, context.batch, group.node.shape[1]) for each in (x, y))
    return [partial(torch.gt, source, constant(0, source), out=out)]


def _padding_mask_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    return without_gradient(context, group, 0, math.prod(group.node.input_shape))


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


PADDING_MASK_KERNELS = Kernels(forward_of(_padding_mask), _padding_mask_backward)
MASKED_KERNELS = Kernels(_masked, _masked_backward)
MASKED_MEAN_KERNELS = Kernels(_masked_mean, _masked_mean_backward)
