"""Maps of every channel by one matrix that is not trained, as products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from nas_gym.networks import TimeMap
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    """Return the kernels that map every channel of x to y."""
    matrix, source, out = _views(context, group, x, y)
    return [
        kernel
        for channel in range(source.shape[1])
        for kernel in product(context.paths, matrix, source[:, channel], out[:, channel])
    ]


def backward(
    context: Context, group: Group, _x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    """Return the kernels that bring the gradient of y to that of x, where one is needed."""
    if dx is None:
        return []
    matrix, out, arrived = _views(context, group, dx, dy)
    return [
        kernel
        for channel in range(out.shape[1])
        for kernel in product(context.paths, matrix.mT, arrived[:, channel], out[:, channel])
    ]


def _views(context: Context, group: Group, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the matrix (members, after, before), and rows as (members, channels, numbers, batch)."""
    operation = cast(TimeMap, group.node.operation)
    matrix = torch.tensor(operation.matrix(group.node), dtype=x.dtype, device=x.device)
    after, before = matrix.shape
    channels = operation.channels(group.node)
    source, out = (
        grid(rows, (channels, numbers), context.batch) for rows, numbers in ((x, before), (y, after))
    )
    return matrix.expand(len(group.values), after, before), source, out
