"""Batch normalisation over members, in passes that each run at the speed of memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

EPSILON = 1e-5


class BatchNorm:
    """Kernels of batch normalisation for the members of one group (Ioffe and Szegedy 2015).

    Args:
        context: the recording.
        group: equal normalisations of several members.
    """

    def __init__(self, context: Context, group: Group) -> None:
        self._context = context
        self._channels = group.node.shape[0]
        self._positions = math.prod(group.node.shape[1:])
        self._batch = context.batch
        self._count = self._positions * self._batch
        parameters = context.parameters
        self._weight, self._bias = (parameters.weight(group, name) for name in ("weight", "bias"))
        self._gradients = [parameters.gradient(group, name) for name in ("weight", "bias")]
        self._mean = parameters.statistic(group, parameters.means)
        self._variance = parameters.statistic(group, parameters.variances)
        self._batch_mean = parameters.statistic(group, parameters.batch_means)
        self._batch_variance = parameters.statistic(group, parameters.batch_variances)
        shape = (len(group.values), self._channels)
        self._inverse, self._scale, self._shift, self._sum = (
            torch.zeros(shape, dtype=torch.float32, device=context.device) for _ in range(4)
        )

    def train(self, x: Tensor, centred: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Normalise x into y; `centred`, which may be x, keeps x - mean for the backward pass."""
        source, rows, out = self._rows(x), self._rows(centred), self._rows(y)
        mean, variance, inverse = self._batch_mean, self._batch_variance, self._inverse
        share = constant(1 / self._count, x)
        yield partial(torch.sum, source, 2, out=mean)
        yield partial(mean.mul_, share)
        yield partial(torch.sub, source, mean.unsqueeze(2), out=rows)
        yield partial(torch.linalg.vector_norm, rows, 2, 2, out=inverse)
        yield partial(torch.mul, inverse, inverse, out=variance)
        yield partial(torch.mul, variance, share, out=inverse)
        # The running variance is the unbiased one.
        yield partial(variance.mul_, constant(1 / max(1, self._count - 1), x))
        yield partial(inverse.add_, constant(EPSILON, x))
        yield inverse.rsqrt_
        yield partial(torch.mul, inverse, self._weight, out=self._scale)
        yield partial(torch.mul, rows, self._scale.unsqueeze(2), out=out)
        yield partial(out.add_, self._bias.unsqueeze(2))

    def backward(self, centred: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
        """Gradients; `dx` may be the memory of `centred`.

        With c = centred x, i = inverse deviation and n values for each channel:
        dx = scale * (dy - sum(dy)/n - c * i^2 * sum(dy * c)/n).
        """
        rows, arrived = self._rows(centred), self._rows(dy)
        dweight, dbias = self._gradients
        yield partial(torch.sum, arrived, 2, out=dbias)
        product = self._scratch(rows)
        yield partial(torch.mul, rows, arrived, out=product)
        yield partial(torch.sum, product, 2, out=self._sum)
        yield partial(torch.mul, self._sum, self._inverse, out=dweight)
        if dx is None:
            return
        out = self._rows(dx)
        yield partial(torch.mul, dweight, self._inverse, out=self._sum)
        share = constant(-1 / self._count, dy)
        yield partial(self._sum.mul_, share)
        yield partial(torch.mul, dbias, share, out=self._shift)
        yield partial(torch.mul, rows, self._sum.unsqueeze(2), out=out)
        yield partial(out.add_, self._shift.unsqueeze(2))
        yield partial(out.add_, arrived)
        yield partial(out.mul_, self._scale.unsqueeze(2))

    def prepare(self) -> Iterator[Kernel]:
        """Scale and shift by the running statistics, once before a round of evaluation."""
        yield partial(torch.add, self._variance, EPSILON, out=self._scale)
        yield self._scale.rsqrt_
        yield partial(self._scale.mul_, self._weight)
        yield partial(torch.mul, self._mean, self._scale, out=self._shift)
        yield partial(torch.sub, self._bias, self._shift, out=self._shift)

    def evaluate(self, x: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Normalise x into y by the running statistics."""
        out = self._rows(y)
        yield partial(torch.mul, self._rows(x), self._scale.unsqueeze(2), out=out)
        yield partial(out.add_, self._shift.unsqueeze(2))

    def _scratch(self, rows: Tensor) -> Tensor:
        return self._context.scratch("batch norm", (rows.numel(),)).view(rows.shape)

    def _rows(self, rows: Tensor) -> Tensor:
        return matrix(rows, self._channels, self._batch, self._positions)


def _forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, features, (x,) = context.tape, math.prod(group.node.shape), inputs
    if not context.training:
        y = x if owned else tape.new(features, len(group.values))
        kernels = BatchNorm(context, group)
        context.preparations.extend(kernels.prepare())
        tape.add(lambda x, y: list(kernels.evaluate(x, y)), x, y)
        return y
    centred = x if owned else tape.new(features, len(group.values))
    y = tape.new(features, len(group.values))
    kernels = context.objects[group] = BatchNorm(context, group)
    tape.add(lambda x, c, y: list(kernels.train(x, c, y)), x, centred, y)
    context.saved[group] = (centred,)
    return y


def _backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    (centred,) = context.saved[group]
    kernels: BatchNorm = context.objects[group]
    context.tape.add(lambda c, dy: list(kernels.backward(c, dy, c if needed else None)), centred, dy)
    return centred if needed else None


KERNELS = Kernels(_forward, _backward)
