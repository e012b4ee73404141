"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Buffer, Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


MOMENTUM = 0.1
"""Share of the last batch in the running statistics, PyTorch's default."""


class BatchNorm(Operation):
    """Normalisation per channel with scale and shift (Ioffe and Szegedy 2015).

    It starts at scale 1 and shift 0. Training normalises by the batch and keeps running statistics;
    evaluation normalises by these.
    """

    name = "batch_norm"
    in_place = True
    keeps_result = False
    normalises = True

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": node.shape[:1], "bias": node.shape[:1]}

    def buffers(self, node: Node) -> dict[str, Buffer]:
        return {"mean": Buffer(node.shape[:1], 0.0), "variance": Buffer(node.shape[:1], 1.0)}

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        return (1.0, 1.0) if name == "weight" else (0.0, 0.0)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        x = inputs[0]
        if training and x.numel() == x.shape[1]:
            # PyTorch refuses a single value for each channel: its own mean, without a variance.
            arrays["mean"].lerp_(x.detach().flatten(), MOMENTUM)
            arrays["variance"].mul_(1 - MOMENTUM)
            return (x - x) * arrays["weight"].view(x.shape) + arrays["bias"].view(x.shape)
        return F.batch_norm(
            x,
            arrays["mean"],
            arrays["variance"],
            arrays["weight"],
            arrays["bias"],
            training=training,
            momentum=MOMENTUM,
        )

    def source(self, node: Node) -> Source:
        layer = f"nn.BatchNorm{max(1, len(node.shape) - 1)}d({node.shape[0]})"
        return Source("{layer}({0})", layer, (("mean", "running_mean"), ("variance", "running_var")))
