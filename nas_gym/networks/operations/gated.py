"""Gating: one half of the channels times a function of the other half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor

GATES = {"glu": "sigmoid", "reglu": "relu", "geglu": "gelu", "swiglu": "silu"}
"""The function of each gate, of `nas_gym.networks.ACTIVATIONS`."""
CALLS = {
    "sigmoid": "{}.sigmoid()",
    "relu": "{}.relu()",
    "gelu": "nn.functional.gelu({})",
    "silu": "nn.functional.silu({})",
}


class Gated(Operation):
    """(2 channels, *sides) -> (channels, *sides): the first half times the node's `function` of the second.

    Behind a linear layer of twice the width it is the gated linear unit of Dauphin et al. 2017 ("Language
    Modeling with Gated Convolutional Networks", equation 1), whose function is the logistic one, and with
    those of `GATES` ReGLU, GEGLU and SwiGLU (Shazeer 2020, "GLU Variants Improve Transformer").
    """

    name = "gated"
    mergeable = True
    keeps_result = False

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        channels, *sides = inputs[0]
        return (channels // 2, *sides)

    def held(self, node: Node) -> int:
        """Count the gate, which the backward pass reads, beside the result."""
        return 2 * super().held(node)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        passed, gate = inputs[0].chunk(2, dim=1)
        opened: Tensor = gate.sigmoid() if node.function == "sigmoid" else getattr(F, node.function)(gate)
        return passed * opened

    def source(self, node: Node) -> Source:
        passed, gate = (f"{{0}}.chunk(2, dim=1)[{half}]" for half in range(2))
        return Source(f"{passed} * {CALLS[node.function].format(gate)}")

    def label(self, node: Node) -> str:
        return next(name for name, function in GATES.items() if function == node.function)
