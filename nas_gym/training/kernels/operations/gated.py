"""Gating: the function on whole rows, as an activation has it, and products with the other half."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.kernels.operations import activation
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, floats, rows = context.tape, math.prod(group.node.shape), len(group.values)
    y, gate = tape.new(floats, rows), tape.new(floats, rows)
    context.saved[group] = (inputs[0], gate)
    tape.add(lambda x, gate, y: list(_forward(context, group, x, gate, y)), inputs[0], gate, y)
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    if not needed:
        return None
    tape, rows = context.tape, len(group.values)
    between = tape.new(math.prod(group.node.shape), rows)
    dx = tape.new(math.prod(group.node.input_shape), rows)
    tape.add(
        lambda *tensors: list(_backward(context, group, *tensors)), *context.saved[group], dy, between, dx
    )
    return dx


def _forward(context: Context, group: Group, x: Tensor, gate: Tensor, y: Tensor) -> Iterator[Kernel]:
    """Compute y; `gate` keeps what the backward pass of the function reads, its output or its input."""
    passed, shut = _halves(context, group, x)
    function, out = group.node.function, _matrix(context, group, y)
    yield partial(_matrix(context, group, gate).copy_, shut)
    opened = gate if function in activation.FROM_OUTPUT else y
    yield from activation.forward(function, gate, opened)
    yield partial(torch.mul, passed, _matrix(context, group, opened), out=out)


def _backward(
    context: Context, group: Group, x: Tensor, gate: Tensor, dy: Tensor, between: Tensor, dx: Tensor
) -> Iterator[Kernel]:
    """Gradients: with y = a f(b): da = dy f(b) and db = dy a f'(b)."""
    function = group.node.function
    passed, _ = _halves(context, group, x)
    to_passed, to_gate = _halves(context, group, dx)
    arrived, inside = _matrix(context, group, dy), _matrix(context, group, between)
    opened = gate
    if function not in activation.FROM_OUTPUT:
        opened = between
        yield from activation.forward(function, gate, opened)
    yield partial(torch.mul, arrived, _matrix(context, group, opened), out=to_passed)
    yield partial(torch.mul, arrived, passed, out=inside)
    yield from activation.backward(function, gate, between, between)
    yield partial(to_gate.copy_, inside)


def _matrix(context: Context, group: Group, rows: Tensor) -> Tensor:
    channels, *sides = group.node.shape
    return matrix(rows, channels, context.batch, math.prod(sides))


def _halves(context: Context, group: Group, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two halves of the channels of rows as they come in."""
    channels, *sides = group.node.shape
    whole = matrix(rows, 2 * channels, context.batch, math.prod(sides))
    return whole[:, :channels], whole[:, channels:]


KERNELS = Kernels(_record_forward, _record_backward)
