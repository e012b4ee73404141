"""Normalisation over the channels at each position: layer and root-mean-square norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

CHANNEL_NORM_EPSILON = 1e-5


class ChannelLayerNorm(Operation):
    """(channels, *sides) -> the same: at each position normalised over the channels, with scale and shift.

    What transformers call layer normalisation (Ba, Kiros and Hinton 2016); scale and shift start at 1 and 0.
    """

    name = "channel_layer_norm"
    keeps_result = False

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": node.shape[:1], "bias": node.shape[:1]}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return (1.0, 1.0) if name == "weight" else (0.0, 0.0)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        turned = F.layer_norm(
            inputs[0].movedim(1, -1), node.shape[:1], arrays["weight"], arrays["bias"], CHANNEL_NORM_EPSILON
        )
        return turned.movedim(-1, 1)

    def source(self, node: Node) -> Source:
        return Source("{layer}({0}.movedim(1, -1)).movedim(-1, 1)", f"nn.LayerNorm({node.shape[0]})")

    def label(self, node: Node) -> str:
        return "layer norm"


class RMSNorm(Operation):
    """(channels, *sides) -> the same: at each position divided by the root of the mean square, with a scale.

    Zhang and Sennrich 2019, "Root Mean Square Layer Normalization". The scale starts at 1.
    """

    name = "rms_norm"
    keeps_result = False

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": node.shape[:1]}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return 1.0, 1.0

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        x = inputs[0].movedim(1, -1)
        scaled = x * (x.square().mean(-1, keepdim=True) + CHANNEL_NORM_EPSILON).rsqrt() * arrays["weight"]
        return scaled.movedim(-1, 1)

    def source(self, node: Node) -> Source:
        layer = f"nn.RMSNorm({node.shape[0]}, eps={CHANNEL_NORM_EPSILON})"
        return Source("{layer}({0}.movedim(1, -1)).movedim(-1, 1)", layer)

    def label(self, node: Node) -> str:
        return "RMS norm"
