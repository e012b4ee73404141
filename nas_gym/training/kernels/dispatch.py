"""How each operation is recorded on a tape, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels import activation
from nas_gym.training.kernels.batch_norm import BatchNorm
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.convolution import Convolution
from nas_gym.training.kernels.depthwise import Depthwise
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.kernels.pooling import AveragePool, MaxPool, stages
from nas_gym.training.kernels.weight_layout import is_depthwise
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    """Append the forward pass of a group; returns what it computes, one row for each member.

    Args:
        context: the recording.
        group: what to compute.
        inputs: for each input position a row for each member.
        owned: whether the first input may be overwritten.
    """
    node, tape, rows = group.node, context.tape, len(group.values)
    features = math.prod(node.shape)
    x = inputs[0] if inputs else None
    match node.operation:
        case "zero":
            y = tape.new(features, rows)
            tape.add(lambda y: [y.zero_], y)
            return y
        case "activation":
            return _activation(context, group, inputs[0], owned)
        case "batch_norm":
            return _batch_norm(context, group, inputs[0], owned)
        case "max_pool" | "avg_pool":
            return _pool(context, group, inputs[0])
        case _:
            y = tape.new(features, rows)
    tape.add(partial(_FORWARD[node.operation], context, group), *inputs, y)
    if x is not None:
        context.saved[group] = (x,)
    return y


def record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    """Append the backward pass of a group with one input; returns its gradient, None if not needed.

    `dy` is only read: it may be the gradient of other values too.
    """
    node, tape = group.node, context.tape
    match node.operation:
        case "activation":
            return _activation_backward(context, group, dy) if needed else None
        case "batch_norm":
            (centred,) = context.saved[group]
            kernels = context.batch_norms[group]
            tape.add(lambda c, dy: list(kernels.backward(c, dy, c if needed else None)), centred, dy)
            return centred if needed else None
        case "max_pool" | "avg_pool":
            return _pool_backward(context, group, dy) if needed else None
        case _:
            (x,) = context.saved[group]
            dx = tape.new(math.prod(node.input_shape), len(group.values)) if needed else None
            bind = partial(_BACKWARD[node.operation], context, group)
            tape.add(bind, x, dy, *(() if dx is None else (dx,)))
            return dx


def _activation(context: Context, group: Group, x: Rows, owned: bool) -> Rows:
    function = group.node.function
    from_output = function in activation.FROM_OUTPUT
    in_place = owned and (from_output or not context.training)
    y = x if in_place else context.tape.new(math.prod(group.node.shape), len(group.values))
    context.tape.add(lambda x, y: list(activation.forward(function, x, y)), x, y)
    context.saved[group] = (y,) if from_output else (x,)
    return y


def _activation_backward(context: Context, group: Group, dy: Rows) -> Rows:
    (kept,) = context.saved[group]
    function = group.node.function
    # The output belongs to this group, and all that read it are done.
    from_output = function in activation.FROM_OUTPUT
    dx = kept if from_output else context.tape.new(math.prod(group.node.shape), len(group.values))
    context.tape.add(lambda k, dy, dx: list(activation.backward(function, k, dy, dx)), kept, dy, dx)
    return dx


def _batch_norm(context: Context, group: Group, x: Rows, owned: bool) -> Rows:
    tape, features = context.tape, math.prod(group.node.shape)
    if not context.training:
        y = x if owned else tape.new(features, len(group.values))
        kernels = BatchNorm(context, group)
        context.preparations.extend(kernels.prepare())
        tape.add(lambda x, y: list(kernels.evaluate(x, y)), x, y)
        return y
    centred = x if owned else tape.new(features, len(group.values))
    y = tape.new(features, len(group.values))
    kernels = context.batch_norms[group] = BatchNorm(context, group)
    tape.add(lambda x, c, y: list(kernels.train(x, c, y)), x, centred, y)
    context.saved[group] = (centred,)
    return y


def _pool(context: Context, group: Group, x: Rows) -> Rows:
    rows = len(group.values)
    results = [x, *(context.tape.new(math.prod(shape), rows) for shape in stages(group.node)[1:])]
    kernels = (MaxPool if group.node.operation == "max_pool" else AveragePool)(context, group)
    context.tape.add(lambda *tensors: list(kernels.forward(tensors)), *results)
    context.saved[group] = tuple(results)
    return results[-1]


def _pool_backward(context: Context, group: Group, dy: Rows) -> Rows:
    tape, rows, shapes = context.tape, len(group.values), stages(group.node)
    gradients = [tape.new(math.prod(shape), rows) for shape in shapes[:-1]]
    if group.node.operation == "avg_pool":
        averages = AveragePool(context, group)
        tape.add(lambda *tensors: list(averages.backward(tensors)), *gradients, dy)
        return gradients[0]
    maxima, results = MaxPool(context, group), context.saved[group]
    copy = tape.new(math.prod(shapes[-1]), rows)
    tape.add(lambda dy, copy: [partial(copy.copy_, dy)], dy, copy)
    split = len(results)
    tape.add(lambda *t: list(maxima.backward(t[:split], t[split:])), *results, *gradients, copy)
    return gradients[0]


def _linear(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    weight, (bias, source, out) = (
        context.parameters.weight(group, "weight"),
        _linear_views(context, group, x, y),
    )
    return list(product(weight, source, out, add=bias))


def _linear_views(
    context: Context, group: Group, x: Tensor, y: Tensor
) -> tuple[Tensor | None, Tensor, Tensor]:
    (features,), (outputs,) = group.node.input_shape, group.node.shape
    bias = context.parameters.weight(group, "bias").unsqueeze(2) if group.node.bias else None
    return bias, matrix(x, features, context.batch), matrix(y, outputs, context.batch)


def _linear_backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    parameters = context.parameters
    bias, source, arrived = _linear_views(context, group, x, dy)
    kernels = list(product(arrived, source.mT, parameters.gradient(group, "weight")))
    if bias is not None:
        kernels.append(partial(torch.sum, arrived, 2, out=parameters.gradient(group, "bias")))
    if dx is not None:
        weight, out = parameters.weight(group, "weight"), matrix(dx, group.node.input_shape[0], context.batch)
        kernels.extend(product(weight.mT, arrived, out))
    return kernels


def _conv(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    kind = Depthwise if is_depthwise(group.node) else Convolution
    return list(kind(context, group).forward(x, y))


def _conv_backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    kind = Depthwise if is_depthwise(group.node) else Convolution
    return list(kind(context, group).backward(x, dy, dx))


def _add(_context: Context, _group: Group, *tensors: Tensor) -> Sequence[Kernel]:
    *inputs, y = tensors
    start: Kernel = partial(torch.add, inputs[0], inputs[1], out=y)
    return [start, *(partial(y.add_, other) for other in inputs[2:])]


def _global_avg_pool(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    channels, positions = group.node.input_shape[0], math.prod(group.node.input_shape[1:])
    source, out = grid(x, (channels, positions), context.batch), matrix(y, channels, context.batch)
    return [partial(torch.sum, source, 2, out=out), partial(out.mul_, constant(1 / positions, out))]


def _global_avg_pool_backward(
    context: Context, group: Group, _x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    if dx is None:
        return []
    channels, positions = group.node.input_shape[0], math.prod(group.node.input_shape[1:])
    out = grid(dx, (channels, positions), context.batch)
    spread = matrix(dy, channels, context.batch).unsqueeze(2).expand(out.shape)
    return [partial(torch.mul, spread, constant(1 / positions, out), out=out)]


_FORWARD: dict[str, Callable[..., Sequence[Kernel]]] = {
    "linear": _linear,
    "conv": _conv,
    "add": _add,
    "global_avg_pool": _global_avg_pool,
}
_BACKWARD: dict[str, Callable[..., Sequence[Kernel]]] = {
    "linear": _linear_backward,
    "conv": _conv_backward,
    "global_avg_pool": _global_avg_pool_backward,
}
