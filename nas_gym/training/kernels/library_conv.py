"""The convolutions of a group as one grouped convolution of a library, the members as its groups.

Since the batch is innermost, a convolution over the sides is one over the sides and the batch, with a kernel
of 1 along the batch: (1, members * channels, *sides, batch). No value changes its place for it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nas_gym.networks import Shape
from nas_gym.training.kernels.context import Context
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.launches import composed
from nas_gym.training.program.tape import Kernel

aten = torch.ops.aten
Sizes = tuple[list[int], list[int]]  # stride and padding, 1 and 0 along the batch


class LibraryConvolution:
    """Kernels of a convolution for the members of one group, whose rows lie densely.

    Args:
        context: where scratch memory comes from.
        group: equal convolutions of several members.
    """

    def __init__(self, context: Context, group: Group) -> None:
        node, self._members = group.node, len(group.values)
        self._context, self._group, self._node = context, group, node
        sides = len(node.shape) - 1
        self._sizes: Sizes = ([node.stride] * sides + [1], [node.padding] * sides + [0])
        self._kernel = (*(node.kernel,) * sides, 1)
        self._rounded = context.paths.bfloat16

    def forward(self, x: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Y = x convolved with the weights; x may be one row read for every member."""
        parameters = self._context.parameters
        stored = self._by_channel(parameters.weight(self._group, "weight"))
        weight = self._weight(stored)
        if weight.data_ptr() != stored.data_ptr():
            yield partial(weight.view(stored.shape).copy_, stored)
        source, groups = yield from self._source(x)
        bias = parameters.weight(self._group, "bias").flatten() if self._node.bias else None
        out = self._image(y, self._node.shape)
        yield partial(convolve, source, weight, bias, self._sizes, groups, out, self._rounded)

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
        """Gradients of the weights, and of x where `dx` is given; after a forward pass."""
        parameters, node = self._context.parameters, self._node
        weight = self._weight(self._by_channel(parameters.weight(self._group, "weight")))
        gradient = self._by_channel(parameters.gradient(self._group, "weight"))
        source, groups = yield from self._source(x)
        arrived = self._image(dy, node.shape)
        read = (arrived, source, weight, self._sizes, groups)
        every = self._members * node.groups
        if dx is None:
            yield partial(weight_gradient, *read, gradient, self._rounded)
        elif groups == every:
            target = self._image(dx, node.input_shape)
            yield partial(both_gradients, *read, gradient, target, self._rounded)
        else:
            yield partial(weight_gradient, *read, gradient, self._rounded)
            target = self._image(dx, node.input_shape)
            yield partial(input_gradient, arrived, weight, self._sizes, every, target, self._rounded)
        if node.bias:
            out = arrived.view(self._members, node.shape[0], -1)
            yield partial(torch.sum, out, 2, out=parameters.gradient(self._group, "bias"))

    def _source(self, x: Tensor) -> Generator[Kernel, None, tuple[Tensor, int]]:
        """The input, and the number of groups: a row that all members read is one of them."""
        node = self._node
        if x.stride(0) != 0 or len(x) == 1:
            return self._image(x, node.input_shape), len(x) * node.groups
        if node.groups == 1:
            return self._image(x[:1], node.input_shape), 1
        copy = self._context.scratch("rows of a convolution", tuple(x.shape))
        yield partial(copy.copy_, x)
        return self._image(copy, node.input_shape), len(x) * node.groups

    def _image(self, rows: Tensor, shape: Shape) -> Tensor:
        """Dense rows as (1, members * channels, *sides, batch)."""
        channels, *sides = shape
        return rows.view(1, len(rows) * channels, *sides, self._context.batch)

    def _by_channel(self, stored: Tensor) -> Tensor:
        """A weight as it is stored, as (members, out, in, ranged taps, gathered taps), a view."""
        channels = self._node.parameter_shapes["weight"][1]
        split: Tensor = stored.unflatten(3, (-1, channels))
        return split.permute(1, 2, 4, 0, 3)

    def _weight(self, by_channel: Tensor) -> Tensor:
        """The weight as (members * out, in, *kernel, 1): where it is stored if that is its order."""
        shape = (by_channel.shape[0] * by_channel.shape[1], by_channel.shape[2], *self._kernel)
        if by_channel.is_contiguous():
            return by_channel.view(shape)
        return self._context.scratch("weight of a convolution", shape, self._group)


@composed(2)
def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, sizes: Sizes, groups: int, out: Tensor, rounded: bool
) -> None:
    """Write the convolution to `out`."""
    if rounded:
        x, weight, bias = x.bfloat16(), weight.bfloat16(), None if bias is None else bias.bfloat16()
    out.copy_(aten.convolution(x, weight, bias, *_options(sizes), groups))


@composed(4)
def both_gradients(
    dy: Tensor,
    x: Tensor,
    weight: Tensor,
    sizes: Sizes,
    groups: int,
    gradient: Tensor,
    dx: Tensor,
    rounded: bool,
) -> None:
    """Write the gradients by the weight and by x."""
    by_x, by_weight = _gradients(dy, x, weight, sizes, groups, (True, True, False), rounded)
    dx.copy_(by_x)
    gradient.copy_(by_weight.view(gradient.shape))


@composed(2)
def weight_gradient(
    dy: Tensor, x: Tensor, weight: Tensor, sizes: Sizes, groups: int, gradient: Tensor, rounded: bool
) -> None:
    """Write the gradient by the weight."""
    _, by_weight = _gradients(dy, x, weight, sizes, groups, (False, True, False), rounded)
    gradient.copy_(by_weight.view(gradient.shape))


@composed(2)
def input_gradient(dy: Tensor, weight: Tensor, sizes: Sizes, groups: int, dx: Tensor, rounded: bool) -> None:
    """Write the gradient by x, of which the shape alone is read."""
    by_x, _ = _gradients(dy, dx, weight, sizes, groups, (True, False, False), rounded)
    dx.copy_(by_x)


def _gradients(
    dy: Tensor,
    x: Tensor,
    weight: Tensor,
    sizes: Sizes,
    groups: int,
    mask: tuple[bool, bool, bool],
    rounded: bool,
) -> tuple[Any, Any]:
    if rounded:
        dy, x, weight = dy.bfloat16(), x.bfloat16(), weight.bfloat16()
    found = aten.convolution_backward(dy, x, weight, None, *_options(sizes), groups, mask)
    return found[0], found[1]


def _options(sizes: Sizes) -> tuple[list[int], list[int], list[int], bool, list[int]]:
    """Stride, padding, dilation, not transposed, padding of the output."""
    stride, padding = sizes
    return stride, padding, [1] * len(stride), False, [0] * len(stride)
