"""Numbers as how far they reach into each of several intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class PiecewiseLinear(Operation):
    """(features,) -> (features * bins,): for each number and interval 0 below it, 1 above it, linear within.

    The first interval has no lower and the last one no upper limit (Gorishniy, Rubachev and Babenko 2022,
    "On Embeddings for Numerical Features in Tabular Deep Learning", equation 1). The limits are quantiles of
    the standard normal distribution, since numbers come standardised, so that an architecture alone says
    what its network is; the option ``bins`` is the number of intervals, at least 2.
    """

    name = "piecewise_linear"
    mergeable = True
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[0][0] * options["bins"],)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        scale, shift = (inputs[0].new_tensor(each) for each in interval_slopes(node.option("bins")))
        reach = inputs[0].unsqueeze(2) * scale + shift
        first, inner, last = reach[..., :1], reach[..., 1:-1], reach[..., -1:]
        return torch.cat([first.clamp(max=1), inner.clamp(0, 1), last.clamp(min=0)], dim=2).flatten(1)

    def source(self, node: Node) -> Source:
        scale, shift = (f"{{0}}.new_tensor({list(each)})" for each in interval_slopes(node.option("bins")))
        reach = f"({{0}}.unsqueeze(2) * {scale} + {shift})"
        parts = (
            f"{reach}[..., :1].clamp(max=1), {reach}[..., 1:-1].clamp(0, 1), {reach}[..., -1:].clamp(min=0)"
        )
        return Source(f"torch.cat([{parts}], dim=2).flatten(1)")


@lru_cache
def interval_slopes(bins: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the scale and shift that take each interval to 0 to 1."""
    # The outermost limits, which only set a slope, lie half an interval's share from the ends.
    shares = [0.5 / bins, *(number / bins for number in range(1, bins)), 1 - 0.5 / bins]
    limits = [NormalDist().inv_cdf(share) for share in shares]
    scale = tuple(1 / (high - low) for low, high in pairwise(limits))
    return scale, tuple(-low * factor for low, factor in zip(limits, scale, strict=False))
