"""Layer normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

LAYER_NORM_EPSILON = 1e-5  # PyTorch's default


class LayerNorm(Operation):
    """(features,) -> (features,): each example normalised over its features, with scale and shift.

    They start at 1 and 0 (Ba, Kiros and Hinton 2016, "Layer Normalization").
    """

    name = "layer_norm"
    keeps_result = False

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": node.shape, "bias": node.shape}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return (1.0, 1.0) if name == "weight" else (0.0, 0.0)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        return F.layer_norm(inputs[0], node.shape, arrays["weight"], arrays["bias"], LAYER_NORM_EPSILON)

    def source(self, node: Node) -> Source:
        return Source("{layer}({0})", f"nn.LayerNorm({node.shape[0]})")
