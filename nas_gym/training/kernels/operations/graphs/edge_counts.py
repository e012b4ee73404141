"""Counts of the edges of each kind."""

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
    return list(_counts(context, group, x, y))


def _counts(context: Context, group: Group, x: Tensor, y: Tensor) -> Iterator[Kernel]:
    edges = grid(x, group.node.input_shape, context.batch)[:, group.node.option("features") :]
    out = grid(y, group.node.shape, context.batch)
    found = context.scratch("edges of a kind", tuple(edges.shape))
    for kind in range(1, group.node.option("kinds") + 1):
        yield partial(torch.eq, edges, constant(kind, x), out=found)
        yield partial(torch.sum, found, 2, out=out[:, kind - 1])


KERNELS = Kernels(shared_forward(_forward))
