"""Activation functions on whole rows, each in a form whose bits do not depend on the row's place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant
from nas_gym.training.program.fresh import Source, taken
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

FROM_OUTPUT = ("relu", "sigmoid", "tanh", "leaky_relu", "elu")
"""Functions whose gradient follows from their output, so that they run in place."""
SLOPE = 0.01
aten = torch.ops.aten


def forward(function: str, x: Tensor, y: Tensor, *, whole: bool = False) -> Iterator[Kernel]:
    """Compute y = function(x); `y` may be `x`. With `whole` in one kernel, however slow on a CPU."""
    match function:
        case "tanh" if whole:
            yield partial(torch.tanh, x, out=y)
        case "relu":
            yield partial(torch.clamp_min, x, 0, out=y)
        case "sigmoid":
            yield partial(torch.sigmoid, x, out=y)
        case "tanh":
            # 2 sigmoid(2x) - 1, within 2e-7 of tanh and five times as fast where tanh is slow.
            one, two = constant(1, x), constant(2, x)
            yield partial(torch.mul, x, two, out=y)
            yield y.sigmoid_
            yield partial(y.mul_, two)
            yield partial(y.sub_, one)
        case "silu":
            yield partial(aten.silu.out, x, out=y)
        case "gelu":
            yield partial(aten.gelu.out, x, out=y)
        case "leaky_relu":
            yield partial(aten.leaky_relu.out, x, SLOPE, out=y)
        case "elu":
            yield partial(aten.elu.out, x, out=y)
        case "relu2":
            yield partial(torch.clamp_min, x, 0, out=y)
            yield partial(torch.mul, y, y, out=y)
        case _:
            raise ValueError(f"unknown activation {function!r}")


def backward(function: str, kept: Tensor, dy: Tensor, dx: Tensor) -> Iterator[Kernel]:
    """Compute dx from dy; `kept` is the output for the functions of `FROM_OUTPUT`, else the input."""
    match function:
        case "relu":
            yield partial(aten.threshold_backward.grad_input, dy, kept, 0, grad_input=dx)
        case "sigmoid":
            yield partial(aten.sigmoid_backward.grad_input, dy, kept, grad_input=dx)
        case "tanh":
            yield partial(aten.tanh_backward.grad_input, dy, kept, grad_input=dx)
        case "silu":
            yield partial(aten.silu_backward.grad_input, dy, kept, grad_input=dx)
        case "gelu":
            yield partial(aten.gelu_backward.grad_input, dy, kept, grad_input=dx)
        case "leaky_relu":
            yield partial(aten.leaky_relu_backward.grad_input, dy, kept, SLOPE, True, grad_input=dx)
        case "relu2":
            yield partial(torch.clamp_min, kept, 0, out=dx)
            yield partial(torch.add, dx, dx, out=dx)
            yield partial(torch.mul, dx, dy, out=dx)
        case "elu":
            yield partial(aten.elu_backward.grad_input, dy, 1.0, 1.0, 1.0, True, kept, grad_input=dx)
        case _:
            raise ValueError(f"unknown activation {function!r}")


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    function, x = group.node.function, inputs[0]
    from_output = function in FROM_OUTPUT
    in_place = owned and (from_output or not context.training)
    y = x if in_place else context.tape.new(math.prod(group.node.shape), len(group.values))
    whole = context.paths.whole_groups
    context.tape.add(lambda x, y: list(forward(function, x, y, whole=whole)), x, y)
    context.saved[group] = (y,) if from_output else (x,)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    (kept,) = context.saved[group]
    function = group.node.function
    # The output belongs to this group, and all that read it are done.
    from_output = function in FROM_OUTPUT
    dx = kept if from_output else context.tape.new(math.prod(group.node.shape), len(group.values))
    if context.paths.whole_groups:
        bind = lambda dy, k, dx: [partial(backward_of_source, function, k, dy, dx)]  # noqa: E731
        context.tape.add_reading(bind, [dy], kept, dx)
    else:
        context.tape.add(lambda k, dy, dx: list(backward(function, k, dy, dx)), kept, dy, dx)
    return dx


def backward_of_source(function: str, kept: Tensor, dy: Source, dx: Tensor) -> None:
    """Compute dx from a gradient that may be a fresh result."""
    for call in backward(function, kept, taken(dy), dx):
        call()


KERNELS = Kernels(_record_forward, _record_backward)
