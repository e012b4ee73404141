"""Pooling over windows of a signal or image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source, strided

if TYPE_CHECKING:
    from torch import Tensor


class MaxPool(Operation):
    """The largest value of every window, of an odd kernel or of kernel 2 with stride 2.

    Each side n becomes ceil(n / stride).
    """

    name = "max_pool"
    mergeable = True

    def output_shape(self, shape: Shape, stride: int) -> Shape:
        return (shape[0], *strided(shape, stride))

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        pool = F.max_pool1d if len(node.shape) == 2 else F.max_pool2d
        return pool(inputs[0], node.kernel, node.stride, node.padding, ceil_mode=overhangs(node))

    def source(self, node: Node) -> Source:
        return _source("MaxPool", node)

    def sizes(self, node: Node) -> dict[str, int]:
        return {"kernel": node.kernel, "stride": node.stride}


class AvgPool(Operation):
    """The mean of every window like those of `MaxPool`.

    A mean counts neither padding nor what its window overhangs.
    """

    name = "avg_pool"
    mergeable = True
    keeps_result = False

    def output_shape(self, shape: Shape, stride: int) -> Shape:
        return (shape[0], *strided(shape, stride))

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        average = F.avg_pool1d if len(node.shape) == 2 else F.avg_pool2d
        return average(
            inputs[0], node.kernel, node.stride, node.padding, overhangs(node), count_include_pad=False
        )

    def source(self, node: Node) -> Source:
        return _source("AvgPool", node, ", count_include_pad=False")

    def sizes(self, node: Node) -> dict[str, int]:
        return {"kernel": node.kernel, "stride": node.stride}


def overhangs(node: Node) -> bool:
    """Return whether the last window may overhang an odd side: that of an even kernel."""
    return node.kernel % 2 == 0


def _source(layer: str, node: Node, options: str = "") -> Source:
    window = f"{node.kernel}, {node.stride}, {node.padding}, ceil_mode={overhangs(node)}{options}"
    return Source("{layer}({0})", f"nn.{layer}{len(node.shape) - 1}d({window})")
