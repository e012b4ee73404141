"""Layer normalisation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import LAYER_NORM_EPSILON
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, features, rows = context.tape, math.prod(group.node.shape), len(group.values)
    y, normal, inverse = tape.new(features, rows), tape.new(features, rows), tape.new(1, rows)
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
    """Normalise x into y; `normal` keeps what scale and shift are applied to, `inverse` 1 / deviation."""
    source, rows, out = (_matrix(context, group, each) for each in (x, normal, y))
    each = inverse[:, : context.batch]
    share = constant(1 / group.node.shape[0], x)
    mean = context.scratch("layer norm", tuple(each.shape))
    yield partial(torch.sum, source, 1, out=mean)
    yield partial(mean.mul_, share)
    yield partial(torch.sub, source, mean.unsqueeze(1), out=rows)
    yield partial(torch.mul, rows, rows, out=out)
    yield partial(torch.sum, out, 1, out=each)
    yield partial(each.mul_, share)
    yield partial(each.add_, constant(LAYER_NORM_EPSILON, x))
    yield each.rsqrt_
    yield partial(rows.mul_, each.unsqueeze(1))
    yield partial(torch.mul, rows, context.parameters.weight(group, "weight").unsqueeze(2), out=out)
    yield partial(out.add_, context.parameters.weight(group, "bias").unsqueeze(2))


def _backward(
    context: Context, group: Group, normal: Tensor, inverse: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Iterator[Kernel]:
    """Gradients: with n = normalised x, g = scale * dy: dx = (g - mean(g) - n * mean(g * n)) / deviation."""
    rows, arrived = _matrix(context, group, normal), _matrix(context, group, dy)
    product = context.scratch("layer norm products", tuple(rows.shape))
    yield partial(torch.sum, arrived, 2, out=context.parameters.gradient(group, "bias"))
    yield partial(torch.mul, rows, arrived, out=product)
    yield partial(torch.sum, product, 2, out=context.parameters.gradient(group, "weight"))
    if dx is None:
        return
    out, each = _matrix(context, group, dx), inverse[:, : context.batch]
    share = constant(1 / group.node.shape[0], dy)
    mean = context.scratch("layer norm", tuple(each.shape))
    yield partial(torch.mul, arrived, context.parameters.weight(group, "weight").unsqueeze(2), out=out)
    yield partial(torch.mul, out, rows, out=product)
    yield partial(torch.sum, product, 1, out=mean)
    yield partial(mean.mul_, share)
    yield partial(torch.mul, rows, mean.unsqueeze(1), out=product)
    yield partial(torch.sum, out, 1, out=mean)
    yield partial(mean.mul_, share)
    yield partial(out.sub_, mean.unsqueeze(1))
    yield partial(out.sub_, product)
    yield partial(out.mul_, each.unsqueeze(1))


def _matrix(context: Context, group: Group, rows: Tensor) -> Tensor:
    return matrix(rows, group.node.shape[0], context.batch)


KERNELS = Kernels(_record_forward, _record_backward)
