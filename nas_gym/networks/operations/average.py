"""The common answer of several networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class Average(Operation):
    """The mean of inputs of one shape; with the option ``of`` ``"probabilities"`` that of their softmax.

    The mean probabilities are returned as logarithms, so that their softmax is the mean, as for the outputs
    of one network. With ``"values"`` the outputs themselves are averaged.
    """

    name = "average"

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        stacked = torch.stack(list(inputs))
        if node.option("of") == "values":
            return stacked.mean(0)
        # In logarithms, in which small probabilities do not vanish.
        return stacked.log_softmax(2).logsumexp(0) - math.log(len(inputs))

    def source(self, node: Node) -> Source:
        stacked = f"torch.stack([{', '.join(f'{{{number}}}' for number in range(len(node.inputs)))}])"
        if node.option("of") == "values":
            return Source(f"{stacked}.mean(0)")
        return Source(f"{stacked}.log_softmax(2).logsumexp(0) - {math.log(len(node.inputs))!r}")
