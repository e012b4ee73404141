"""Log-mel frames of raw samples: a Fourier transform of overlapping windows as one product.

With the batch innermost the windows of a recording are views of its samples, so that nothing is copied for
them. Where all members read one row, as of the input of their networks, it is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import FLOOR, log_mel_matrices
from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


class LogMel:
    """Kernels for the members of one group.

    Args:
        context: where scratch memory comes from.
        group: equal operations of several members.
    """

    def __init__(self, context: Context, group: Group) -> None:
        node, batch = group.node, context.batch
        self._node, self._batch, self._context = node, batch, context
        window, hop = node.option("window"), node.option("hop")
        (bands, frames), samples = node.shape, node.input_shape[1]
        waves, bank = (
            torch.from_numpy(array).to(context.device)
            for array in log_mel_matrices(bands, window, node.option("rate"))
        )
        places = len(waves) // 2
        self._waves = waves.expand(frames, -1, -1)
        self._bank = bank.expand(frames, -1, -1)
        # The zeros around a recording stay zero, so only equal operations may share this memory.
        key = (samples, window)
        self._padded = context.scratch("padded samples", (samples + window, batch), key)
        self._inside = self._padded[window // 2 : window // 2 + samples]
        self._windows = self._padded.as_strided((frames, window, batch), (hop * batch, batch, 1))
        self._parts = context.scratch("parts of spectra", (frames, 2 * places, batch))
        self._squares = context.scratch("squares of spectra", (frames, 2 * places, batch))
        self._energy = context.scratch("energy in bands", (frames, bands, batch))
        self._floor = constant(FLOOR, self._energy)
        self._places = places

    def forward(self, x: Tensor, y: Tensor) -> Iterator[Kernel]:
        """Y = the logarithm of the energy in each band and frame of x."""
        out = grid(y, self._node.shape, self._batch)
        repeated = x.stride(0) == 0 and len(x) > 1
        for member in range(1 if repeated else len(x)):
            yield from self._energies(x, member)
            yield partial(torch.log, self._energy, out=self._energy)
            yield partial(out[member].copy_, self._energy.transpose(0, 1))
        if repeated:
            yield partial(out[1:].copy_, out[:1])

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> Iterator[Kernel]:
        """Gradient of x, of which the spectrum is computed again."""
        arrived = grid(dy, self._node.shape, self._batch)
        target = matrix(dx, self._node.input_shape[1], self._batch)
        window, hop, places = self._node.option("window"), self._node.option("hop"), self._places
        dwindows = self._context.scratch("gradient of windows", tuple(self._windows.shape))
        dpadded = self._context.scratch("gradient of padded samples", tuple(self._padded.shape))
        start = window // 2
        for member in range(len(dx)):
            yield from self._energies(x, 0 if x.stride(0) == 0 else member)
            yield partial(torch.div, arrived[member].transpose(0, 1), self._energy, out=self._energy)
            for half in (self._squares[:, :places], self._squares[:, places:]):
                yield partial(torch.bmm, self._bank.mT, self._energy, out=half)
            yield partial(self._parts.mul_, self._squares)
            yield partial(self._parts.mul_, constant(2.0, self._parts))
            yield partial(torch.bmm, self._waves.mT, self._parts, out=dwindows)
            yield dpadded.zero_
            for frame in range(len(dwindows)):
                yield partial(dpadded[frame * hop : frame * hop + window].add_, dwindows[frame])
            yield partial(target[member].copy_, dpadded[start : start + len(target[member])])

    def _energies(self, x: Tensor, member: int) -> Iterator[Kernel]:
        """Leave the parts of the spectra and the energy in bands, the floor included."""
        places = self._places
        yield partial(self._inside.copy_, matrix(x, self._node.input_shape[1], self._batch)[member])
        yield partial(torch.bmm, self._waves, self._windows, out=self._parts)
        yield partial(torch.mul, self._parts, self._parts, out=self._squares)
        yield partial(self._squares[:, :places].add_, self._squares[:, places:])
        yield partial(torch.bmm, self._bank, self._squares[:, :places], out=self._energy)
        yield partial(self._energy.add_, self._floor)


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(LogMel(context, group).forward(x, y))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    return [] if dx is None else list(LogMel(context, group).backward(x, dy, dx))


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
