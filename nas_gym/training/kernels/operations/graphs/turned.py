"""Values with the batch outermost, for products of small matrices, one for each example."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import Shape
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.matmul import bfloat16_product
from nas_gym.training.program.tape import Kernel, Rows


def turn(context: Context, rows: Tensor, shape: Shape, out: Tensor) -> Iterator[Kernel]:
    """Copy rows (members, floats) to `out`, (members, batch, *shape), dense.

    Each member is turned by itself, as a matrix (floats, batch), for which torch has a fast way.
    """
    features, batch = math.prod(shape), context.batch
    source = rows[:, : features * batch].unflatten(1, (features, batch))
    target = out.view(len(rows), batch, features)
    if context.paths.whole_groups:
        yield partial(target.copy_, source.mT)
        return
    for one, other in zip(target, source, strict=True):
        yield partial(one.copy_, other.mT)


def turn_back(context: Context, turned: Tensor, shape: Shape, rows: Tensor) -> Iterator[Kernel]:
    """Copy `turned`, (members, batch, *shape), dense, to rows (members, floats)."""
    features, batch = math.prod(shape), context.batch
    target = rows[:, : features * batch].unflatten(1, (features, batch))
    source = turned.view(len(rows), batch, features)
    if context.paths.whole_groups:
        yield partial(target.copy_, source.mT)
        return
    for one, other in zip(target, source, strict=True):
        yield partial(one.copy_, other.mT)


def products(context: Context, a: Tensor, b: Tensor, out: Tensor) -> Iterator[Kernel]:
    """Write a @ b to `out`, all (members, batch, rows, columns); one member of a factor serves all.

    Each member takes one call over the batch, so that its bits do not depend on how many there are.
    """
    if context.paths.whole_groups and not context.paths.bfloat16:
        yield partial(torch.matmul, a, b, out=out)
        return
    for member, result in enumerate(out):
        one, other = (each[member if len(each) > 1 else 0] for each in (a, b))
        if context.paths.bfloat16:
            yield partial(bfloat16_product, one, other, result, None)
        else:
            yield partial(torch.bmm, one, other, out=result)


def tiles(context: Context, members: int) -> Iterator[slice]:
    """Yield the members that are computed at a time: one on a CPU, whose cache then holds what is turned."""
    step = members if context.paths.whole_groups else 1
    return (slice(start, min(start + step, members)) for start in range(0, members, step))


def turned_scratch(context: Context, purpose: str, members: int, shape: Shape) -> Tensor:
    """Memory for the members of a tile, (members, batch, *shape)."""
    return context.scratch(f"{purpose}, turned", (members, context.batch, *shape))


class TurnedWeights:
    """The weights of neighbours, turned once for all that read them in a batch.

    Args:
        context: the recording.
        rows: where they lie, one row for all members or one for each.
        nodes: nodes of a graph.

    Attributes:
        key: what tells them from others.
    """

    def __init__(self, context: Context, rows: Rows, nodes: int) -> None:
        self._context, self._shape = context, (nodes, nodes)
        self._repeated = bool(rows.repeat) or len(rows) == 1
        self.key = (rows.block.number, rows.start, rows.stop)

    def of(self, weights: Tensor) -> tuple[list[Kernel], Tensor]:
        """Return the kernels that turn them, none where that is done, and where they are.

        They are (members, batch, nodes, nodes), or of one member for all.
        """
        context = self._context
        members = 1 if self._repeated else len(weights)
        turned = context.scratch("weights of neighbours", (members, context.batch, *self._shape), self.key)
        if self.key in context.turned:
            return [], turned
        context.turned.add(self.key)
        return list(turn(context, weights[:members], self._shape, turned)), turned
