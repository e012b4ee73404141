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
from nas_gym.training.program.fresh import Fresh, Source, taken
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.launches import composed
from nas_gym.training.program.parameters import EPSILON
from nas_gym.training.program.tape import Kernel, Rows

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
        if context.paths.whole_groups:
            # All variances are made of these at the end of a step.
            self._inverse = parameters.statistic(group, parameters.batch_inverses)

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
    """The same by a library, for rows that lie densely: every channel of every member as a row of its own."""

    def __init__(self, context: Context, group: Group) -> None:
        super().__init__(context, group)
        means, inverses = (
            context.parameters.statistic(group, flat)
            for flat in (context.parameters.batch_means, context.parameters.batch_inverses)
        )
        self._statistics = [context.leaf(means), context.leaf(inverses)]

    def normalise(self, x: Source, y: Tensor) -> Kernel:
        """Normalise x into y; x is kept as it is for the backward pass."""
        affine = (self._weight.reshape(-1, 1), self._bias.reshape(-1, 1))
        return partial(normalise, x, affine, y.view(-1, self._count), self._statistics)

    def gradients(self, x: Source, dy: Source, dx: Fresh | None) -> Kernel:
        """Gradients by the weights, and by x where `dx` is given."""
        for statistic in self._statistics:
            statistic.reader()
        gradients = [self._context.leaf(gradient) for gradient in self._gradients]
        return partial(normalise_backward, x, dy, self._weight.flatten(), self._statistics, gradients, dx)


@composed(2)
def normalise(x: Source, affine: Sequence[Tensor], y: Tensor, statistics: Sequence[Fresh]) -> None:
    """Normalise rows of x into y; the mean and the inverse deviation of each row are left in `statistics`."""
    rows = taken(x).view(y.shape)
    normal, *found = aten.native_layer_norm(rows, [y.shape[1]], None, None, EPSILON)
    weight, bias = affine
    torch.addcmul(bias, normal, weight, out=y)
    for statistic, each in zip(statistics, found, strict=True):
        statistic.put(each.flatten())


def normalise_backward(
    x: Source,
    dy: Source,
    weight: Tensor,
    statistics: Sequence[Fresh],
    gradients: Sequence[Fresh],
    dx: Fresh | None,
) -> None:
    """Leave the gradients by weight and bias, and by x where `dx` is given."""
    rows, arrived = taken(x), taken(dy)
    mean, inverse = (statistic.take() for statistic in statistics)
    image = (1, len(weight), -1)
    found = aten.native_batch_norm_backward(
        arrived.view(image),
        rows.view(image),
        weight,
        *(None, None),
        *(mean, inverse),
        *(True, EPSILON),
        (dx is not None, True, True),
    )
    if dx is not None:
        dx.put(found[0].reshape(rows.shape))
    for gradient, each in zip(gradients, found[1:], strict=True):
        gradient.put(each)


def _forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    tape, features, (x,) = context.tape, math.prod(group.node.shape), inputs
    if not context.training:
        y = x if owned else tape.new(features, len(group.values))
        kernels = BatchNorm(context, group)
        context.preparations.extend(kernels.prepare())
        tape.add(lambda x, y: list(kernels.evaluate(x, y)), x, y)
        return y
    y = tape.new(features, len(group.values))
    if context.paths.whole_groups and context.dense(group.node.shape):
        library = context.objects[group] = LibraryBatchNorm(context, group)
        tape.add_reading(lambda x, y: [library.normalise(x, y)], [x], y)
        context.saved[group] = (x,)
        return y
    centred = x if owned else tape.new(features, len(group.values))
    kernels = context.objects[group] = BatchNorm(context, group)
    tape.add(lambda x, c, y: list(kernels.train(x, c, y)), x, centred, y)
    context.saved[group] = (centred,)
    return y


def _backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
    (kept,), kernels = context.saved[group], context.objects[group]
    if isinstance(kernels, LibraryBatchNorm):
        return _library_backward(context, group, kernels, kept, dy, needed)
    if not needed:
        context.tape.add(lambda c, dy: list(kernels.backward(c, dy, None)), kept, dy)
        return None
    # The gradient takes the memory of what was kept.
    context.tape.add(lambda c, dy: list(kernels.backward(c, dy, c)), kept, dy)
    return kept


def _library_backward(
    context: Context, group: Group, library: LibraryBatchNorm, x: Rows, dy: Rows, needed: bool
) -> Rows | None:
    dx, fresh = None, None
    if needed:
        dx, fresh = context.tape.fresh(math.prod(group.node.shape), len(group.values))
    context.tape.add_reading(lambda x, dy: [library.gradients(x, dy, fresh)], [x, dy])
    return dx


KERNELS = Kernels(_forward, _backward)
