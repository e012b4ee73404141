"""Pooling of a whole group by a library, for rows that lie densely.

Since the batch is innermost, pooling over the sides is pooling over the sides and the batch with a window of
1 along the batch: (members, channels, *sides, batch). No value changes its place for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nas_gym.networks import Node
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.launches import composed
from nas_gym.training.program.tape import Kernel, Rows

aten: Any = torch.ops.aten
MAXIMUM = {1: aten.max_pool2d_with_indices, 2: aten.max_pool3d_with_indices}
MAXIMUM_BACKWARD = {1: aten.max_pool2d_with_indices_backward, 2: aten.max_pool3d_with_indices_backward}
AVERAGE = {1: aten.avg_pool2d, 2: aten.avg_pool3d}
AVERAGE_BACKWARD = {1: aten.avg_pool2d_backward, 2: aten.avg_pool3d_backward}


def record_maximum(context: Context, group: Group, x: Rows) -> Rows:
    """Append maxima; where each was found is kept for the backward pass."""
    node, rows = group.node, len(group.values)
    pool = MAXIMUM[len(node.shape) - 1].out
    y = context.tape.new(math.prod(node.shape), rows)
    found = context.tape.floats(2 * y.block.size, rows)  # whole numbers of 64 bits

    def bind(x: Tensor, y: Tensor, found: Tensor) -> Sequence[Kernel]:
        read, written = _grids(context, node, x, y)
        index = _index(context, node, found)
        return [partial(pool, read, *_window(node), _once(node), _ceils(node), out=written, indices=index)]

    context.tape.add(bind, x, y, found)
    context.saved[group] = (x, found)
    return y


def record_maximum_backward(context: Context, group: Group, dy: Rows) -> Rows:
    """Append the gradient: to the first maximum of each window."""
    node = group.node
    pool = MAXIMUM_BACKWARD[len(node.shape) - 1].grad_input
    x, found = context.saved[group]
    dx = context.tape.new(math.prod(node.input_shape), len(group.values))

    def bind(x: Tensor, found: Tensor, dy: Tensor, dx: Tensor) -> Sequence[Kernel]:
        read, arrived = _grids(context, node, x, dy)
        target, _ = _grids(context, node, dx, dy)
        index = _index(context, node, found)
        return [partial(spread_maxima, pool, arrived, read, _window(node), _ceils(node), index, target)]

    context.tape.add(bind, x, found, dy, dx)
    return dx


@composed(2)
def spread_maxima(
    pool: Any,
    dy: Tensor,
    x: Tensor,
    window: Sequence[list[int]],
    ceils: bool,
    index: Tensor,
    dx: Tensor,
) -> None:
    """Write the gradient by x; the library fills it with zeros first."""
    pool(dy, x, *window, [1] * len(window[0]), ceils, index, grad_input=dx)


def record_average(context: Context, group: Group, x: Rows) -> Rows:
    """Append means; padding is not counted."""
    node = group.node
    pool = AVERAGE[len(node.shape) - 1].out
    y = context.tape.new(math.prod(node.shape), len(group.values))

    def bind(x: Tensor, y: Tensor) -> Sequence[Kernel]:
        read, written = _grids(context, node, x, y)
        return [partial(pool, read, *_window(node), _ceils(node), False, None, out=written)]

    context.tape.add(bind, x, y)
    context.saved[group] = (x,)
    return y


def record_average_backward(context: Context, group: Group, dy: Rows) -> Rows:
    """Append the gradient, spread over the windows."""
    node = group.node
    pool = AVERAGE_BACKWARD[len(node.shape) - 1].grad_input
    (x,) = context.saved[group]
    dx = context.tape.new(math.prod(node.input_shape), len(group.values))

    def bind(x: Tensor, dy: Tensor, dx: Tensor) -> Sequence[Kernel]:
        read, arrived = _grids(context, node, x, dy)
        target, _ = _grids(context, node, dx, dy)
        window = (*_window(node), _ceils(node), False, None)
        return [partial(pool, arrived, read, *window, grad_input=target)]

    context.tape.add(bind, x, dy, dx)
    return dx


def _grids(context: Context, node: Node, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return grid(x, node.input_shape, context.batch), grid(y, node.shape, context.batch)


def _index(context: Context, node: Node, found: Tensor) -> Tensor:
    return grid(found.view(torch.int64), node.shape, context.batch)


def _window(node: Node) -> tuple[list[int], list[int], list[int]]:
    """Size, stride and padding of the window."""
    sides = len(node.shape) - 1
    return [node.kernel] * sides + [1], [node.stride] * sides + [1], [node.padding] * sides + [0]


def _once(node: Node) -> list[int]:
    """The dilation."""
    return [1] * len(node.shape)


def _ceils(node: Node) -> bool:
    """Whether a last window may reach over the edge."""
    return node.kernel % 2 == 0
