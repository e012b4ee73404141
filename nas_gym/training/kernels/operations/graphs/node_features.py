"""Copies of the first features of nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.operations.graphs.shared import shared_forward
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    floats = math.prod(group.node.shape) * context.batch
    return [partial(y[:, :floats].copy_, x[:, :floats])]


KERNELS = Kernels(shared_forward(_forward))
