"""Convolutions of each channel by itself over what came before."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.depthwise import Depthwise
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(Depthwise(context, group, group.node.kernel - 1).forward(x, y))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    return list(Depthwise(context, group, group.node.kernel - 1).backward(x, dy, dx))


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
