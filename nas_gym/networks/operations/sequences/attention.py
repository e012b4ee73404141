"""Attention: at each position a mean of values, weighted by how well its query fits their keys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN = -1e9
"""What the fit of a hidden position is set to: its weight is 0, exactly."""


class Attention(Operation):
    """Queries, keys and values, (channels, length) each, and a mask of the keys -> (channels, queries).

    Channels are split between the heads of the option ``heads``, of which each attends by itself: a weight is
    the softmax over the positions of query times key / sqrt(channels of a head) (Vaswani et al. 2017,
    "Attention Is All You Need", equation 1). Queries of one sequence with keys and values of another are
    cross-attention. The mask (1, keys), which may be left out, is 1 where there is something to attend to;
    where there is nothing at all, every position counts alike. The option ``causal`` hides what comes later.
    """

    name = "attention"
    keeps_result = False

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (inputs[2][0], inputs[0][1])

    def flops(self, node: Node) -> int:
        channels, queries = node.shape
        keys: int = node.option("keys")
        return 2 * (node.input_shape[0] + channels) * queries * keys

    def held(self, node: Node) -> int:
        """Count copies of queries, keys and values, and the weights of all heads."""
        channels, queries = node.shape
        keys: int = node.option("keys")
        weights: int = node.option("heads") * queries * keys
        return super().held(node) + node.input_shape[0] * (queries + keys) + channels * keys + weights

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        heads = node.option("heads")
        q, k, v = (each.unflatten(1, (heads, -1)) for each in inputs[:3])  # (batch, heads, channels, length)
        fits = (q.transpose(2, 3) @ k) / math.sqrt(q.shape[2])
        if len(inputs) > 3:
            fits = fits.masked_fill(inputs[3].unsqueeze(1) == 0, HIDDEN)
        if node.option("causal"):
            later = torch.ones(fits.shape[2:], dtype=torch.bool, device=fits.device).triu(1)
            fits = fits.masked_fill(later, HIDDEN)
        result: Tensor = (v @ fits.softmax(3).transpose(2, 3)).flatten(1, 2)
        return result

    def source(self, node: Node) -> Source:
        heads = node.option("heads")
        q, k, v = (f"{{{place}}}.unflatten(1, ({heads}, -1))" for place in range(3))
        fits = f"({q}.transpose(2, 3) @ {k} / {math.sqrt(node.input_shape[0] // heads)!r})"
        if len(node.inputs) > 3:
            fits += f".masked_fill({{3}}.unsqueeze(1) == 0, {HIDDEN})"
        if node.option("causal"):
            sides = f"{node.shape[1]}, {node.option('keys')}"
            later = f"torch.ones({sides}, dtype=torch.bool, device={{0}}.device).triu(1)"
            fits += f".masked_fill({later}, {HIDDEN})"
        return Source(f"({v} @ {fits}.softmax(3).transpose(2, 3)).flatten(1, 2)")

    def label(self, node: Node) -> str:
        heads = node.option("heads")
        return (
            f"{'causal ' if node.option('causal') else ''}attention, {heads} head{'s' if heads > 1 else ''}"
        )
