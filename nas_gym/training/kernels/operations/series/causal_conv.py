"""Dilated causal convolution as a product of matrices for each step that it reads.

With the batch innermost, the steps before a step are a contiguous range of columns, so that of a stride of 1
nothing is copied but the weights, which a product reads as one matrix for each of these steps. Of a larger
stride the columns that a tap reads are gathered first.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from nas_gym.networks import Node
from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid, matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


class _Tap(NamedTuple):
    """What a number of the kernel reads.

    Attributes:
        number: its place in the weights.
        first: the first step of the result that it reads something for.
        start: the step that it reads for that one.
    """

    number: int
    first: int
    start: int


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(_sums(context, group, x, y))


def _sums(context: Context, group: Group, x: Tensor, y: Tensor) -> Iterator[Kernel]:
    node = group.node
    weight, copied = _weight(context, group)
    out = matrix(y, node.shape[0], context.batch, node.shape[1])
    yield copied
    for place, tap in enumerate(_taps(node)):
        read = yield from _gathered(context, group, x, tap)
        target = out[:, :, tap.first * context.batch :]
        yield from product(context.paths, weight[tap.number], read, target, add=target if place else None)
    yield partial(out.add_, context.parameters.weight(group, "bias").unsqueeze(2))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    return list(_gradients(context, group, x, dy, dx))


def _gradients(context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
    parameters, node = context.parameters, group.node
    weight, copied = _weight(context, group)
    arrived = matrix(dy, node.shape[0], context.batch, node.shape[1])
    found = context.aligned_scratch("gradient of causal weights", tuple(weight.shape), group, leading=2)
    for tap in _taps(node):
        read = yield from _gathered(context, group, x, tap)
        later = arrived[:, :, tap.first * context.batch :]
        yield from product(context.paths, later, read.mT, found[tap.number])
    yield partial(parameters.gradient(group, "weight").copy_, found.permute(1, 2, 3, 0))
    yield partial(torch.sum, arrived, 2, out=parameters.gradient(group, "bias"))
    if dx is None:
        return
    yield copied
    yield matrix(dx, node.input_shape[0], context.batch, node.input_shape[1]).zero_
    for tap in _taps(node):
        later = arrived[:, :, tap.first * context.batch :]
        turned = weight[tap.number].mT
        if node.stride == 1:
            target = _steps(context, node, dx, tap).flatten(2)
            yield from product(context.paths, turned, later, target, add=target)
        else:
            target = _steps(context, node, dx, tap)
            part = context.aligned_scratch("gradient of causal steps", tuple(target.shape))
            yield from product(context.paths, turned, later, part.flatten(2))
            yield partial(target.add_, part)


def _gathered(context: Context, group: Group, x: Tensor, tap: _Tap) -> Generator[Kernel, None, Tensor]:
    """Return what a tap reads as (members, channels, steps * batch), gathered where it is no range."""
    steps = _steps(context, group.node, x, tap)
    if group.node.stride == 1:
        return steps.flatten(2)
    copy = context.aligned_scratch("causal steps", tuple(steps.shape))
    yield partial(copy.copy_, steps)
    return copy.flatten(2)


def _steps(context: Context, node: Node, rows: Tensor, tap: _Tap) -> Tensor:
    """Return the steps of input rows that a tap reads, a view (members, channels, steps, batch)."""
    count = node.shape[1] - tap.first
    stop = tap.start + (count - 1) * node.stride + 1
    return grid(rows, node.input_shape, context.batch)[:, :, tap.start : stop : node.stride]


def _weight(context: Context, group: Group) -> tuple[Tensor, Kernel]:
    """Return a matrix for each step that is read, (kernel, members, outputs, inputs), and their copying."""
    weight = context.parameters.weight(group, "weight").permute(3, 0, 1, 2)
    copy = context.aligned_scratch("causal weights", tuple(weight.shape), group, leading=2)
    return copy, partial(copy.copy_, weight)


def _taps(node: Node) -> list[_Tap]:
    """Return the taps that read something, that of the step itself first, which reaches every result."""
    taps = []
    for number in range(node.kernel):
        back = number * node.option("dilation")
        start = node.input_shape[1] - 1 - (node.shape[1] - 1) * node.stride - back
        first = max(0, -(start // node.stride))
        if first < node.shape[1]:
            taps.append(_Tap(node.kernel - 1 - number, first, start + first * node.stride))
    return taps


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
