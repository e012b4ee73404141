"""Weighted sums over neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
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


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    x, weights = inputs
    shape = group.node.shape
    turned = TurnedWeights(context, weights, shape[1])
    context.objects[group] = turned
    context.saved[group] = (weights,)
    # Of one example for all, as the features of the nodes are, one sum serves all.
    repeated = bool(x.repeat and weights.repeat)
    y = context.tape.new(math.prod(shape), 1 if repeated else len(group.values))

    def bind(x: Tensor, weights: Tensor, y: Tensor) -> Sequence[Kernel]:
        return list(_forward(context, group, turned, x[: len(y)], weights, y))

    context.tape.add(bind, x, weights, y)
    return Rows(y.block, 0, 1, len(group.values)) if repeated else y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    (weights,), turned = context.saved[group], context.objects[group]
    dx = context.tape.new(math.prod(group.node.input_shape), len(group.values))

    def bind(weights: Tensor, dy: Tensor, dx: Tensor) -> Sequence[Kernel]:
        return list(_backward(context, group, turned, weights, dy, dx))

    context.tape.add(bind, weights, dy, dx)
    return dx


def _forward(
    context: Context, group: Group, turned: TurnedWeights, x: Tensor, weights: Tensor, y: Tensor
) -> Iterator[Kernel]:
    made, matrices = turned.of(weights)
    yield from made
    yield from _summed(context, group, x, matrices.mT, y)


def _backward(
    context: Context, group: Group, turned: TurnedWeights, weights: Tensor, dy: Tensor, dx: Tensor
) -> Iterator[Kernel]:
    made, matrices = turned.of(weights)
    yield from made
    yield from _summed(context, group, dy, matrices, dx)


def _summed(
    context: Context, group: Group, read: Tensor, matrices: Tensor, written: Tensor
) -> Iterator[Kernel]:
    """Write the products of what is read with matrices, of one member or of each."""
    shape = group.node.shape
    for part in tiles(context, len(written)):
        members = part.stop - part.start
        states, heard = (turned_scratch(context, each, members, shape) for each in ("states", "sums"))
        yield from turn(context, read[part], shape, states)
        yield from products(context, states, matrices[part] if len(matrices) > 1 else matrices, heard)
        yield from turn_back(context, heard, shape, written[part])


KERNELS = Kernels(_record_forward, _record_backward)
