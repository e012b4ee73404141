"""Means over nodes by attention."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import NOWHERE
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

LEAST = -85.0
"""Logit below the largest whose share is nothing in float32; where exp is 0, a library takes far longer."""


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    (x, mask), members, tape = inputs, len(group.values), context.tape
    shares = tape.new(group.node.input_shape[1], members)
    y = tape.new(math.prod(group.node.shape), members)
    context.saved[group] = (x, shares)
    tape.add(lambda x, m, a, y: list(_forward(context, group, x, m, a, y)), x, mask, shares, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    x, shares = context.saved[group]
    dx = context.tape.new(math.prod(group.node.input_shape), len(group.values)) if needed else None
    context.tape.add(
        lambda x, a, dy, *dx: list(_backward(context, group, x, a, dy, *dx)),
        x,
        shares,
        dy,
        *(() if dx is None else (dx,)),
    )
    return dx


def _forward(
    context: Context, group: Group, x: Tensor, mask: Tensor, shares: Tensor, y: Tensor
) -> Iterator[Kernel]:
    """Read the nodes out; `shares` keeps how much of each, (members, nodes, batch)."""
    channels, nodes = group.node.input_shape
    states, part, out = (
        _states(context, group, x),
        _shares(context, group, shares),
        matrix(y, channels, context.batch),
    )
    there = grid(mask[:1] if mask.stride(0) == 0 else mask, (nodes,), context.batch)
    work = context.scratch("products with states", tuple(states.shape))
    shift = context.scratch("where no node is to attend", tuple(there.shape))
    each = context.scratch("of each graph", (len(part), 1, context.batch))
    yield partial(torch.mul, states, _weight(context, group), out=work)
    yield partial(torch.sum, work, 1, out=part)
    yield partial(torch.sub, there, constant(1, x), out=shift)
    yield partial(shift.mul_, constant(-NOWHERE, x))
    yield partial(part.add_, shift)
    yield partial(torch.amax, part, 1, keepdim=True, out=each)
    yield partial(part.sub_, each)
    yield partial(part.clamp_min_, LEAST)
    yield part.exp_
    yield partial(torch.sum, part, 1, keepdim=True, out=each)
    yield partial(part.div_, each)
    yield partial(part.mul_, there)
    yield partial(torch.mul, states, part.unsqueeze(1), out=work)
    yield partial(torch.sum, work, 2, out=out)


def _backward(
    context: Context, group: Group, x: Tensor, shares: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Iterator[Kernel]:
    """Gradients: with shares a and h the states, dlogit = a (dy·h - sum over nodes of a dy·h)."""
    states, part = _states(context, group, x), _shares(context, group, shares)
    arrived = matrix(dy, group.node.input_shape[0], context.batch).unsqueeze(2)
    work = context.scratch("products with states", tuple(states.shape))
    logits, more = (context.scratch(name, tuple(part.shape)) for name in ("logits", "products with shares"))
    each = context.scratch("of each graph", (len(part), 1, context.batch))
    yield partial(torch.mul, states, arrived, out=work)
    yield partial(torch.sum, work, 1, out=logits)
    yield partial(torch.mul, logits, part, out=more)
    yield partial(torch.sum, more, 1, keepdim=True, out=each)
    yield partial(logits.sub_, each)
    yield partial(logits.mul_, part)
    yield partial(torch.mul, states, logits.unsqueeze(1), out=work)
    gradient = context.parameters.gradient(group, "weight").squeeze(1)
    yield partial(torch.sum, work.flatten(2), 2, out=gradient)
    if dx is None:
        return
    out = _states(context, group, dx)
    yield partial(torch.mul, part.unsqueeze(1), arrived, out=out)
    yield partial(torch.mul, logits.unsqueeze(1), _weight(context, group), out=work)
    yield partial(out.add_, work)


def _weight(context: Context, group: Group) -> Tensor:
    """The weights, (members, channels, 1, 1)."""
    return context.parameters.weight(group, "weight").squeeze(1)[:, :, None, None]


def _states(context: Context, group: Group, rows: Tensor) -> Tensor:
    return grid(rows, group.node.input_shape, context.batch)


def _shares(context: Context, group: Group, rows: Tensor) -> Tensor:
    return grid(rows, group.node.input_shape[1:], context.batch)


KERNELS = Kernels(_record_forward, _record_backward)
