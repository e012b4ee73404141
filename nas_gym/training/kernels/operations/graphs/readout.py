"""Sums, means and maxima over nodes."""

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


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    x, mask = inputs
    y = context.tape.new(math.prod(group.node.shape), len(group.values))
    largest = group.node.option("reduction") == "max"
    context.saved[group] = (x, mask, y) if largest else (mask,)
    context.tape.add(lambda x, m, y: list(_forward(context, group, x, m, y)), x, mask, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    dx = context.tape.new(math.prod(group.node.input_shape), len(group.values))
    gradients = _to_largest if group.node.option("reduction") == "max" else _to_all

    def bind(*tensors: Tensor) -> Sequence[Kernel]:
        return list(gradients(context, group, *tensors))

    context.tape.add(bind, *context.saved[group], dy, dx)
    return dx


def _forward(context: Context, group: Group, x: Tensor, mask: Tensor, y: Tensor) -> Iterator[Kernel]:
    states, there, out = _views(context, group, x, mask, y)
    work = context.scratch("states where nodes are", tuple(states.shape))
    if group.node.option("reduction") == "max":
        yield from _hidden(context, there, states, work)
        yield partial(torch.amax, work, 2, out=out)
        yield from _counts(context, there)
        yield partial(out.mul_, _any(context, there))
        return
    yield partial(torch.mul, states, there, out=work)
    yield partial(torch.sum, work, 2, out=out)
    if group.node.option("reduction") == "mean":
        yield from _counts(context, there)
        yield partial(out.div_, _count(context, there))


def _to_all(context: Context, group: Group, mask: Tensor, dy: Tensor, dx: Tensor) -> Iterator[Kernel]:
    """The gradient of a sum or a mean."""
    out, there, arrived = _views(context, group, dx, mask, dy)
    if group.node.option("reduction") == "mean":
        share = context.scratch("gradient of a mean", tuple(arrived.shape))
        yield from _counts(context, there)
        yield partial(torch.div, arrived, _count(context, there), out=share)
        arrived = share
    yield partial(torch.mul, there, arrived.unsqueeze(2), out=out)


def _to_largest(
    context: Context, group: Group, x: Tensor, mask: Tensor, y: Tensor, dy: Tensor, dx: Tensor
) -> Iterator[Kernel]:
    """The gradient of a maximum, in equal parts to all nodes that have it, as autograd has it."""
    states, there, largest = _views(context, group, x, mask, y)
    out, arrived = _views(context, group, dx, mask, dy)[::2]
    work = context.scratch("states where nodes are", tuple(states.shape))
    share = context.scratch("gradient of a mean", tuple(arrived.shape))
    yield from _hidden(context, there, states, work)
    yield partial(torch.eq, work, largest.unsqueeze(2), out=out)
    yield partial(out.mul_, there)
    yield partial(torch.sum, out, 2, out=share)
    yield partial(torch.clamp_min, share, 1, out=share)
    yield partial(torch.div, arrived, share, out=share)
    yield partial(out.mul_, share.unsqueeze(2))


def _hidden(context: Context, there: Tensor, states: Tensor, work: Tensor) -> Iterator[Kernel]:
    """Write states with `NOWHERE` added where no node is."""
    shift = context.scratch("where no node is", tuple(there.shape))
    yield partial(torch.sub, there, constant(1, there), out=shift)
    yield partial(shift.mul_, constant(-NOWHERE, there))
    yield partial(torch.add, states, shift, out=work)


def _counts(context: Context, there: Tensor) -> Iterator[Kernel]:
    """Count the nodes of each graph: at least 1, and whether there is one."""
    count, some = _count(context, there), _any(context, there)
    yield partial(torch.sum, there, 2, out=count)
    yield partial(torch.clamp_max, count, 1, out=some)
    yield partial(torch.clamp_min, count, 1, out=count)


def _count(context: Context, there: Tensor) -> Tensor:
    return context.scratch("nodes", (there.shape[0], 1, there.shape[3]))


def _any(context: Context, there: Tensor) -> Tensor:
    return context.scratch("whether there are nodes", (there.shape[0], 1, there.shape[3]))


def _views(
    context: Context, group: Group, x: Tensor, mask: Tensor, y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """States (members, channels, nodes, batch), mask (members or 1, 1, nodes, batch), result."""
    channels, nodes = group.node.input_shape
    rows = mask[:1] if mask.stride(0) == 0 else mask
    there = grid(rows, (1, nodes), context.batch)
    return grid(x, (channels, nodes), context.batch), there, matrix(y, channels, context.batch)


KERNELS = Kernels(_record_forward, _record_backward)
