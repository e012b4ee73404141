"""Convolution over what has been, with pauses between the steps that it reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source, strided

if TYPE_CHECKING:
    from torch import Tensor


class CausalConv(Operation):
    """(channels, steps) -> (channels, steps): each step reads itself and steps before it, zeros at the start.

    It reads ``kernel`` steps, each ``dilation`` before the next (van den Oord et al. 2016, Bai et al. 2018).
    Of a ``stride`` above 1 only every so many steps are there, the last of them the last one.
    """

    name = "causal_conv"
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return options["channels"], *strided(inputs[0], options.get("stride", 1))

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        channels = node.shape[0]
        return {"weight": (channels, node.input_shape[0], node.kernel), "bias": (channels,)}

    def flops(self, node: Node) -> int:
        return 2 * math.prod(node.parameter_shapes["weight"]) * node.shape[1]

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        dilation = node.option("dilation")
        skipped = (node.input_shape[1] - 1) % node.stride
        x = F.pad(inputs[0], ((node.kernel - 1) * dilation - skipped, 0))
        return F.conv1d(x, arrays["weight"], arrays["bias"], dilation=dilation, stride=node.stride)

    def source(self, node: Node) -> Source:
        dilation = node.option("dilation")
        before = (node.kernel - 1) * dilation - (node.input_shape[1] - 1) % node.stride
        sizes = f"{node.input_shape[0]}, {node.shape[0]}, {node.kernel}"
        layer = f"nn.Conv1d({sizes}, dilation={dilation}, stride={node.stride})"
        return Source(f"{{layer}}(nn.functional.pad({{0}}, ({before}, 0)))", layer)

    def sizes(self, node: Node) -> dict[str, int]:
        return {"kernel": node.kernel, "dilation": node.option("dilation"), "stride": node.stride}
