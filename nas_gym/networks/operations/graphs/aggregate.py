"""What a node hears of its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class Aggregate(Operation):
    """States (channels, nodes) and weights (nodes, nodes) -> (channels, nodes): the weighted sums.

    The weights, of `Adjacency`, get no gradient.
    """

    name = "aggregate"
    shares_rows = True

    def flops(self, node: Node) -> int:
        channels, nodes = node.shape
        return 2 * channels * nodes * nodes

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0] @ inputs[1].mT

    def source(self, node: Node) -> Source:
        return Source("{0} @ {1}.mT")
