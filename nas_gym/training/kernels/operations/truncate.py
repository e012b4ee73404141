"""Copies of the first channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    kept = math.prod(group.node.shape) * context.batch
    return [partial(y[:, :kept].copy_, x[:, :kept])]


def _backward(
    context: Context, group: Group, _x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    if dx is None:
        return []
    kept = math.prod(group.node.shape) * context.batch
    return [partial(dx[:, :kept].copy_, dy[:, :kept]), dx[:, kept:].zero_]


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
