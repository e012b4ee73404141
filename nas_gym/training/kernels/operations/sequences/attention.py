"""Attention as products of small matrices, one for each head of each example.

With the batch innermost these matrices have no side that lies densely, so queries, keys and values are copied
to (batch, channels, length) first, which is one transposition of a matrix. On the CPU one member comes after
another: what it needs stays in the core's cache, and its bits cannot depend on its company.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import HIDDEN
from nas_gym.training.kernels.base import Kernels, without_gradient
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant
from nas_gym.training.kernels.matmul import bfloat16_product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows

aten = torch.ops.aten


class _Sizes:
    """The sizes of attention, and memory seen by them.

    Attributes:
        queries, keys, values: (channels, length) of each.
        scale: what fits are multiplied by.
        bfloat16: whether factors of products are rounded to bfloat16.
    """

    def __init__(self, context: Context, group: Group) -> None:
        node = group.node
        self._context, self._group = context, group
        keys = node.option("keys")
        self.queries, self.keys = node.input_shape, (node.input_shape[0], keys)
        self.values, self.out = (node.shape[0], keys), node.shape
        self.heads: int = node.option("heads")
        self.scale = 1 / math.sqrt(node.input_shape[0] // self.heads)
        self.masked = len(group.sources) > 3
        self.causal: bool = node.option("causal")
        self.bfloat16 = context.paths.bfloat16

    @property
    def weights(self) -> int:
        """Weights of an example, of all heads."""
        return math.prod((self.heads, self.queries[1], self.keys[1]))

    def parts(self) -> list[slice]:
        """Members whose products are one call."""
        members = len(self._group.values)
        shapes = (self.queries, self.keys, self.values, self.out, (self.weights,))
        if self._context.paths.whole_groups and self._context.dense(*shapes):
            return [slice(0, members)]
        return [slice(member, member + 1) for member in range(members)]

    def turned(self, rows: Tensor, part: slice, shape: tuple[int, ...]) -> Tensor:
        """Return rows as (members, batch, channels * length): a view, since they lie the other way round."""
        floats = math.prod(shape)
        lying: Tensor = rows[part, : floats * self._context.batch].unflatten(1, (floats, -1))
        return lying.mT

    def by_example(self, rows: Tensor, part: slice, shape: tuple[int, ...]) -> Tensor:
        """Return rows that lie (batch, channels, length) as (members, batch, channels * length)."""
        floats = math.prod(shape)
        copied: Tensor = rows[part, : floats * self._context.batch].unflatten(1, (-1, floats))
        return copied

    def by_head(self, lying: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return such a copy as (members * batch * heads, channels of a head, length)."""
        return lying.view(-1, shape[0] // self.heads, shape[1])

    def weights_of(self, rows: Tensor, part: slice) -> Tensor:
        """Return rows as (members * batch * heads, queries, keys)."""
        lying = rows[part, : self.weights * self._context.batch]
        return lying.reshape(-1, self.queries[1], self.keys[1])

    def scratch(self, purpose: str, members: int, shape: tuple[int, ...]) -> Tensor:
        """Return memory as (members, batch, channels * length), which is overwritten by the next part."""
        size = (members, self._context.batch, math.prod(shape))
        return self._context.scratch(f"attention {purpose}", size)

    def hiding(self, mask: Tensor | None, part: slice, device: torch.device) -> tuple[Tensor, list[Kernel]]:
        """Return what is added to the fits, which broadcasts over them, and what makes it."""
        queries, keys = self.queries[1], self.keys[1]
        members, batch = part.stop - part.start, self._context.batch
        later = torch.full((queries, keys), HIDDEN, device=device).triu(1)
        if mask is None:
            return (later if self.causal else torch.zeros_like(later)).unsqueeze(0), []
        sides = (members, batch, self.heads, keys)
        hidden = self._context.scratch("attention hiding", sides)
        shown = self.turned(mask, part, (1, keys)).unsqueeze(2).expand(sides)
        kernels: list[Kernel] = [
            partial(torch.sub, shown, constant(1, hidden), out=hidden),
            partial(hidden.mul_, constant(-HIDDEN, hidden)),
        ]
        rows = hidden.view(-1, 1, keys)
        if not self.causal:
            return rows, kernels
        both = self._context.scratch("attention hiding of later", (len(rows), queries, keys))
        return both, [*kernels, partial(torch.add, rows, later, out=both)]


def _record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
    sizes = _Sizes(context, group)
    rows = len(group.values)
    shapes = (sizes.queries, sizes.keys, sizes.values)
    copies = [context.tape.new(math.prod(shape), rows) for shape in shapes]
    weights = context.tape.new(sizes.weights, rows)
    y = context.tape.new(math.prod(group.node.shape), rows)
    context.saved[group] = (*copies, weights)
    context.tape.add(lambda *given: list(_forward(sizes, *given)), *copies, weights, y, *inputs)
    return y


def _forward(
    sizes: _Sizes,
    q_copy: Tensor,
    k_copy: Tensor,
    v_copy: Tensor,
    weights: Tensor,
    y: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
) -> Iterator[Kernel]:
    shapes = (sizes.queries, sizes.keys, sizes.values)
    for part in sizes.parts():
        lying = []
        for rows, copy, shape in zip((q, k, v), (q_copy, k_copy, v_copy), shapes, strict=True):
            target = sizes.by_example(copy, part, shape)
            yield partial(target.copy_, sizes.turned(rows, part, shape))
            lying.append(sizes.by_head(target, shape))
        queries, keys, values = lying
        fits = sizes.weights_of(weights, part)
        hidden, kernels = sizes.hiding(mask, part, q.device)
        yield from kernels
        hidden = hidden.expand(fits.shape)
        if sizes.bfloat16:
            yield from _product(sizes, queries.mT, keys, fits)
            yield partial(fits.mul_, constant(sizes.scale, fits))
            yield partial(fits.add_, hidden)
        else:
            yield partial(torch.baddbmm, hidden, queries.mT, keys, alpha=sizes.scale, out=fits)
        yield partial(torch.softmax, fits, 2, out=fits)
        mixed = sizes.scratch("result", part.stop - part.start, sizes.out)
        yield from _product(sizes, values, fits.mT, sizes.by_head(mixed, sizes.out))
        yield partial(sizes.turned(y, part, sizes.out).copy_, mixed)


def _record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> tuple[Rows | None, ...]:
    sizes = _Sizes(context, group)
    shapes = (sizes.queries, sizes.keys, sizes.values)
    found = [
        context.tape.new(math.prod(shape), len(group.values)) if reached else None
        for shape, reached in zip(shapes, group.reached, strict=False)
    ]
    there = [rows is not None for rows in found]

    def bind(*given: Tensor) -> list[Kernel]:
        *saved, dy = given[:5]
        rest = iter(given[5:])
        gradients = [next(rest) if each else None for each in there]
        return list(_backward(sizes, saved, dy, gradients))

    context.tape.add(bind, *context.saved[group], dy, *(rows for rows in found if rows is not None))
    if sizes.masked:
        found.append(without_gradient(context, group, 3, sizes.keys[1]))
    return tuple(found)


def _backward(
    sizes: _Sizes, saved: Sequence[Tensor], dy: Tensor, gradients: Sequence[Tensor | None]
) -> Iterator[Kernel]:
    """Gradients: of weights W and fits S, dV = dY W, dW = dY^T V, dQ = K dS^T and dK = Q dS."""
    shapes = (sizes.queries, sizes.keys, sizes.values)
    for part in sizes.parts():
        members = part.stop - part.start
        q, k, v = (
            sizes.by_head(sizes.by_example(copy, part, shape), shape)
            for copy, shape in zip(saved[:3], shapes, strict=True)
        )
        weights = sizes.weights_of(saved[3], part)
        arrived = sizes.scratch("gradient", members, sizes.out)
        yield partial(arrived.copy_, sizes.turned(dy, part, sizes.out))
        dout = sizes.by_head(arrived, sizes.out)
        turned = sizes.scratch("weights", members, (sizes.weights,))
        dfits = turned.view(weights.shape)
        dq, dk, dv = gradients
        if dv is not None:
            yield from _returned(sizes, part, dv, sizes.values, (dout, weights))
        if dq is None and dk is None:
            continue
        yield from _product(sizes, dout.mT, v, dfits)
        yield partial(aten._softmax_backward_data.out, dfits, weights, 2, torch.float32, grad_input=dfits)
        yield partial(dfits.mul_, constant(sizes.scale, dfits))
        if dq is not None:
            yield from _returned(sizes, part, dq, sizes.queries, (k, dfits.mT))
        if dk is not None:
            yield from _returned(sizes, part, dk, sizes.keys, (q, dfits))


def _product(sizes: _Sizes, a: Tensor, b: Tensor, out: Tensor) -> Iterator[Kernel]:
    """Write the products of the matrices of each head, in the precision of the recipe."""
    if sizes.bfloat16:
        yield partial(bfloat16_product, a, b, out, None)
    else:
        yield partial(torch.bmm, a, b, out=out)


def _returned(
    sizes: _Sizes, part: slice, rows: Tensor, shape: tuple[int, ...], factors: tuple[Tensor, Tensor]
) -> Iterator[Kernel]:
    """Let a product write by example and head, and bring it to where rows lie."""
    lying = sizes.scratch("returned", part.stop - part.start, shape)
    yield from _product(sizes, *factors, sizes.by_head(lying, shape))
    yield partial(sizes.turned(rows, part, shape).copy_, lying)


KERNELS = Kernels(_record_forward, _record_backward)
