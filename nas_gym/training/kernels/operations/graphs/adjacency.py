"""The weights with which nodes read each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid
from nas_gym.training.kernels.operations.graphs.shared import shared_forward
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(_weights(context, group, x, y))


def _weights(context: Context, group: Group, x: Tensor, y: Tensor) -> Iterator[Kernel]:
    node = group.node
    packed, out = grid(x, node.input_shape, context.batch), grid(y, node.shape, context.batch)
    edges, kind, weights = packed[:, node.option("features") :], node.option("kind"), node.option("weights")
    zero = constant(0, x)
    if kind:
        yield partial(torch.eq, edges, constant(kind, x), out=out)
    else:
        yield partial(torch.gt, edges, zero, out=out)
    if weights == "sum":
        return
    nodes = node.shape[0]
    degree = context.scratch("degrees", (len(out), nodes, context.batch))
    counted = out
    if weights in ("mean", "normalised") and kind:
        counted = context.scratch("every edge", tuple(out.shape))
        yield partial(torch.gt, edges, zero, out=counted)
    if weights == "symmetric":
        # The diagonal of the two sides of nodes.
        itself = out.diagonal(0, 1, 2).movedim(2, 1)
        yield partial(itself.copy_, packed[:, 0])
    yield partial(torch.sum, counted, 2, out=degree)
    yield partial(torch.clamp_min, degree, 1, out=degree)
    if weights == "mean":
        yield partial(out.div_, degree.unsqueeze(2))
    else:
        yield degree.rsqrt_
        yield partial(out.mul_, degree.unsqueeze(2))
        yield partial(out.mul_, degree.unsqueeze(1))


KERNELS = Kernels(shared_forward(_forward))
