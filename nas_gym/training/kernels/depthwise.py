"""Convolution of every channel by itself: sums of shifted, scaled copies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid, matrix
from nas_gym.training.kernels.windows import Tap, taps
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


class Depthwise:
    """Kernels of a depthwise convolution for the members of one group.

    Args:
        context: where scratch memory comes from.
        group: equal convolutions of several members.
        padding: zeros before the start; None for those of the node, as many as behind the end.
    """

    def __init__(self, context: Context, group: Group, padding: int | None = None) -> None:
        self._context, self._group, self._node = context, group, group.node
        node = group.node
        self._padding = node.padding if padding is None else padding
        sides = zip(node.input_shape[1:], node.shape[1:], strict=True)
        windows = [taps(side, out, node.kernel, node.stride, self._padding) for side, out in sides]
        self._taps = sorted(itertools.product(*windows), key=self._from_the_middle)

    def forward(self, x: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Y = x convolved with the weights, channel by channel."""
        weight = self._by_tap(self._context.parameters.weight(self._group, "weight"))
        source = grid(x, self._node.input_shape, self._context.batch)
        out = grid(y, self._node.shape, self._context.batch)
        for number, tap in enumerate(self._taps):
            scale = self._scale(weight, tap)
            read, written = self._inputs(source, tap), self._outputs(out, tap)
            if number == 0:
                yield partial(torch.mul, read, scale, out=written)
            else:
                scaled = self._like(written)
                yield partial(torch.mul, read, scale, out=scaled)
                yield partial(written.add_, scaled)
        if self._node.bias:
            bias = self._context.parameters.weight(self._group, "bias")
            yield partial(out.flatten(2).add_, bias.unsqueeze(2))

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
        """Gradients of the weights, and of x where `dx` is given."""
        parameters, batch = self._context.parameters, self._context.batch
        weight = self._by_tap(parameters.weight(self._group, "weight"))
        gradient = self._by_tap(parameters.gradient(self._group, "weight"))
        source, dout = grid(x, self._node.input_shape, batch), grid(dy, self._node.shape, batch)
        for tap in self._taps:
            read, arrived = self._inputs(source, tap), self._outputs(dout, tap)
            product = self._like(arrived)
            yield partial(torch.mul, read, arrived, out=product)
            yield partial(torch.sum, product.flatten(2), 2, out=gradient[:, :, self._number(tap)])
        if dx is not None:
            target = grid(dx, self._node.input_shape, batch)
            yield target.zero_
            for tap in self._taps:
                arrived = self._outputs(dout, tap)
                scaled = self._like(arrived)
                yield partial(torch.mul, arrived, self._scale(weight, tap), out=scaled)
                yield partial(self._inputs(target, tap).add_, scaled)
        if self._node.bias:
            rows = matrix(dy, self._node.shape[0], batch, math.prod(self._node.shape[1:]))
            yield partial(torch.sum, rows, 2, out=parameters.gradient(self._group, "bias"))

    def _from_the_middle(self, tap: tuple[Tap, ...]) -> tuple[bool, int]:
        return any(side.number != self._padding for side in tap), self._number(tap)

    def _number(self, tap: tuple[Tap, ...]) -> int:
        number = 0
        for side in tap:
            number = number * self._node.kernel + side.number
        return number

    def _by_tap(self, weight: Tensor) -> Tensor:
        """A weight, or its gradient, as (members, channels, taps)."""
        stored = self._context.parameters.form(self._node, "weight")
        return weight[0] if stored else weight.flatten(2)

    def _scale(self, weight: Tensor, tap: tuple[Tap, ...]) -> Tensor:
        return weight[:, :, self._number(tap)].reshape(*weight.shape[:2], *(1,) * (len(tap) + 1))

    def _inputs(self, values: Tensor, tap: tuple[Tap, ...]) -> Tensor:
        return values[(slice(None), slice(None), *(side.inputs for side in tap))]

    def _outputs(self, values: Tensor, tap: tuple[Tap, ...]) -> Tensor:
        return values[(slice(None), slice(None), *(side.outputs for side in tap))]

    def _like(self, values: Tensor) -> Tensor:
        """Scratch of the shape of `values`, contiguous."""
        floats = len(self._group.values) * math.prod(self._node.shape) * self._context.batch
        return self._context.scratch("depthwise", (floats,))[: values.numel()].view(values.shape)
