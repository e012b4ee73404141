"""The fused kernels of an operation, and the form that most of them have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from nas_gym.training.kernels.context import Context
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

Forward = Callable[[Context, Group, Sequence[Rows], bool], Rows]
Found = Rows | tuple[Rows | None, ...] | None
Backward = Callable[[Context, Group, Rows, bool], Found]
Bind = Callable[..., Sequence[Kernel]]


@dataclass(frozen=True, slots=True)
class Kernels:
    """How an operation is recorded on a tape.

    Attributes:
        forward: appends the forward pass of a group and returns what it computes, one row for each
            member. It gets, for each input position, a row for each member, and whether the first
            input may be overwritten.
        backward: appends the backward pass and returns the gradient of the only input, None if it is
            not needed; of several inputs a tuple, None for those that `Group.reached` leaves out. It gets
            the gradient of the result, which it only reads, since it may be the gradient of other values
            too, and whether a gradient of the first input is needed. None for an operation that is never
            asked: sums pass their gradient on, zeros have none.
    """

    forward: Forward
    backward: Backward | None = None


def forward_of(bind: Bind) -> Forward:
    """Return a forward pass into new memory, which keeps the first input for the backward pass.

    Args:
        bind: takes the recording, the group, the inputs and the result; returns the kernels.
    """

    def record(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
        y = context.tape.new(math.prod(group.node.shape), len(group.values))
        context.tape.add(partial(bind, context, group), *inputs, y)
        if inputs:
            context.saved[group] = (inputs[0],)
        return y

    return record


def backward_of(bind: Bind) -> Backward:
    """Return a backward pass into new memory.

    Args:
        bind: takes the recording, the group, the input, the gradient of the result and, where one is
            needed, that of the input; returns the kernels.
    """

    def record(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
        (x,) = context.saved[group]
        dx = context.tape.new(math.prod(group.node.input_shape), len(group.values)) if needed else None
        context.tape.add(partial(bind, context, group), x, dy, *(() if dx is None else (dx,)))
        return dx

    return record


def without_gradient(context: Context, group: Group, position: int, features: int) -> Rows | None:
    """Return zeros, the gradient of an input that is only compared; None where nobody asks for it."""
    if not group.reached[position]:
        return None
    zeros = context.tape.new(features, len(group.values))
    context.tape.add(lambda zeros: [zeros.zero_], zeros)
    return zeros
