"""Numbers with their sines and cosines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import TURN
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    y = context.tape.new(group.node.shape[0], len(group.values))
    context.saved[group] = (y,)
    context.tape.add(lambda x, y: list(_forward(context, group, x, y)), inputs[0], y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    (y,) = context.saved[group]
    dx = context.tape.new(group.node.input_shape[0], len(group.values)) if needed else None
    context.tape.add(
        lambda y, dy, *dx: list(_backward(context, group, y, dy, *dx)), y, dy, *(() if dx is None else (dx,))
    )
    return dx


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Iterator[Kernel]:
    number, sines, cosines = _parts(context, group, y)
    source = grid(x, group.node.input_shape, context.batch).unsqueeze(2)
    angles = context.scratch("angles", tuple(sines.shape))
    yield partial(number.copy_, source)
    yield partial(torch.mul, source, _frequencies(context, group), out=angles)
    yield partial(angles.mul_, constant(TURN, angles))
    yield partial(torch.sin, angles, out=sines)
    yield partial(torch.cos, angles, out=cosines)


def _backward(
    context: Context, group: Group, y: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Iterator[Kernel]:
    number, sines, cosines = _parts(context, group, y)
    dnumber, dsines, dcosines = _parts(context, group, dy)
    dangles, product = (context.scratch(part, tuple(sines.shape)) for part in ("angles", "products"))
    yield partial(torch.mul, dsines, cosines, out=dangles)
    yield partial(torch.mul, dcosines, sines, out=product)
    yield partial(dangles.sub_, product)
    yield partial(dangles.mul_, constant(TURN, dangles))
    yield partial(torch.mul, dangles, number, out=product)
    yield partial(torch.sum, product, 3, out=context.parameters.gradient(group, "weight"))
    if dx is not None:
        out = grid(dx, group.node.input_shape, context.batch)
        yield partial(torch.mul, dangles, _frequencies(context, group), out=product)
        yield partial(torch.sum, product, 2, out=out)
        yield partial(out.add_, dnumber.squeeze(2))


def _parts(context: Context, group: Group, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return numbers, sines and cosines of a result, (members, features, 1 or frequencies, batch) each."""
    frequencies = group.node.option("frequencies")
    shape = (group.node.input_shape[0], 1 + 2 * frequencies)
    number, sines, cosines = grid(rows, shape, context.batch).split([1, frequencies, frequencies], dim=2)
    return number, sines, cosines


def _frequencies(context: Context, group: Group) -> Tensor:
    return context.parameters.weight(group, "weight").unsqueeze(3)


KERNELS = Kernels(_record_forward, _record_backward)
