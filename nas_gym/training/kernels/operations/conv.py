"""Convolution as products of matrices over windows gathered side by side.

With the batch innermost, a tap of the kernel is a contiguous range of positions. For a convolution
of stride 1 the taps of the outermost side therefore need no copy: each is a product over a range of
columns, added to the result. The taps of the other sides are gathered first ("columns").
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import Node, dilation, reach
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.depthwise import Depthwise
from nas_gym.training.kernels.layout import grid, matrix
from nas_gym.training.kernels.library_conv import LibraryConvolution, Pointwise
from nas_gym.training.kernels.matmul import gradient_product, product
from nas_gym.training.kernels.weight_layout import is_depthwise, weight_form
from nas_gym.training.kernels.windows import Tap, taps
from nas_gym.training.program.fresh import Fresh, Source
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

COLUMNS_FLOATS = 2**17
"""Floats of gathered columns worked on at a time, about half of a core's cache."""
GRADIENT_OF_COLUMNS = "gradient of columns"


class Convolution:
    """Kernels of a convolution for the members of one group.

    Args:
        context: where scratch memory comes from.
        group: equal convolutions of several members.
    """

    def __init__(self, context: Context, group: Group) -> None:
        node = group.node
        self._context, self._group, self._node = context, group, node
        self._batch = context.batch
        self._ranged = weight_form(node).ranged
        sides = list(zip(node.input_shape[1:], node.shape[1:], strict=True))
        windows = [
            taps(side, out, node.kernel, node.stride, reach(node), dilation(node)) for side, out in sides
        ]
        self._row = math.prod(node.shape[2:]) * self._batch
        self._range_taps = _middle_first(windows[0], node) if self._ranged else ()
        self._gathered = windows[1:] if self._ranged else windows
        gathers = len(self._gathered) > 0 and (node.kernel > 1 or node.stride > 1)
        self._kernel_taps = node.kernel ** len(self._gathered)
        self._columns_shape = (
            node.groups,
            self._kernel_taps,
            node.input_shape[0] // node.groups,
            *node.shape[1:],
            self._batch,
        )
        self._gathers = gathers
        floats = math.prod(self._columns_shape)
        tiled = gathers and not context.paths.whole_groups
        self.tile = max(1, COLUMNS_FLOATS // floats) if tiled else len(group.values)
        self.tile = min(self.tile, len(group.values))

    def forward(self, x: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Y = x convolved with the weights; x may be one row read for every member."""
        weight = yield from self._stored_weight()
        for part in self._tiles():
            columns = yield from self._columns(x, part)
            out = matrix(y[part], self._node.shape[0], self._batch, math.prod(self._node.shape[1:]))
            yield from self._products(weight[:, part], columns, out)
        if self._node.bias:
            bias = self._context.parameters.weight(self._group, "bias").unsqueeze(2)
            out = matrix(y, self._node.shape[0], self._batch, math.prod(self._node.shape[1:]))
            yield partial(out.add_, bias)

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
        """Gradients of the weights, and of x where `dx` is given."""
        parameters = self._context.parameters
        weight = yield from self._stored_weight()
        gradient, returned = self._stored_gradient()
        positions = math.prod(self._node.shape[1:])
        for part in self._tiles():
            columns = yield from self._columns(x, part)
            dout = matrix(dy[part], self._node.shape[0], self._batch, positions)
            yield from self._weight_products(gradient[:, part], columns, dout)
            if dx is not None:
                yield from self._input_gradient(weight[:, part], dout, dx[part])
        yield from returned
        if self._node.bias:
            dout = matrix(dy, self._node.shape[0], self._batch, positions)
            yield partial(torch.sum, dout, 2, out=parameters.gradient(self._group, "bias"))

    def _stored_weight(self) -> Generator[Kernel, None, Tensor]:
        """The weight in the form that products read, copied to it where it lies as PyTorch lays it out."""
        weight = self._context.parameters.weight(self._group, "weight")
        if self._context.parameters.form(self._node, "weight"):
            return weight
        split = weight_form(self._node).split(weight)
        copy = self._context.scratch("weight in another form", tuple(split.shape), self._group)
        yield partial(copy.copy_, split)
        return copy.flatten(3)

    def _stored_gradient(self) -> tuple[Tensor, list[Kernel]]:
        """Where products write the gradient by the weight, and what brings it to where it belongs."""
        gradient = self._context.parameters.gradient(self._group, "weight")
        if self._context.parameters.form(self._node, "weight"):
            return gradient, []
        split = weight_form(self._node).split(gradient)
        copy = self._context.scratch("gradient in another form", tuple(split.shape), self._group)
        return copy.flatten(3), [partial(split.copy_, copy)]

    def _tiles(self) -> Iterator[slice]:
        members = len(self._group.values)
        return (slice(i, min(i + self.tile, members)) for i in range(0, members, self.tile))

    def _columns_scratch(self) -> Tensor:
        # The border of the columns stays zero, so only equal convolutions may share them.
        key = (
            self._node.kernel,
            self._node.stride,
            self._node.input_shape,
            self._ranged,
            dilation(self._node),
        )
        return self._context.scratch("columns", (self.tile, *self._columns_shape), key)

    def need(self) -> None:
        """Note what memory the backward pass shares with those of others."""
        if self._gathers:
            floats = self.tile * math.prod(self._columns_shape)
            self._context.memory.need(GRADIENT_OF_COLUMNS, floats)

    def _gradient_of_columns(self) -> Tensor:
        # All of it that is read is written first.
        return self._context.memory.shared(GRADIENT_OF_COLUMNS, (self.tile, *self._columns_shape))

    def _columns(self, x: Tensor, part: slice) -> Generator[Kernel, None, Tensor]:
        """Gather the windows of a tile: (members, groups, taps * channels, positions * batch)."""
        members, node = part.stop - part.start, self._node
        groups, channels = node.groups, node.input_shape[0] // node.groups
        if not self._gathers:
            rows = grid(x[part], (groups, channels, math.prod(node.input_shape[1:])), self._batch)
            return rows.flatten(3)
        repeated = x.stride(0) == 0 and len(x) > 1
        rows = x[:1] if repeated else x[part]
        columns = self._columns_scratch()[: len(rows)]
        source = grid(rows, (groups, channels, *node.input_shape[1:]), self._batch)
        if not repeated or part.start == 0:
            for number, outputs, inputs in self._windows():
                yield partial(columns[:, :, number][outputs].copy_, source[inputs])
        return columns.flatten(4).flatten(2, 3).expand(members, -1, -1, -1)

    def _windows(self) -> Iterator[tuple[int, tuple[slice, ...], tuple[slice, ...]]]:
        """Each gathered tap: its number, where it goes in the columns, and what it reads."""
        every = (slice(None),) * (4 if self._ranged else 3)
        for combination in itertools.product(*self._gathered):
            number = 0
            for tap in combination:
                number = number * self._node.kernel + tap.number
            outputs = (*every, *(tap.outputs for tap in combination))
            inputs = (*every, *(tap.inputs for tap in combination))
            yield number, outputs, inputs

    def _products(self, weight: Tensor, columns: Tensor, out: Tensor) -> Iterator[Kernel]:
        for group, outs in self._groups():
            if not self._ranged:
                yield from product(self._context.paths, weight[0][:, outs], columns[:, group], out[:, outs])
            for tap in self._range_taps:
                target, source = out[:, outs, self._to(tap)], columns[:, group, :, self._from(tap)]
                first = tap is self._range_taps[0]
                yield from product(
                    self._context.paths,
                    weight[tap.number][:, outs],
                    source,
                    target,
                    add=None if first else target,
                )

    def _weight_products(self, gradient: Tensor, columns: Tensor, dout: Tensor) -> Iterator[Kernel]:
        paths = self._context.paths
        scratch = partial(self._context.scratch, "transposed gradient")
        for group, outs in self._groups():
            if not self._ranged:
                written = gradient[0][:, outs]
                yield from gradient_product(paths, dout[:, outs], columns[:, group], written, scratch)
            for tap in self._range_taps:
                read, arrived = columns[:, group, :, self._from(tap)], dout[:, outs, self._to(tap)]
                yield from gradient_product(paths, arrived, read, gradient[tap.number][:, outs], scratch)

    def _input_gradient(self, weight: Tensor, dout: Tensor, dx: Tensor) -> Iterator[Kernel]:
        node, members = self._node, len(dx)
        channels = node.input_shape[0] // node.groups
        target = grid(dx, (node.groups, channels, *node.input_shape[1:]), self._batch)
        dcolumns = self._gradient_of_columns()[:members] if self._gathers else target.unsqueeze(2)
        flat = dcolumns.flatten(4).flatten(2, 3)
        for group, outs in self._groups():
            if not self._ranged:
                yield from product(self._context.paths, weight[0][:, outs].mT, dout[:, outs], flat[:, group])
            for tap in self._range_taps:
                written = flat[:, group, :, self._from(tap)]
                source = dout[:, outs, self._to(tap)]
                first = tap is self._range_taps[0]
                weights = weight[tap.number][:, outs].mT
                yield from product(
                    self._context.paths, weights, source, written, add=None if first else written
                )
        if self._gathers:
            yield target.zero_
            for number, outputs, inputs in self._windows():
                yield partial(target[inputs].add_, dcolumns[:, :, number][outputs])

    def _groups(self) -> Iterator[tuple[int, slice]]:
        outs = self._node.shape[0] // self._node.groups
        return ((group, slice(group * outs, (group + 1) * outs)) for group in range(self._node.groups))

    def _to(self, tap: Tap) -> slice:
        return slice(tap.start * self._row, tap.stop * self._row)

    def _from(self, tap: Tap) -> slice:
        return slice(tap.first * self._row, (tap.first + tap.stop - tap.start) * self._row)


def _middle_first(window: Sequence[Tap], node: Node) -> tuple[Tap, ...]:
    """The taps, the middle one first: it reaches every position, so that it can start a sum."""
    return tuple(sorted(window, key=lambda tap: (tap.number != node.padding, tap.number)))


def _library(context: Context, group: Group) -> bool:
    """Whether a library convolves all members at once."""
    node = group.node
    return context.paths.library_convolutions and context.dense(node.input_shape, node.shape)


def _is_pointwise(node: Node) -> bool:
    return node.kernel == node.stride == node.groups == 1


def _kernels(context: Context, group: Group) -> Convolution | Depthwise:
    return (Depthwise if is_depthwise(group.node) else Convolution)(context, group)


def _forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, x = context.tape, inputs[0]
    context.saved[group] = (x,)
    features, rows = math.prod(group.node.shape), len(group.values)
    if _library(context, group) and not _is_pointwise(group.node):
        y, fresh = tape.fresh(features, rows)
        tape.add(lambda x: list(LibraryConvolution(context, group).forward(x, fresh)), x)
        return y
    y = tape.new(features, rows)
    kind = Pointwise if _library(context, group) else _kernels
    tape.add(lambda x, y: list(kind(context, group).forward(x, y)), x, y)
    return y


def _backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if _library(context, group):
        return _library_backward(context, group, dy, needed)
    (x,) = context.saved[group]
    features = math.prod(group.node.input_shape)
    dx = context.tape.new(features, len(group.values)) if needed else None
    kernels = _kernels(context, group)
    if needed and isinstance(kernels, Convolution):
        kernels.need()

    def bind(x: Tensor, dy: Tensor, dx: Tensor | None = None) -> Sequence[Kernel]:
        return list(kernels.backward(x, dy, dx))

    context.tape.add(bind, x, dy, *(() if dx is None else (dx,)))
    return dx


def _library_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    tape, node, (x,) = context.tape, group.node, context.saved[group]
    size = math.prod(node.input_shape), len(group.values)
    fresh: Fresh | None = None
    if _is_pointwise(node):
        dx = tape.new(*size) if needed else None
    else:
        dx, fresh = tape.fresh(*size) if needed else (None, None)

    def bind(dy: Source, x: Tensor, dx: Tensor | None = None) -> Sequence[Kernel]:
        if _is_pointwise(node):
            return list(Pointwise(context, group).backward(dy, x, dx))
        return list(LibraryConvolution(context, group).backward(dy, x, fresh))

    operands = (x,) if dx is None or fresh is not None else (x, dx)
    if node.bias:  # its gradient is a sum of what lies in memory
        tape.add(bind, dy, *operands)
    else:
        tape.add_reading(bind, [dy], *operands)
    return dx


KERNELS = Kernels(_forward, _backward)
