"""The columns of a table as a sequence: a token for each number and each category."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class FeatureTokens(Operation):
    """(features,) -> (size, tokens): of each column a token, trained vectors times features plus a bias.

    The feature tokenizer of FT-Transformer (Gorishniy et al. 2021, "Revisiting Deep Learning Models for
    Tabular Data", section 3.3): the token of a number x is x w + b, that of a category v + b, where v is the
    trained vector of the category. Weights and biases start uniformly within ±1/sqrt(size), as there.

    The options say what the features are: first those of ``numbers`` numbers, ``each`` of them of a number
    (1, or more of one that was embedded, which have a vector each), then the one-hot forms of columns of so
    many ``categories`` each. Of these the feature of the category is above 0 and all others are not, as in
    `CategoryEmbedding`. With ``answer`` a last token follows that reads nothing, so that it is its bias; it
    is where a transformer can gather what the answer is read from.
    """

    name = "feature_tokens"
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return options["size"], options["numbers"] + len(options["categories"]) + options["answer"]

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": (node.shape[0], node.input_shape[0]), "bias": node.shape}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        bound = 1 / math.sqrt(node.shape[0])
        return -bound, bound

    def flops(self, node: Node) -> int:
        return 2 * math.prod(node.parameter_shapes["weight"])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        x, weight, bias = inputs[0], arrays["weight"], arrays["bias"]
        sides = node.option("numbers"), node.option("each")
        parts = []
        if end := math.prod(sides):
            numbers = x[:, :end].unflatten(1, sides).transpose(0, 1)
            vectors = weight[:, :end].unflatten(1, sides).permute(1, 2, 0)
            parts.append((numbers @ vectors).permute(1, 2, 0))
        for start, stop in category_ranges(node):
            one_hot = (x[:, start:stop] > 0).to(weight.dtype)
            parts.append((one_hot @ weight[:, start:stop].T).unsqueeze(2))
        if node.option("answer"):
            parts.append(x.new_zeros(x.shape[0], len(weight), 1))
        return torch.cat(parts, dim=2) + bias

    def source(self, node: Node) -> Source:
        size, features = node.parameter_shapes["weight"]
        sides = node.option("numbers"), node.option("each")
        parts = []
        if end := math.prod(sides):
            numbers = f"{{0}}[:, :{end}].unflatten(1, {sides}).transpose(0, 1)"
            vectors = f"{{layer}}.weight[:, :{end}].unflatten(1, {sides}).permute(1, 2, 0)"
            parts.append(f"({numbers} @ {vectors}).permute(1, 2, 0)")
        for start, stop in category_ranges(node):
            one_hot = f"({{0}}[:, {start}:{stop}] > 0).float()"
            parts.append(f"({one_hot} @ {{layer}}.weight[:, {start}:{stop}].T).unsqueeze(2)")
        if node.option("answer"):
            parts.append(f"{{0}}.new_zeros({{0}}.shape[0], {size}, 1)")
        shapes = f"weight=torch.empty({size}, {features}), bias=torch.empty{node.shape}"
        layer = f"nn.ParameterDict(dict({shapes}))"
        return Source(f"torch.cat([{', '.join(parts)}], dim=2) + {{layer}}.bias", layer)

    def label(self, node: Node) -> str:
        return f"{node.shape[1]} tokens of features"


def category_ranges(node: Node) -> list[tuple[int, int]]:
    """Return where the features of each column of categories lie, as ranges (start, stop)."""
    widths = node.option("categories")
    first = node.option("numbers") * node.option("each")
    ends = accumulate(widths, initial=first)
    return [(start, start + width) for start, width in zip(ends, widths, strict=False)]
