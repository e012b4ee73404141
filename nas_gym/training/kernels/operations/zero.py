"""Zeros."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from nas_gym.training.kernels.base import Kernels, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(_context: Context, _group: Group, y: Tensor) -> Sequence[Kernel]:
    return [y.zero_]


KERNELS = Kernels(forward_of(_forward))
