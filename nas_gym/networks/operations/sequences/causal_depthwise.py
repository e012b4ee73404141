"""Convolution of every channel by itself over what came before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class CausalDepthwise(Operation):
    """(channels, length) -> the same: each channel convolved over a position and those before it.

    As many positions are read as the `kernel` of the node says, zeros before the start. The weights are
    (channels, 1, kernel), the last one of the position itself, as in `torch.nn.Conv1d`.
    """

    name = "causal_depthwise"
    keeps_result = False
    shares_rows = True

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": (node.shape[0], 1, node.kernel)}

    def flops(self, node: Node) -> int:
        return 2 * math.prod(node.shape) * node.kernel

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        return F.conv1d(F.pad(inputs[0], (node.kernel - 1, 0)), arrays["weight"], groups=node.shape[0])

    def source(self, node: Node) -> Source:
        channels, kernel = node.shape[0], node.kernel
        layer = f"nn.Conv1d({channels}, {channels}, {kernel}, groups={channels}, bias=False)"
        return Source(f"{{layer}}(nn.functional.pad({{0}}, ({kernel - 1}, 0)))", layer)

    def label(self, node: Node) -> str:
        return f"causal conv {node.kernel}"
