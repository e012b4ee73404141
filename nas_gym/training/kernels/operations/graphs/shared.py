"""Results of operations without weights, computed once where all members read one input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor

from nas_gym.training.kernels.base import Forward
from nas_gym.training.kernels.context import Context
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

Bind = Callable[[Context, Group, Tensor, Tensor], Sequence[Kernel]]


def shared_forward(bind: Bind) -> Forward:
    """Return a forward pass whose result is one row, read by all members, where the input is one.

    The operation must have no weights, and must say that it keeps its result, so that no reader overwrites
    it.

    Args:
        bind: takes the recording, the group, the input and the result; returns the kernels.
    """

    def record(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
        (x,) = inputs
        rows = 1 if x.repeat else len(group.values)
        y = context.tape.new(math.prod(group.node.shape), rows)
        context.tape.add(partial(bind, context, group), x[0:1] if x.repeat else x, y)
        return Rows(y.block, 0, 1, len(group.values)) if x.repeat else y

    return record
