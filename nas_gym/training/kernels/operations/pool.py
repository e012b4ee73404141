"""Pooling as maxima and sums of shifted ranges, one side after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import Node, Shape
from nas_gym.training.kernels import library_pool
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid
from nas_gym.training.kernels.windows import Tap, taps
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def stages(node: Node) -> list[Shape]:
    """Shapes from the input to the output, the last side pooled first.

    Windows are products of ranges and both the sum and the maximum are separable. The last side
    first also keeps the rule for equal maxima: the first in the order of memory gets the gradient.
    """
    shapes = [node.input_shape]
    for side in reversed(range(1, len(node.shape))):
        before = shapes[-1]
        shapes.append((*before[:side], node.shape[side], *before[side + 1 :]))
    return shapes


class _Pool:
    def __init__(self, context: Context, group: Group) -> None:
        node = group.node
        self._context, self._node, self._members = context, node, len(group.values)
        self._shapes = stages(node)
        self._windows = {
            side: taps(node.input_shape[side], node.shape[side], node.kernel, node.stride, node.padding)
            for side in range(1, len(node.shape))
        }

    def _sides(self) -> Sequence[int]:
        return tuple(reversed(range(1, len(self._node.shape))))

    def _values(self, rows: Tensor, stage: int) -> Tensor:
        return grid(rows, self._shapes[stage], self._context.batch)

    def _scratch(self, purpose: str, values: Tensor) -> Tensor:
        floats = self._members * math.prod(self._node.input_shape) * self._context.batch
        return self._context.scratch(purpose, (floats,))[: values.numel()].view(values.shape)


class MaxPool(_Pool):
    """Kernels of max pooling for the members of one group; rows hold the result of every side."""

    def forward(self, results: Sequence[Tensor]) -> Iterator[Kernel]:
        """Pool side by side; `results` are the input and the result after each side."""
        for stage, side in enumerate(self._sides()):
            x, y = self._values(results[stage], stage), self._values(results[stage + 1], stage + 1)
            for number, tap in enumerate(_full_first(self._windows[side], y.shape[side + 1])):
                read, written = _part(x, side, tap.inputs), _part(y, side, tap.outputs)
                if number == 0:
                    yield partial(written.copy_, read)
                else:
                    yield partial(torch.maximum, written, read, out=written)

    def backward(self, results: Sequence[Tensor], gradients: Sequence[Tensor]) -> Iterator[Kernel]:
        """Send gradients to the first maximum of each window; `gradients` lie as `results` do."""
        for stage, side in reversed(list(enumerate(self._sides()))):
            x, y = self._values(results[stage], stage), self._values(results[stage + 1], stage + 1)
            dx, dy = self._values(gradients[stage], stage), self._values(gradients[stage + 1], stage + 1)
            yield dx.zero_
            for tap in self._windows[side]:
                top, rest = _part(y, side, tap.outputs), _part(dy, side, tap.outputs)
                sent = self._scratch("max pool", top)
                yield partial(torch.eq, _part(x, side, tap.inputs), top, out=sent)
                yield partial(sent.mul_, rest)
                yield partial(_part(dx, side, tap.inputs).add_, sent)
                yield partial(rest.sub_, sent)


class AveragePool(_Pool):
    """Kernels of average pooling for the members of one group; padding is not counted."""

    def forward(self, results: Sequence[Tensor]) -> Iterator[Kernel]:
        """Pool side by side; `results` are the input and the result after each side."""
        for stage, side in enumerate(self._sides()):
            x, y = self._values(results[stage], stage), self._values(results[stage + 1], stage + 1)
            for number, tap in enumerate(_full_first(self._windows[side], y.shape[side + 1])):
                read, written = _part(x, side, tap.inputs), _part(y, side, tap.outputs)
                yield partial(written.copy_ if number == 0 else written.add_, read)
            yield partial(y.mul_, self._shares(side))

    def backward(self, gradients: Sequence[Tensor]) -> Iterator[Kernel]:
        """Spread gradients over the windows; `gradients` of the input, after each side, and given."""
        for stage, side in reversed(list(enumerate(self._sides()))):
            dx, dy = self._values(gradients[stage], stage), self._values(gradients[stage + 1], stage + 1)
            share = self._scratch("average pool", dy)
            yield partial(torch.mul, dy, self._shares(side), out=share)
            yield dx.zero_
            for tap in self._windows[side]:
                yield partial(_part(dx, side, tap.inputs).add_, _part(share, side, tap.outputs))

    def _shares(self, side: int) -> Tensor:
        counts = torch.zeros(self._node.shape[side], dtype=torch.float32)
        for tap in self._windows[side]:
            counts[tap.outputs] += 1
        # (positions of the side, 1 for every side after it and the batch)
        return (1 / counts).view(-1, *(1,) * (len(self._node.shape) - side)).to(self._context.device)


def _part(values: Tensor, side: int, positions: slice) -> Tensor:
    return values[(slice(None),) * (side + 1) + (positions,)]


def _full_first(window: Sequence[Tap], out: int) -> list[Tap]:
    """The taps, one that reaches every output position first, so that it can start a sum."""
    return sorted(window, key=lambda tap: tap.stop - tap.start < out)


def _library(context: Context, node: Node) -> bool:
    return context.paths.whole_groups and context.dense(node.input_shape, node.shape)


def _maximum(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    if _library(context, group.node):
        return library_pool.record_maximum(context, group, inputs[0])
    return _record(MaxPool(context, group), context, group, inputs[0])


def _average(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    if _library(context, group.node):
        return library_pool.record_average(context, group, inputs[0])
    return _record(AveragePool(context, group), context, group, inputs[0])


def _record(kernels: MaxPool | AveragePool, context: Context, group: Group, x: Rows) -> Rows:
    rows = len(group.values)
    results = [x, *(context.tape.new(math.prod(shape), rows) for shape in stages(group.node)[1:])]
    context.tape.add(lambda *tensors: list(kernels.forward(tensors)), *results)
    context.saved[group] = tuple(results)
    return results[-1]


def _maximum_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    if _library(context, group.node):
        return library_pool.record_maximum_backward(context, group, dy)
    tape, shapes = context.tape, stages(group.node)
    gradients = _gradients(context, group)
    maxima, results = MaxPool(context, group), context.saved[group]
    # Each maximum that is found is taken out of the gradient, which others may read.
    copy = tape.new(math.prod(shapes[-1]), len(group.values))
    tape.add(lambda dy, copy: [partial(copy.copy_, dy)], dy, copy)
    split = len(results)
    tape.add(lambda *t: list(maxima.backward(t[:split], t[split:])), *results, *gradients, copy)
    return gradients[0]


def _average_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    if _library(context, group.node):
        return library_pool.record_average_backward(context, group, dy)
    gradients = _gradients(context, group)
    averages = AveragePool(context, group)
    context.tape.add(lambda *tensors: list(averages.backward(tensors)), *gradients, dy)
    return gradients[0]


def _gradients(context: Context, group: Group) -> list[Rows]:
    """Return memory for the gradients of the input and of the result after each side but the last."""
    shapes = stages(group.node)[:-1]
    return [context.tape.new(math.prod(shape), len(group.values)) for shape in shapes]


MAXIMUM_KERNELS = Kernels(_maximum, _maximum_backward)
AVERAGE_KERNELS = Kernels(_average, _average_backward)
