"""Tokens of features: products with numbers value by value, with one-hot forms as matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import category_ranges
from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import constant, grid, matrix
from nas_gym.training.kernels.matmul import product
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel


def _forward(context: Context, group: Group, x: Tensor, y: Tensor) -> Sequence[Kernel]:
    return list(_tokens(context, group, x, y))


def _backward(
    context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None = None
) -> Sequence[Kernel]:
    return list(_gradients(context, group, x, dy, dx))


def _tokens(context: Context, group: Group, x: Tensor, y: Tensor) -> Iterator[Kernel]:
    node, parameters = group.node, context.parameters
    out = grid(y, node.shape, context.batch)
    weight, bias = parameters.weight(group, "weight"), parameters.weight(group, "bias").unsqueeze(3)
    if count := node.option("numbers"):
        numbers, vectors, tokens = _numbers(group, _features(context, group, x), weight, out)
        for place in range(node.option("each")):
            # A vector for each number times that number: a product would have a side of 1.
            term = context.scratch("feature tokens", tuple(tokens.shape)) if place else tokens
            yield partial(torch.mul, vectors[:, :, :, place, None], numbers[:, None, :, place], out=term)
            if place:
                yield partial(tokens.add_, term)
        yield partial(tokens.add_, bias[:, :, :count])
    if ranges := category_ranges(node):
        one_hot, kernel = _one_hot(context, group, x)
        yield kernel
        for place, (start, stop) in enumerate(ranges, start=count):
            columns = one_hot[:, start - ranges[0][0] : stop - ranges[0][0]]
            yield from product(
                context.paths, weight[:, :, start:stop], columns, out[:, :, place], add=bias[:, :, place]
            )
    if node.option("answer"):
        yield partial(out[:, :, -1].copy_, bias[:, :, -1])


def _gradients(context: Context, group: Group, x: Tensor, dy: Tensor, dx: Tensor | None) -> Iterator[Kernel]:
    """Gradients: with a token x w + b: dw = sum of dy x over the examples, db of dy, dx = sum of dy w."""
    node, parameters = group.node, context.parameters
    arrived = grid(dy, node.shape, context.batch)
    weight, gradient = (part(group, "weight") for part in (parameters.weight, parameters.gradient))
    to_features = None if dx is None else _features(context, group, dx)
    yield partial(torch.sum, arrived, 3, out=parameters.gradient(group, "bias"))
    if count := node.option("numbers"):
        numbers, vectors, tokens = _numbers(group, _features(context, group, x), weight, arrived)
        sides = (count, node.option("each"))
        term = context.scratch("feature tokens", tuple(tokens.shape))
        for place in range(sides[1]):
            yield partial(torch.mul, tokens, numbers[:, None, :, place], out=term)
            yield partial(torch.sum, term, 3, out=_split(gradient, 2, sides)[:, :, :, place])
            if to_features is not None:
                yield partial(torch.mul, tokens, vectors[:, :, :, place, None], out=term)
                yield partial(torch.sum, term, 1, out=_split(to_features, 1, sides)[:, :, place])
    if ranges := category_ranges(node):
        one_hot, kernel = _one_hot(context, group, x)
        yield kernel
        for place, (start, stop) in enumerate(ranges, start=count):
            columns = one_hot[:, start - ranges[0][0] : stop - ranges[0][0]]
            yield from product(context.paths, arrived[:, :, place], columns.mT, gradient[:, :, start:stop])
        if to_features is not None:  # a category does not change by a little
            yield to_features[:, ranges[0][0] :].zero_


def _numbers(group: Group, features: Tensor, weight: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the numbers, (members, numbers, each, batch), their vectors and their tokens."""
    sides = (group.node.option("numbers"), group.node.option("each"))
    return _split(features, 1, sides), _split(weight, 2, sides), tokens[:, :, : sides[0]]


def _split(tensor: Tensor, dim: int, sides: tuple[int, int]) -> Tensor:
    """Return the first entries of a dimension by number, and by feature of a number."""
    found: Tensor = tensor.narrow(dim, 0, sides[0] * sides[1]).unflatten(dim, sides)
    return found


def _features(context: Context, group: Group, rows: Tensor) -> Tensor:
    return matrix(rows, group.node.input_shape[0], context.batch)


def _one_hot(context: Context, group: Group, x: Tensor) -> tuple[Tensor, Kernel]:
    """Return all categories as zeros and ones, and the kernel that makes them."""
    source = _features(context, group, x)[:, category_ranges(group.node)[0][0] :]
    one_hot = context.aligned_scratch("one hot tokens", tuple(source.shape))
    return one_hot, partial(torch.gt, source, constant(0, source), out=one_hot)


KERNELS = Kernels(forward_of(_forward), backward_of(_backward))
