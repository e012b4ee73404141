"""Zeros of a stated shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class Zero(Operation):
    """Zeros for every example of its input, which only gives the batch size."""

    name = "zero"
    mergeable = True
    gives_zeros = True

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        return inputs[0].new_zeros((inputs[0].shape[0], *node.shape))

    def source(self, node: Node) -> Source:
        return Source(f"{{0}}.new_zeros(({{0}}.shape[0], {', '.join(map(str, node.shape))}))")
