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
from nas_gym.training.program.launches import composed
from nas_gym.training.program.tape import Kernel, Rows

EPSILON = 1e-5
aten = torch.ops.aten


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


class LibraryBatchNorm(BatchNorm):
    """The same by a library in one call each, for rows that lie densely: members * channels as channels."""

    def __init__(self, context: Context, group: Group) -> None:
        super().__init__(context, group)
        self._saved = [torch.zeros_like(self._scale).flatten() for _ in range(2)]

    def train(self, x: Tensor, centred: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Normalise x into y; x is kept as it is for the backward pass."""
        affine = (self._weight.flatten(), self._bias.flatten())
        # With a momentum of 1 running statistics are those of the batch.
        statistics = (self._batch_mean.flatten(), self._batch_variance.flatten())
        yield partial(normalise, self._image(x), affine, statistics, self._image(y), self._saved)

    def backward(self, centred: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
        """Gradients; `centred` is the input as it is, `dx` may be its memory."""
        gradients = [gradient.flatten() for gradient in self._gradients]
        target = None if dx is None else self._image(dx)
        read = (self._image(dy), self._image(centred), self._weight.flatten(), self._saved)
        yield partial(normalise_backward, *read, gradients, target)

    def _image(self, rows: Tensor) -> Tensor:
        return rows.view(1, len(rows) * self._channels, self._count)


@composed(3)
def normalise(
    x: Tensor, affine: Sequence[Tensor], statistics: Sequence[Tensor], y: Tensor, saved: Sequence[Tensor]
) -> None:
    """Normalise x into y; the statistics of the batch and what the backward pass reads are written."""
    out = {"out": y, "save_mean": saved[0], "save_invstd": saved[1]}
    aten.native_batch_norm.out(x, *affine, *statistics, True, 1.0, EPSILON, **out)


@composed(4)
def normalise_backward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor,
    saved: Sequence[Tensor],
    gradients: Sequence[Tensor],
    dx: Tensor | None,
) -> None:
    """Write the gradients by weight and bias, and by x where `dx` is given."""
    mask = (dx is not None, True, True)
    found = aten.native_batch_norm_backward(dy, x, weight, None, None, *saved, True, EPSILON, mask)
    for target, gradient in zip((dx, *gradients), found, strict=True):
        if target is not None:
            target.copy_(gradient)


def _forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, features, (x,) = context.tape, math.prod(group.node.shape), inputs
    if not context.training:
        y = x if owned else tape.new(features, len(group.values))
        kernels = BatchNorm(context, group)
        context.preparations.extend(kernels.prepare())
        tape.add(lambda x, y: list(kernels.evaluate(x, y)), x, y)
        return y
    library = context.paths.whole_groups and context.dense(group.node.shape)
    y = tape.new(features, len(group.values))
    centred = x if owned or library else tape.new(features, len(group.values))
    kernels = (LibraryBatchNorm if library else BatchNorm)(context, group)
    context.objects[group] = kernels
    tape.add(lambda x, c, y: list(kernels.train(x, c, y)), x, centred, y)
    # Memory for the gradient: that of x where nobody else reads it.
    dx = centred if owned or not library else tape.new(features, len(group.values))
    context.saved[group] = (centred, dx)
    return y


def _backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    centred, dx = context.saved[group]
    kernels: BatchNorm = context.objects[group]
    if not needed:
        context.tape.add(lambda c, dy: list(kernels.backward(c, dy, None)), centred, dy)
        return None
    context.tape.add(lambda c, dy, dx: list(kernels.backward(c, dy, dx)), centred, dy, dx)
    return dx


KERNELS = Kernels(_forward, _backward)
