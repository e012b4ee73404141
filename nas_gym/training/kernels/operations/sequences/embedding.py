"""Embeddings of codes as products with the one-hot form of a sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, forward_of, without_gradient
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    one_hot, kernels = _one_hot(context, group, x)
    size, length = group.node.shape
    weight = context.parameters.weight(group, "weight")
    out = matrix(y, size, context.batch, length)
    return [*kernels, *product(context.paths, weight.mT, one_hot, out)]


def _backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    (x,) = context.saved[group]
    size, length = group.node.shape

    def bind(x: Tensor, dy: Tensor) -> list[Kernel]:
        one_hot, kernels = _one_hot(context, group, x)
        arrived = matrix(dy, size, context.batch, length)
        gradient = context.parameters.gradient(group, "weight")
        return [*kernels, *product(context.paths, one_hot, arrived.mT, gradient)]

    context.tape.add(bind, x, dy)
    return without_gradient(context, group, 0, math.prod(group.node.input_shape))


def _one_hot(context: Context, group: Group, x: Tensor) -> tuple[Tensor, list[Kernel]]:
    """Return the codes but 0 as zeros and ones, (members, codes - 1, positions * batch), and what makes them.

    Of one row that is read for every member they are made once.
    """
    repeated = x.stride(0) == 0 and len(x) > 1
    source = matrix(x[:1] if repeated else x, 1, context.batch, group.node.shape[1])
    last = group.node.option("codes") - 1
    codes = torch.arange(1, last + 1, dtype=x.dtype, device=x.device).view(1, -1, 1)
    whole = context.scratch("whole codes", tuple(source.shape))
    one_hot = context.scratch("one hot of codes", (len(source), last, source.shape[2]))
    kernels: list[Kernel] = [
        partial(torch.clamp, source, 0, last, out=whole),
        whole.trunc_,
        partial(torch.eq, whole, codes, out=one_hot),
    ]
    return one_hot.expand(len(x), -1, -1), kernels


KERNELS = Kernels(forward_of(_forward), _backward)
