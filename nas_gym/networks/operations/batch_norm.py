"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Buffer, Node, Operation, Shape, filled

if TYPE_CHECKING:
    from torch import Generator, Tensor


class BatchNorm(Operation):
    """Normalisation per channel with scale and shift (Ioffe and Szegedy 2015).

    It starts at scale 1 and shift 0. Training normalises by the batch and keeps running statistics;
    evaluation normalises by these.
    """

    name = "batch_norm"
    in_place = True
    keeps_result = False

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        return {"weight": node.shape[:1], "bias": node.shape[:1]}

    def buffers(self, node: Node) -> dict[str, Buffer]:
        return {"mean": Buffer(node.shape[:1], 0.0), "variance": Buffer(node.shape[:1], 1.0)}

    def initial(self, node: Node, name: str, generator: Generator) -> Tensor:
        return filled(node.shape[:1], 1.0 if name == "weight" else 0.0)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        return F.batch_norm(
            inputs[0],
            arrays["mean"],
            arrays["variance"],
            arrays["weight"],
            arrays["bias"],
            training=training,
        )
