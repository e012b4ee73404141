"""Convolution over every side of a signal or image."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source, strided

if TYPE_CHECKING:
    from torch import Tensor


class Conv(Operation):
    """(channels, *sides) -> (channels, *sides), of an odd kernel, with padding ``kernel // 2``.

    Each side n becomes ceil(n / stride). Groups are those of `torch.nn.Conv2d`.
    """

    name = "conv"
    keeps_result = False
    shares_rows = True

    def output_shape(self, shape: Shape, channels: int, stride: int) -> Shape:
        return (channels, *strided(shape, stride))

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        sides = len(node.shape) - 1
        weight = (node.shape[0], node.input_shape[0] // node.groups, *(node.kernel,) * sides)
        shapes: dict[str, Shape] = {"weight": weight}
        return shapes | {"bias": (node.shape[0],)} if node.bias else shapes

    def flops(self, node: Node) -> int:
        return 2 * math.prod(node.parameter_shapes["weight"]) * math.prod(node.shape[1:])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        conv: Callable[..., Tensor] = F.conv1d if len(node.shape) == 2 else F.conv2d
        return conv(
            inputs[0],
            arrays["weight"],
            arrays.get("bias"),
            stride=node.stride,
            padding=node.padding,
            groups=node.groups,
        )

    def source(self, node: Node) -> Source:
        options = [
            str(node.input_shape[0]),
            str(node.shape[0]),
            f"{node.kernel}",
            f"stride={node.stride}",
            f"padding={node.padding}",
            f"groups={node.groups}",
            f"bias={node.bias}",
        ]
        return Source("{layer}({0})", f"nn.Conv{len(node.shape) - 1}d({', '.join(options)})")

    def sizes(self, node: Node) -> dict[str, int]:
        return {"kernel": node.kernel, "stride": node.stride}
