"""Copies of some features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from nas_gym.networks import place_runs
from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import matrix
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    source, out = (
        matrix(x, group.node.input_shape[0], context.batch),
        matrix(y, group.node.shape[0], context.batch),
    )
    kernels: list[Kernel] = []
    place = 0
    for start, stop in place_runs(group.node.option("places")):
        kernels.append(partial(out[:, place : place + stop - start].copy_, source[:, start:stop]))
        place += stop - start
    return kernels


def _backward(
    context: Context, group: Group, _x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    if dx is None:
        return []
    arrived, out = (
        matrix(dy, group.node.shape[0], context.batch),
        matrix(dx, group.node.input_shape[0], context.batch),
    )
    kernels: list[Kernel] = [out.zero_]
    place = 0
    for start, stop in place_runs(group.node.option("places")):
        # A feature may be chosen several times.
        kernels.append(partial(out[:, start:stop].add_, arrived[:, place : place + stop - start]))
        place += stop - start
    return kernels


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
