"""Squeeze and excitation: two products of small matrices, and a weight a channel."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

aten = torch.ops.aten


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, rows = context.tape, len(group.values)
    channels, squeezed = _sizes(group)
    y, means, hidden, weights = (
        tape.new(floats, rows) for floats in (math.prod(group.node.shape), channels, squeezed, channels)
    )
    context.saved[group] = (inputs[0], means, hidden, weights)
    tape.add(lambda *tensors: list(_forward(context, group, *tensors)), inputs[0], means, hidden, weights, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    dx = context.tape.new(math.prod(group.node.input_shape), len(group.values)) if needed else None
    context.tape.add(
        lambda *tensors: list(_backward(context, group, *tensors)),
        *context.saved[group],
        dy,
        *(() if dx is None else (dx,)),
    )
    return dx


def _forward(
    context: Context, group: Group, x: Tensor, means: Tensor, hidden: Tensor, weights: Tensor, y: Tensor
) -> Iterator[Kernel]:
    """Compute y; `means`, `hidden` and `weights` keep what lies between for the backward pass."""
    source, out = _grid(context, group, x), _grid(context, group, y)
    squeeze, excite, pooled, inner, outer = _parts(context, group, means, hidden, weights)
    bias = context.parameters.weight(group, "squeeze_bias").unsqueeze(2)
    back = context.parameters.weight(group, "excite_bias").unsqueeze(2)
    yield partial(torch.sum, source, 2, out=pooled)
    yield partial(pooled.mul_, constant(1 / source.shape[2], source))
    yield from product(context.paths, squeeze, pooled, inner, add=bias)
    yield partial(torch.clamp_min, inner, 0, out=inner)
    yield from product(context.paths, excite, inner, outer, add=back)
    yield outer.sigmoid_
    yield partial(torch.mul, source, outer.unsqueeze(2), out=out)


def _backward(
    context: Context,
    group: Group,
    x: Tensor,
    means: Tensor,
    hidden: Tensor,
    weights: Tensor,
    dy: Tensor,
    dx: Tensor | None = None,
) -> Iterator[Kernel]:
    """Gradients: with y = x w(mean(x)): dx = dy w + mean'(dw), where dw sums dy x over the positions."""
    source, arrived = _grid(context, group, x), _grid(context, group, dy)
    squeeze, excite, pooled, inner, outer = _parts(context, group, means, hidden, weights)
    gradient = partial(context.parameters.gradient, group)
    whole = tuple(source.shape)
    out = context.scratch("squeezed products", whole) if dx is None else _grid(context, group, dx)
    to_outer = context.aligned_scratch("excited channels", tuple(outer.shape))
    to_inner = context.aligned_scratch("squeezed channels", tuple(inner.shape))
    yield partial(torch.mul, source, arrived, out=out)
    yield partial(torch.sum, out, 2, out=to_outer)
    yield partial(aten.sigmoid_backward.grad_input, to_outer, outer, grad_input=to_outer)
    yield from product(context.paths, to_outer, inner.mT, gradient("excite"))
    yield partial(torch.sum, to_outer, 2, out=gradient("excite_bias"))
    yield from product(context.paths, excite.mT, to_outer, to_inner)
    yield partial(aten.threshold_backward.grad_input, to_inner, inner, 0, grad_input=to_inner)
    yield from product(context.paths, to_inner, pooled.mT, gradient("squeeze"))
    yield partial(torch.sum, to_inner, 2, out=gradient("squeeze_bias"))
    if dx is None:
        return
    yield from product(context.paths, squeeze.mT, to_inner, to_outer)
    yield partial(to_outer.mul_, constant(1 / source.shape[2], source))
    yield partial(torch.mul, arrived, outer.unsqueeze(2), out=out)
    yield partial(out.add_, to_outer.unsqueeze(2))


def _sizes(group: Group) -> tuple[int, int]:
    return group.node.shape[0], int(group.node.option("squeezed"))


def _grid(context: Context, group: Group, rows: Tensor) -> Tensor:
    """Rows as (members, channels, positions, batch)."""
    shape = (group.node.shape[0], math.prod(group.node.shape[1:]))
    return grid(rows, shape, context.batch)


def _parts(
    context: Context, group: Group, means: Tensor, hidden: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the two weights, and means, hidden numbers and channels' weights as matrices."""
    channels, squeezed = _sizes(group)
    return (
        context.parameters.weight(group, "squeeze"),
        context.parameters.weight(group, "excite"),
        matrix(means, channels, context.batch),
        matrix(hidden, squeezed, context.batch),
        matrix(weights, channels, context.batch),
    )


KERNELS = Kernels(_record_forward, _record_backward)
