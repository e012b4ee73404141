"""Normalisation over the channels at each position."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import CHANNEL_NORM_EPSILON
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, floats, rows = context.tape, math.prod(group.node.shape), len(group.values)
    y, normal = tape.new(floats, rows), tape.new(floats, rows)
    inverse = tape.new(_positions(group), rows)
    context.saved[group] = (normal, inverse)
    tape.add(lambda x, n, i, y: list(_forward(context, group, x, n, i, y)), inputs[0], normal, inverse, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    normal, inverse = context.saved[group]
    dx = context.tape.new(math.prod(group.node.shape), len(group.values)) if needed else None
    context.tape.add(
        lambda n, i, dy, *dx: list(_backward(context, group, n, i, dy, *dx)),
        normal,
        inverse,
        dy,
        *(() if dx is None else (dx,)),
    )
    return dx


def _forward(
    context: Context, group: Group, x: Tensor, normal: Tensor, inverse: Tensor, y: Tensor
) -> Iterator[Kernel]:
    """Normalise x into y; `normal` keeps what the scale is applied to, `inverse` what x was multiplied by."""
    source, rows, out = (_matrix(context, group, each) for each in (x, normal, y))
    each = matrix(inverse, 1, context.batch, _positions(group))
    share = constant(1 / group.node.shape[0], x)
    if _centred(group):
        mean = context.scratch("channel norm", tuple(each.shape))
        yield partial(torch.sum, source, 1, keepdim=True, out=mean)
        yield partial(mean.mul_, share)
        yield partial(torch.sub, source, mean, out=rows)
        source = rows
    yield partial(torch.mul, source, source, out=out)
    yield partial(torch.sum, out, 1, keepdim=True, out=each)
    yield partial(each.mul_, share)
    yield partial(each.add_, constant(CHANNEL_NORM_EPSILON, x))
    yield each.rsqrt_
    yield partial(torch.mul, source, each, out=rows)
    yield partial(torch.mul, rows, context.parameters.weight(group, "weight").unsqueeze(2), out=out)
    if _centred(group):
        yield partial(out.add_, context.parameters.weight(group, "bias").unsqueeze(2))


def _backward(
    context: Context, group: Group, normal: Tensor, inverse: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Iterator[Kernel]:
    """Gradients: with n = normalised x, g = scale * dy: dx = (g - mean(g) - n * mean(g * n)) * inverse.

    Without a mean that was taken off, mean(g) is left out.
    """
    rows, arrived = _matrix(context, group, normal), _matrix(context, group, dy)
    product = context.scratch("channel norm products", tuple(rows.shape))
    if _centred(group):
        yield partial(torch.sum, arrived, 2, out=context.parameters.gradient(group, "bias"))
    yield partial(torch.mul, rows, arrived, out=product)
    yield partial(torch.sum, product, 2, out=context.parameters.gradient(group, "weight"))
    if dx is None:
        return
    out, each = _matrix(context, group, dx), matrix(inverse, 1, context.batch, _positions(group))
    weight = context.parameters.weight(group, "weight").unsqueeze(2)
    share = constant(1 / group.node.shape[0], dy)
    mean = context.scratch("channel norm", tuple(each.shape))
    yield partial(torch.mul, arrived, weight, out=out)
    yield partial(product.mul_, weight)
    yield partial(torch.sum, product, 1, keepdim=True, out=mean)
    yield partial(mean.mul_, share)
    yield partial(torch.mul, rows, mean, out=product)
    if _centred(group):
        yield partial(torch.sum, out, 1, keepdim=True, out=mean)
        yield partial(mean.mul_, share)
        yield partial(out.sub_, mean)
    yield partial(out.sub_, product)
    yield partial(out.mul_, each)


def _centred(group: Group) -> bool:
    """Return whether the mean is taken off and a shift added: layer norm, unlike RMS norm."""
    return "bias" in group.node.parameter_shapes


def _positions(group: Group) -> int:
    return math.prod(group.node.shape[1:])


def _matrix(context: Context, group: Group, rows: Tensor) -> Tensor:
    return matrix(rows, group.node.shape[0], context.batch, _positions(group))


KERNELS = Kernels(_record_forward, _record_backward)
