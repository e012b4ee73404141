"""The convolutions of a group as one grouped convolution of a library, the members as its groups.

Since the batch is innermost, a convolution over the sides is one over the sides and the batch, with a kernel
of 1 along the batch: (1, members * channels, *sides, batch). No value changes its place for it.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nas_gym.networks import Shape, dilation, reach
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.kernels.matmul import BFLOAT16_LAUNCHES, product
from nas_gym.training.kernels.paths import Paths
from nas_gym.training.program.fresh import Fresh, Part, Source, taken
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.launches import composed
from nas_gym.training.program.tape import Kernel

aten = torch.ops.aten


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
        image = (1, self._members * node.shape[0], *node.shape[1:], context.batch)
        stride, padding = (node.stride,) * sides + (1,), (reach(node),) * sides + (0,)
        step = (dilation(node),) * sides + (1,)
        self._how = How(self._members, image, stride, padding, step, context.paths.bfloat16)
        weight = context.parameters.weight(group, "weight")
        self._weight = weight.flatten(0, 1).unsqueeze(-1)  # (members * out, in, *kernel, 1), where it lies

    def forward(self, x: Tensor, y: Fresh) -> Iterator[Kernel]:
        """Y = x convolved with the weights; x may be one row read for every member."""
        source, groups = yield from self._source(x)
        bias = self._context.parameters.weight(self._group, "bias").flatten() if self._node.bias else None
        yield partial(convolve, source, self._weight, bias, groups, y, self._how)

    def backward(self, dy: Source, x: Tensor, dx: Fresh | None) -> Iterator[Kernel]:
        """Gradients of the weights, and of x where `dx` is given."""
        source, groups = yield from self._source(x)
        node, parameters = self._node, self._context.parameters
        every = self._members * node.groups
        gradient = self._context.leaf(parameters.gradient(self._group, "weight"))
        if dx is None:
            yield partial(weight_gradient, dy, source, self._weight, groups, gradient, self._how)
        elif groups == every:
            yield partial(both_gradients, dy, source, self._weight, groups, gradient, dx, self._how)
        else:
            read = (dy, source, self._weight, (groups, every))
            yield partial(gradients_of_shared, *read, gradient, dx, self._how)
        if node.bias:
            assert isinstance(dy, Tensor)
            out = dy.view(self._members, node.shape[0], -1)
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


@dataclass(frozen=True, slots=True)
class How:
    """How the convolutions of a group are computed.

    Attributes:
        members: their number.
        image: the result as (1, members * channels, *sides, batch).
        stride, padding: 1 and 0 along the batch.
        dilation: steps between what the kernel reads, 1 along the batch.
        rounded: whether products are of bfloat16.
    """

    members: int
    image: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    rounded: bool

    def factors(self, *factors: Tensor) -> tuple[Tensor, ...]:
        """The factors of products as they are multiplied."""
        return tuple(factor.bfloat16() for factor in factors) if self.rounded else factors

    def rows(self, result: Tensor) -> Tensor:
        """A result as float32 (members, floats)."""
        return result.float().reshape(self.members, -1)

    def options(self, groups: int) -> tuple[Any, ...]:
        """Stride, padding, dilation, not transposed, padding of the output, groups."""
        sides = len(self.stride)
        return self.stride, self.padding, self.dilation, False, [0] * sides, groups

    def gradients(self, dy: Tensor, x: Tensor, weight: Tensor, groups: int, *mask: bool) -> tuple[Any, Any]:
        """Gradients by x and by the weight, of which `mask` says which are wanted."""
        factors = self.factors(dy.view(self.image), x, weight)
        found = aten.convolution_backward(*factors, None, *self.options(groups), (*mask, False))
        return found[0], found[1]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, y: Fresh, how: How) -> None:
    """Leave the convolution, (members, floats), in `y`."""
    bias = bias if bias is None else how.factors(bias)[0]
    y.put(how.rows(aten.convolution(*how.factors(x, weight), bias, *how.options(groups))))


@composed(2)
def both_gradients(
    dy: Source, x: Tensor, weight: Tensor, groups: int, gradient: Fresh, dx: Fresh, how: How
) -> None:
    """Leave the gradients by the weight and by x."""
    by_x, by_weight = how.gradients(taken(dy), x, weight, groups, True, True)
    dx.put(how.rows(by_x))
    gradient.put(by_weight.float())


def weight_gradient(dy: Source, x: Tensor, weight: Tensor, groups: int, gradient: Fresh, how: How) -> None:
    """Leave the gradient by the weight."""
    gradient.put(how.gradients(taken(dy), x, weight, groups, False, True)[1].float())


@composed(2)
def gradients_of_shared(
    dy: Source,
    x: Tensor,
    weight: Tensor,
    groups: tuple[int, int],
    gradient: Fresh,
    dx: Fresh,
    how: How,
) -> None:
    """Leave both gradients where all members read one row: that by x is of each member."""
    arrived = taken(dy)
    gradient.put(how.gradients(arrived, x, weight, groups[0], False, True)[1].float())
    every = x.new_empty(1, x.shape[1] * how.members, *x.shape[2:])  # its shape alone is read
    dx.put(how.rows(how.gradients(arrived, every, weight, groups[1], True, False)[0]))


class Pointwise:
    """Kernels of a convolution with a kernel of 1 at every position: a product for each member.

    Args:
        context: the recording.
        group: equal convolutions of several members.
    """

    def __init__(self, context: Context, group: Group) -> None:
        self._context, self._group, self._node = context, group, group.node
        self._positions = math.prod(group.node.shape[1:])
        self._weight = context.parameters.weight(group, "weight").flatten(2)

    def forward(self, x: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Y = x multiplied by the weights, and the bias added."""
        bias = self._context.parameters.weight(self._group, "bias").unsqueeze(2) if self._node.bias else None
        source, out = self._matrix(x, self._node.input_shape[0]), self._matrix(y, self._node.shape[0])
        yield from product(self._context.paths, self._weight, source, out, add=bias)

    def backward(self, dy: Source, x: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
        """Gradients of the weights, and of x where `dx` is given."""
        node, parameters = self._node, self._context.parameters
        arrived = dy if isinstance(dy, Part) else self._matrix(dy, node.shape[0])
        gradient = parameters.gradient(self._group, "weight").flatten(2)
        target = None if dx is None else self._matrix(dx, node.input_shape[0])
        source = self._matrix(x, node.input_shape[0])
        read = (arrived, source, self._weight, gradient, target, self._context.paths)
        yield partial(product_gradients, *read)
        if node.bias:
            assert isinstance(arrived, Tensor)
            yield partial(torch.sum, arrived, 2, out=parameters.gradient(self._group, "bias"))

    def _matrix(self, rows: Tensor, channels: int) -> Tensor:
        return matrix(rows, channels, self._context.batch, self._positions)


def _products(*arguments: Any) -> int:
    dx, paths = arguments[4:]
    return (1 if dx is None else 2) * (BFLOAT16_LAUNCHES if paths.bfloat16 else 1)


@composed(_products)
def product_gradients(
    dy: Source, x: Tensor, weight: Tensor, gradient: Tensor, dx: Tensor | None, paths: Paths
) -> None:
    """Write the gradient by the weight, and by x where `dx` is given; all (members, rows, columns)."""
    arrived = taken(dy).view(len(weight), weight.shape[1], -1) if isinstance(dy, Part) else dy
    calls = list(product(paths, arrived, x.mT, gradient))
    if dx is not None:
        calls += product(paths, weight.mT, arrived, dx)
    for call in calls:
        call()
