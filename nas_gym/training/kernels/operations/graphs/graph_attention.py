"""Attention to neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import ATTENTION_SLOPE, NO_NEIGHBOUR, Shape
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid
from nas_gym.training.kernels.operations.graphs.turned import (
    products,
    tiles,
    turn,
    turn_back,
    turned_scratch,
)
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

aten = torch.ops.aten
NAMES = ("reading", "read")
"""The trained vectors: of the node that reads, and of that which is read."""


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    (x, weights), members, tape = inputs, len(group.values), context.tape
    logits, shares = (tape.new(math.prod(_pairs(group)), members) for _ in range(2))
    y = tape.new(math.prod(group.node.shape), members)
    context.saved[group] = (x, logits, shares)
    bind = lambda x, w, e, a, y: list(_forward(context, group, x, w, e, a, y))  # noqa: E731
    tape.add(bind, x, weights, logits, shares, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    # A gradient by the states costs little beside that of the weights, for which most of it is needed.
    dx = context.tape.new(math.prod(group.node.input_shape), len(group.values))
    bind = lambda x, e, a, dy, dx: list(_backward(context, group, x, e, a, dy, dx))  # noqa: E731
    context.tape.add(bind, *context.saved[group], dy, dx)
    return dx if needed else None


def _forward(
    context: Context, group: Group, x: Tensor, weights: Tensor, logits: Tensor, shares: Tensor, y: Tensor
) -> Iterator[Kernel]:
    """Attend; `logits` and `shares`, (members, heads, reading node, read node, batch), are kept."""
    states, every = _states(context, group, x), _grid(context, group, logits)
    part = _grid(context, group, shares)
    given = {}
    work = context.scratch("products of heads", tuple(states.shape))
    for name in NAMES:
        given[name] = context.scratch(f"logits, {name}", _sides(states))
        yield partial(torch.mul, states, _vector(context, group, name), out=work)
        yield partial(torch.sum, work, 2, out=given[name])
    yield partial(torch.add, given["reading"].unsqueeze(3), given["read"].unsqueeze(2), out=every)
    nodes = group.node.shape[1]
    rows = grid(weights[:1] if weights.stride(0) == 0 else weights, (1, nodes, nodes), context.batch)
    shift = context.scratch("no neighbours", tuple(rows.shape))
    each = context.scratch("of each reading node", _sides(states))
    yield partial(torch.eq, rows, constant(0, x), out=shift)
    yield partial(shift.diagonal(0, 2, 3).fill_, 0)
    yield partial(shift.mul_, constant(NO_NEIGHBOUR, x))
    yield partial(aten.leaky_relu.out, every, ATTENTION_SLOPE, out=part)
    yield partial(part.add_, shift)
    yield partial(torch.amax, part, 3, out=each)
    yield partial(part.sub_, each.unsqueeze(3))
    yield part.exp_
    yield partial(torch.sum, part, 3, out=each)
    yield partial(part.div_, each.unsqueeze(3))
    yield from _mixed(context, group, x, shares, y, reads=True)


def _backward(
    context: Context, group: Group, x: Tensor, logits: Tensor, shares: Tensor, dy: Tensor, dx: Tensor
) -> Iterator[Kernel]:
    """Gradients: with shares a, dlogit = a (da - sum over read nodes of a da), times the slope."""
    yield from _mixed(context, group, dy, shares, dx, reads=False)
    gradient = context.scratch("gradient of logits", tuple(logits.shape))
    yield from _share_gradients(context, group, x, dy, gradient)
    every, part, found = (_grid(context, group, rows) for rows in (logits, shares, gradient))
    states, out = _states(context, group, x), _states(context, group, dx)
    work, each = context.scratch("products of heads", tuple(states.shape)), _sides(states)
    summed = context.scratch("of each reading node", each)
    yield partial(found.mul_, part)
    yield partial(torch.sum, found, 3, out=summed)
    yield partial(part.mul_, summed.unsqueeze(3))
    yield partial(found.sub_, part)
    slope = (found, every, ATTENTION_SLOPE, False)
    yield partial(aten.leaky_relu_backward.grad_input, *slope, grad_input=found)
    for name, side in zip(NAMES, (3, 2), strict=True):
        yield partial(torch.sum, found, side, out=summed)
        yield partial(torch.mul, states, summed.unsqueeze(2), out=work)
        yield partial(torch.sum, work.flatten(3), 3, out=context.parameters.gradient(group, name))
        yield partial(torch.mul, _vector(context, group, name), summed.unsqueeze(2), out=work)
        yield partial(out.add_, work)


def _mixed(
    context: Context, group: Group, read: Tensor, shares: Tensor, written: Tensor, *, reads: bool
) -> Iterator[Kernel]:
    """Write the states that each node reads, or, for gradients, what each node was read for."""
    heads, channels, nodes = _heads(group)
    for part in tiles(context, len(written)):
        members = part.stop - part.start
        states, mixed = (
            turned_scratch(context, each, members, (heads, channels, nodes)) for each in ("states", "sums")
        )
        pairs = turned_scratch(context, "shares", members, (heads, nodes, nodes))
        yield from turn(context, read[part], (heads, channels, nodes), states)
        yield from turn(context, shares[part], (heads, nodes, nodes), pairs)
        a, b, out = (each.flatten(1, 2) for each in (states, pairs, mixed))
        yield from products(context, a, b.mT if reads else b, out)
        yield from turn_back(context, mixed, (heads, channels, nodes), written[part])


def _share_gradients(
    context: Context, group: Group, x: Tensor, dy: Tensor, written: Tensor
) -> Iterator[Kernel]:
    """Write the products of each node's gradient with each node's state."""
    heads, channels, nodes = _heads(group)
    for part in tiles(context, len(written)):
        members = part.stop - part.start
        states, arrived = (
            turned_scratch(context, each, members, (heads, channels, nodes)) for each in ("states", "sums")
        )
        pairs = turned_scratch(context, "shares", members, (heads, nodes, nodes))
        yield from turn(context, x[part], (heads, channels, nodes), states)
        yield from turn(context, dy[part], (heads, channels, nodes), arrived)
        a, b, out = (each.flatten(1, 2) for each in (arrived, states, pairs))
        yield from products(context, a.mT, b, out)
        yield from turn_back(context, pairs, (heads, nodes, nodes), written[part])


def _heads(group: Group) -> tuple[int, int, int]:
    heads = group.node.option("heads")
    return heads, group.node.shape[0] // heads, group.node.shape[1]


def _pairs(group: Group) -> Shape:
    heads, _, nodes = _heads(group)
    return heads, nodes, nodes


def _states(context: Context, group: Group, rows: Tensor) -> Tensor:
    """Rows as (members, heads, channels of a head, nodes, batch)."""
    return grid(rows, _heads(group), context.batch)


def _grid(context: Context, group: Group, rows: Tensor) -> Tensor:
    return grid(rows, _pairs(group), context.batch)


def _sides(states: Tensor) -> Shape:
    members, heads, _, nodes, batch = states.shape
    return members, heads, nodes, batch


def _vector(context: Context, group: Group, name: str) -> Tensor:
    """The trained vector of a name, (members, heads, channels of a head, 1, 1)."""
    return context.parameters.weight(group, name)[..., None, None]


KERNELS = Kernels(_record_forward, _record_backward)
