"""Where a sequence has tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class PaddingMask(Operation):
    """(length,) -> (1, length): 1 where the code is above 0, the padding, else 0."""

    name = "padding_mask"
    mergeable = True
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (1, *inputs[0])

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return (inputs[0] > 0).to(inputs[0].dtype).unsqueeze(1)

    def source(self, node: Node) -> Source:
        return Source("({0} > 0).to({0}.dtype).unsqueeze(1)")

    def label(self, node: Node) -> str:
        return "where tokens are"
