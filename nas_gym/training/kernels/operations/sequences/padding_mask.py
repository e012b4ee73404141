"""Masks of padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, forward_of, without_gradient
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _padding_mask(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    source, out = (matrix(each, 1, context.batch, group.node.shape[1]) for each in (x, y))
    return [partial(torch.gt, source, constant(0, source), out=out)]


def _padding_mask_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    return without_gradient(context, group, 0, math.prod(group.node.input_shape))


KERNELS = Kernels(forward_of(_padding_mask), _padding_mask_backward)
