"""Attention to neighbours, computed with the batch outermost."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import ATTENTION_SLOPE, NO_NEIGHBOUR, Shape
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant
from nas_gym.training.kernels.matmul import product
from nas_gym.training.kernels.operations.graphs.turned import (
    TurnedWeights,
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
    neighbours = TurnedWeights(context, weights, group.node.shape[1])
    logits, shares = (tape.new(math.prod(_pairs(group)), members) for _ in range(2))
    y = tape.new(math.prod(group.node.shape), members)
    context.saved[group] = (x, logits, shares)

    def bind(x: Tensor, weights: Tensor, logits: Tensor, shares: Tensor, y: Tensor) -> Sequence[Kernel]:
        return list(_forward(context, group, neighbours, x, weights, logits, shares, y))

    tape.add(bind, x, weights, logits, shares, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    # A gradient by the states costs little beside that of the vectors, for which most of it is needed.
    dx = context.tape.new(math.prod(group.node.input_shape), len(group.values))
    bind = lambda x, e, a, dy, dx: list(_backward(context, group, x, e, a, dy, dx))  # noqa: E731
    context.tape.add(bind, *context.saved[group], dy, dx)
    return dx if needed else None


def _forward(
    context: Context,
    group: Group,
    neighbours: TurnedWeights,
    x: Tensor,
    weights: Tensor,
    logits: Tensor,
    shares: Tensor,
    y: Tensor,
) -> Iterator[Kernel]:
    """Attend; `logits` and `shares`, (members, batch, heads, reading node, read node), are kept."""
    made, matrices = neighbours.of(weights)
    yield from made
    hidden = context.scratch("no neighbours", tuple(matrices.shape), neighbours.key)
    if ("no neighbours", neighbours.key) not in context.turned:
        context.turned.add(("no neighbours", neighbours.key))
        yield partial(torch.eq, matrices, constant(0, x), out=hidden)
        yield partial(hidden.diagonal(0, 2, 3).fill_, 0)
        yield partial(hidden.mul_, constant(NO_NEIGHBOUR, x))
    vectors = yield from _vectors(context, group)
    (heads, _, nodes), batch = _heads(group), context.batch
    every, part_of = _turned(context, group, logits), _turned(context, group, shares)
    for part in tiles(context, len(y)):
        members = part.stop - part.start
        sides = context.scratch("logits of nodes", (members, heads, 2, nodes * batch))
        yield from _head_products(context, vectors[part], _states(context, group, x[part]), sides)
        turned = turned_scratch(context, "logits of nodes", members, (heads, 2, nodes))
        yield from turn(context, sides.flatten(1), (heads, 2, nodes), turned)
        raw, mixed = every[part], part_of[part]
        yield partial(torch.add, turned[:, :, :, 0, :, None], turned[:, :, :, 1, None, :], out=raw)
        yield partial(aten.leaky_relu.out, raw, ATTENTION_SLOPE, out=mixed)
        shift = hidden[part] if len(hidden) > 1 else hidden
        yield partial(mixed.add_, shift.unsqueeze(2))
        yield partial(aten._softmax.out, mixed, 4, False, out=mixed)
        states, read = (turned_scratch(context, each, members, _heads(group)) for each in ("states", "sums"))
        yield from turn(context, x[part], _heads(group), states)
        yield from products(context, states.flatten(1, 2), mixed.flatten(1, 2).mT, read.flatten(1, 2))
        yield from turn_back(context, read, _heads(group), y[part])


def _backward(
    context: Context, group: Group, x: Tensor, logits: Tensor, shares: Tensor, dy: Tensor, dx: Tensor
) -> Iterator[Kernel]:
    """Gradients, by way of those of the shares, the logits and the two sides of each logit."""
    vectors = yield from _vectors(context, group)
    (heads, _, nodes), batch = _heads(group), context.batch
    gradients = context.scratch("gradients of vectors", tuple(vectors.shape))
    every, part_of = _turned(context, group, logits), _turned(context, group, shares)
    for part in tiles(context, len(dy)):
        members = part.stop - part.start
        states, arrived, passed = (
            turned_scratch(context, each, members, _heads(group)) for each in ("states", "arrived", "sums")
        )
        yield from turn(context, x[part], _heads(group), states)
        yield from turn(context, dy[part], _heads(group), arrived)
        given, mixed, raw = arrived.flatten(1, 2), part_of[part], every[part]
        yield from products(context, given, mixed.flatten(1, 2), passed.flatten(1, 2))
        found = turned_scratch(context, "gradient of shares", members, _pairs(group))
        yield from products(context, given.mT, states.flatten(1, 2), found.flatten(1, 2))
        yield from turn_back(context, passed, _heads(group), dx[part])
        done = (found, mixed, 4, torch.float32)
        yield partial(aten._softmax_backward_data.out, *done, grad_input=found)
        slope = (found, raw, ATTENTION_SLOPE, False)
        yield partial(aten.leaky_relu_backward.grad_input, *slope, grad_input=found)
        turned = turned_scratch(context, "logits of nodes", members, (heads, 2, nodes))
        yield partial(torch.sum, found, 4, out=turned[:, :, :, 0])
        yield partial(torch.sum, found, 3, out=turned[:, :, :, 1])
        sides = context.scratch("logits of nodes", (members, heads, 2, nodes * batch))
        yield from turn_back(context, turned, (heads, 2, nodes), sides.flatten(1))
        yield from _head_products(context, sides, _states(context, group, x[part]).mT, gradients[part])
        out = _states(context, group, dx[part])
        yield from _head_products(context, vectors[part].mT, sides, out, added=True)
    for place, name in enumerate(NAMES):
        yield partial(context.parameters.gradient(group, name).copy_, gradients[:, :, place])


def _vectors(context: Context, group: Group) -> Generator[Kernel, None, Tensor]:
    """Bring the two vectors of each head together, (members, heads, 2, channels of a head)."""
    heads, channels, _ = _heads(group)
    vectors = context.scratch("vectors", (len(group.values), heads, 2, channels), group)
    for place, name in enumerate(NAMES):
        yield partial(vectors[:, :, place].copy_, context.parameters.weight(group, name))
    return vectors


def _head_products(
    context: Context, a: Tensor, b: Tensor, out: Tensor, *, added: bool = False
) -> Iterator[Kernel]:
    """Write the products of the heads of each member, or add them, head by head."""
    for head in range(out.shape[1]):
        one = out[:, head]
        yield from product(context.paths, a[:, head], b[:, head], one, add=one if added else None)


def _heads(group: Group) -> tuple[int, int, int]:
    heads = group.node.option("heads")
    return heads, group.node.shape[0] // heads, group.node.shape[1]


def _pairs(group: Group) -> Shape:
    heads, _, nodes = _heads(group)
    return heads, nodes, nodes


def _states(context: Context, group: Group, rows: Tensor) -> Tensor:
    """Rows as (members, heads, channels of a head, nodes * batch)."""
    heads, channels, nodes = _heads(group)
    floats = heads * channels * nodes * context.batch
    states: Tensor = rows[:, :floats].unflatten(1, (heads, channels, nodes * context.batch))
    return states


def _turned(context: Context, group: Group, rows: Tensor) -> Tensor:
    """Rows as (members, batch, heads, nodes, nodes)."""
    pairs = _pairs(group)
    turned: Tensor = rows[:, : math.prod(pairs) * context.batch].unflatten(1, (context.batch, *pairs))
    return turned


KERNELS = Kernels(_record_forward, _record_backward)
