"""One vector for the nodes of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

READOUTS = ("sum", "mean", "max", "attention")
NOWHERE = -1e9
"""What is added where there is no node, so that no maximum or softmax finds it."""


class Readout(Operation):
    """States (channels, nodes) and mask (1, nodes) -> (channels,): the sum, mean or maximum over the nodes.

    The option ``reduction`` says which. The mask is 1 where there is a node; of a graph without nodes the
    result is 0. The mask gets no gradient.
    """

    name = "readout"
    keeps_result = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        shape: Shape = inputs[0][:1]
        return shape

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        x, mask = inputs
        if node.option("reduction") == "max":
            there = (mask.sum(2) > 0).to(x.dtype)
            return (x + (1 - mask) * NOWHERE).amax(2) * there
        total = (x * mask).sum(2)
        return total if node.option("reduction") == "sum" else total / mask.sum(2).clamp(min=1)

    def source(self, node: Node) -> Source:
        if node.option("reduction") == "max":
            return Source(f"({{0}} + (1 - {{1}}) * {NOWHERE}).amax(2) * ({{1}}.sum(2) > 0).float()")
        total = "({0} * {1}).sum(2)"
        return Source(total if node.option("reduction") == "sum" else f"{total} / {{1}}.sum(2).clamp(min=1)")

    def label(self, node: Node) -> str:
        return f"{node.option('reduction')} over nodes"


class AttentionReadout(Operation):
    """States (channels, nodes) and mask (1, nodes) -> (channels,): a mean that weighs nodes by attention.

    The weights are the softmax over the nodes of w·h with a trained vector w (after Li et al. 2016, "Gated
    Graph Sequence Neural Networks", equation 7, with one gate for all channels). Of a graph without nodes the
    result is 0. The mask gets no gradient.
    """

    name = "attention_readout"
    keeps_result = False

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        shape: Shape = inputs[0][:1]
        return shape

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": (1, node.shape[0])}

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        x, mask = inputs
        logits = (x * arrays["weight"].unsqueeze(2)).sum(1, keepdim=True) + (1 - mask) * NOWHERE
        return (x * (logits.softmax(2) * mask)).sum(2)

    def source(self, node: Node) -> Source:
        logits = f"({{0}} * {{layer}}.weight.unsqueeze(2)).sum(1, keepdim=True) + (1 - {{1}}) * {NOWHERE}"
        layer = f"nn.Linear({node.shape[0]}, 1, bias=False)"
        return Source(f"({{0}} * (({logits}).softmax(2) * {{1}})).sum(2)", layer)

    def label(self, node: Node) -> str:
        return "attention over nodes"
