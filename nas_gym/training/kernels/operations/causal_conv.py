"""Dilated causal convolution as a product of matrices for each step that it reads.

With the batch innermost, the steps before a step are a contiguous range of columns, so that nothing is
copied but the weights, which a product reads as one matrix for each of these steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(_sums(context, group, x, y))


def _sums(context: Context, group: Group, x: Tensor, y: Tensor) -> Iterator[Kernel]:
    weight, copied = _weight(context, group)
    source, out = _columns(context, group, x, y)
    yield copied
    for number, (tap, shift) in enumerate(_taps(context, group)):
        target, read = out[:, :, shift:], source[:, :, : source.shape[2] - shift]
        yield from product(context.paths, weight[tap], read, target, add=target if number else None)
    yield partial(out.add_, context.parameters.weight(group, "bias").unsqueeze(2))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    return list(_gradients(context, group, x, dy, dx))


def _gradients(context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
    parameters = context.parameters
    weight, copied = _weight(context, group)
    source, arrived = _columns(context, group, x, dy)
    found = context.scratch("gradient of causal weights", tuple(weight.shape), group)
    taps = _taps(context, group)
    for tap, shift in taps:
        read = source[:, :, : source.shape[2] - shift]
        yield from product(context.paths, arrived[:, :, shift:], read.mT, found[tap])
    yield partial(parameters.gradient(group, "weight").copy_, found.permute(1, 2, 3, 0))
    yield partial(torch.sum, arrived, 2, out=parameters.gradient(group, "bias"))
    if dx is None:
        return
    yield copied
    (out, _) = _columns(context, group, dx, dy)
    for number, (tap, shift) in enumerate(taps):
        target = out[:, :, : out.shape[2] - shift]
        turned = weight[tap].mT
        yield from product(
            context.paths, turned, arrived[:, :, shift:], target, add=target if number else None
        )


def _columns(context: Context, group: Group, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return input and result, or their gradients, as (members, channels, steps * batch)."""
    node = group.node
    source = matrix(x, node.input_shape[0], context.batch, node.input_shape[1])
    return source, matrix(y, node.shape[0], context.batch, node.shape[1])


def _weight(context: Context, group: Group) -> tuple[Tensor, Kernel]:
    """Return a matrix for each step that is read, (kernel, members, outputs, inputs), and their copying."""
    weight = context.parameters.weight(group, "weight").permute(3, 0, 1, 2)
    copy = context.scratch("causal weights", tuple(weight.shape), group)
    return copy, partial(copy.copy_, weight)


def _taps(context: Context, group: Group) -> list[tuple[int, int]]:
    """Return the number of each step and by how many columns it lies before, the step itself first.

    A step that lies before all of an example is left out.
    """
    node = group.node
    back = [(node.kernel - 1 - number, number * node.option("dilation")) for number in range(node.kernel)]
    return [(tap, steps * context.batch) for tap, steps in back if steps < node.shape[1]]


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
