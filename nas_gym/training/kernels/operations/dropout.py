"""Dropout, by random numbers that are drawn anew in each step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant
from nas_gym.training.noise import NoiseKernels
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    features, x = math.prod(group.node.shape), inputs[0]
    if not context.training:
        if owned:
            return x
        y = context.tape.new(features, len(group.values))
        context.tape.add(lambda x, y: [partial(y.copy_, x)], x, y)
        return y
    y = x if owned else context.tape.new(features, len(group.values))
    mask = context.tape.new(features, len(group.values))
    context.saved[group] = (mask,)
    keys = context.parameters.noise_keys(group)
    noise = NoiseKernels(keys, features * context.batch)

    def kernels(x: Tensor, mask: Tensor, y: Tensor) -> list[Kernel]:
        return list(_forward(context, group, noise, _used(context, group, x), mask, y))

    context.tape.add(kernels, x, mask, y)
    return y


def _forward(
    context: Context, group: Group, noise: NoiseKernels, x: Tensor, mask: Tensor, y: Tensor
) -> Iterator[Kernel]:
    numbers = math.prod(group.node.shape) * context.batch
    shape = (len(group.values), numbers)
    bits, shifted = (
        context.scratch(f"dropout {part}", shape).view(torch.int32) for part in ("bits", "shift")
    )
    rows, rate = mask[:, :numbers], group.node.option("rate")
    yield from noise.draw(context.parameters.step, bits, shifted, rows)
    yield partial(torch.ge, rows, constant(rate, rows), out=rows)
    yield partial(rows.mul_, constant(1 / (1 - rate), rows))
    yield partial(torch.mul, x, rows, out=_used(context, group, y))


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    (mask,) = context.saved[group]

    def kernels(mask: Tensor, dy: Tensor) -> list[Kernel]:
        rows = _used(context, group, mask)
        return [partial(rows.mul_, _used(context, group, dy))]

    context.tape.add(kernels, mask, dy)
    return mask  # which nothing else reads


def _used(context: Context, group: Group, rows: Tensor) -> Tensor:
    """Return the part of rows that holds values."""
    used: Tensor = rows[:, : math.prod(group.node.shape) * context.batch]
    return used


KERNELS = Kernels(_record_forward, _record_backward)
