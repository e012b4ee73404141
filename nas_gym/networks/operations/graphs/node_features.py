"""The features of the nodes of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class NodeFeatures(Operation):
    """(features + nodes, nodes) -> (kept, nodes): the first features of each node.

    The option ``kept`` says how many. The first of all is 1 where there is a node, so that one feature is
    the mask of the nodes.
    """

    name = "node_features"
    mergeable = True
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (options["kept"], inputs[0][1])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0][:, : node.option("kept")]

    def source(self, node: Node) -> Source:
        return Source(f"{{0}}[:, :{node.option('kept')}]")

    def label(self, node: Node) -> str:
        return "nodes" if node.option("kept") == 1 else "node features"
