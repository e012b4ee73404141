"""Several values side by side, copied to where they belong."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    y = context.tape.new(math.prod(group.node.shape), len(group.values))
    places = _places(context, group)

    def bind(y: Tensor, *read: Tensor) -> list[Kernel]:
        pairs = zip(places, read, strict=True)
        return [partial(y[:, place].copy_, x[:, : place.stop - place.start]) for place, x in pairs]

    context.tape.add(bind, y, *inputs)
    context.objects[group] = places
    return y


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> tuple[Rows | None, ...]:
    found: list[Rows | None] = []
    for place, reached in zip(context.objects[group], group.reached, strict=True):
        floats = place.stop - place.start
        found.append(context.tape.floats(floats, len(group.values)) if reached else None)
    places = [place for place, rows in zip(context.objects[group], found, strict=True) if rows is not None]

    def bind(dy: Tensor, *gradients: Tensor) -> list[Kernel]:
        pairs = zip(places, gradients, strict=True)
        return [partial(dx[:, : place.stop - place.start].copy_, dy[:, place]) for place, dx in pairs]

    context.tape.add(bind, dy, *(rows for rows in found if rows is not None))
    return tuple(found)


def _places(context: Context, group: Group) -> list[slice]:
    """Return where each input lies in a row of the result, since channels lie behind each other."""
    shapes = group.read or (group.node.input_shape,) * len(group.sources)
    floats = [math.prod(shape) * context.batch for shape in shapes]
    ends = list(itertools.accumulate(floats))
    return [slice(end - count, end) for count, end in zip(floats, ends, strict=True)]


KERNELS = Kernels(_record_forward, _record_backward)
