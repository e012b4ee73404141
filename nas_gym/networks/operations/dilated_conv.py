"""Convolution whose kernel has gaps: it sees further with as many weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Source
from nas_gym.networks.operations.conv import Conv

if TYPE_CHECKING:
    from torch import Tensor


class DilatedConv(Conv):
    """(channels, *sides) -> (channels, *sides): a `Conv` that reads every so many positions.

    The option ``dilation`` is the step between the positions that a kernel reads (Yu and Koltun 2016,
    "Multi-Scale Context Aggregation by Dilated Convolutions"). Of an odd kernel, with padding ``dilation *
    (kernel // 2)``, so that a side has the length that it has after a `Conv`.
    """

    name = "dilated_conv"

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
            padding=reach(node),
            dilation=dilation(node),
            groups=node.groups,
        )

    def source(self, node: Node) -> Source:
        options = [
            str(node.input_shape[0]),
            str(node.shape[0]),
            f"{node.kernel}",
            f"stride={node.stride}",
            f"padding={reach(node)}",
            f"dilation={dilation(node)}",
            f"groups={node.groups}",
            f"bias={node.bias}",
        ]
        return Source("{layer}({0})", f"nn.Conv{len(node.shape) - 1}d({', '.join(options)})")

    def sizes(self, node: Node) -> dict[str, int]:
        return {**super().sizes(node), "dilation": dilation(node)}


def dilation(node: Node) -> int:
    """Return the step between the positions that the kernel of a convolution reads, 1 of a `Conv`."""
    step: int = dict(node.options).get("dilation", 1)
    return step


def reach(node: Node) -> int:
    """Return how far a kernel reaches from its middle, which is the padding at both ends of a side."""
    return dilation(node) * node.padding
