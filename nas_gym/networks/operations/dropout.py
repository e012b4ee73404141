"""Dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class Dropout(Operation):
    """In training each value is 0 with the probability of the option ``rate``, else divided by 1 - rate.

    In evaluation it changes nothing (Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural
    Networks from Overfitting").
    """

    name = "dropout"
    in_place = True
    keeps_result = False
    noisy = True

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        if not training:
            return inputs[0]
        rate = node.option("rate")
        kept: Tensor = (arrays["noise"] >= rate).to(inputs[0].dtype)
        result: Tensor = inputs[0] * (kept * (1 / (1 - rate)))
        return result

    def source(self, node: Node) -> Source:
        return Source("{layer}({0})", f"nn.Dropout({node.option('rate')})")

    def label(self, node: Node) -> str:
        return f"dropout {node.option('rate'):g}"
