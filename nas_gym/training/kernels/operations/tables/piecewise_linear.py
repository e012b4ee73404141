"""Numbers as how far they reach into intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import interval_slopes
from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(_reach(context, group, x, _grid(context, group, y)))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    return [] if dx is None else list(_gradient(context, group, x, dy, dx))


def _reach(context: Context, group: Group, x: Tensor, out: Tensor) -> Iterator[Kernel]:
    scale, shift = _slopes(group, out)
    yield partial(torch.mul, grid(x, group.node.input_shape, context.batch).unsqueeze(2), scale, out=out)
    yield partial(out.add_, shift)
    yield partial(out[:, :, 1:].clamp_min_, 0)
    yield partial(out[:, :, :-1].clamp_max_, 1)


def _gradient(context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor) -> Iterator[Kernel]:
    arrived = _grid(context, group, dy)
    scale, shift = _slopes(group, arrived)
    reach, passed = (context.scratch(part, tuple(arrived.shape)) for part in ("reach", "passed"))
    yield partial(torch.mul, grid(x, group.node.input_shape, context.batch).unsqueeze(2), scale, out=reach)
    yield partial(reach.add_, shift)
    yield partial(torch.mul, arrived, scale, out=passed)
    inside = context.scratch("inside", tuple(arrived.shape))
    for part, compare, limit in ((slice(1, None), torch.ge, 0), (slice(None, -1), torch.le, 1)):
        yield partial(compare, reach[:, :, part], reach.new_tensor(limit), out=inside[:, :, part])
        yield partial(passed[:, :, part].mul_, inside[:, :, part])
    yield partial(torch.sum, passed, 2, out=grid(dx, group.node.input_shape, context.batch))


def _grid(context: Context, group: Group, rows: Tensor) -> Tensor:
    return grid(rows, (group.node.input_shape[0], group.node.option("bins")), context.batch)


def _slopes(group: Group, like: Tensor) -> tuple[Tensor, Tensor]:
    scale, shift = (
        like.new_tensor(each).view(1, 1, -1, 1) for each in interval_slopes(group.node.option("bins"))
    )
    return scale, shift


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
