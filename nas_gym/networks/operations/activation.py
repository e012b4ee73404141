"""Activation functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "silu", "gelu", "leaky_relu", "elu", "relu2")
"""All of one argument; ``relu2`` is the square of relu (So et al. 2021, "Primer")."""
LAYERS = {
    "identity": "Identity",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "silu": "SiLU",
    "gelu": "GELU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
}
"""What `torch.nn` calls their layers."""


class Activation(Operation):
    """A function of every value, the node's `function` of `ACTIVATIONS`."""

    name = "activation"
    in_place = True
    mergeable = True

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch
        from torch.nn import functional as F

        match node.function:
            case "identity":
                return inputs[0]
            case "sigmoid" | "tanh":
                result: Tensor = getattr(torch, node.function)(inputs[0])
            case "relu2":
                result = inputs[0].relu().square()
            case _:
                # The other names are those of `torch.nn.functional`.
                result = getattr(F, node.function)(inputs[0])
        return result

    def source(self, node: Node) -> Source:
        if node.function == "relu2":
            return Source("{0}.relu().square()")
        return Source("{layer}({0})", f"nn.{LAYERS[node.function]}()")

    def is_identity(self, node: Node) -> bool:
        return node.function == "identity"

    def label(self, node: Node) -> str:
        return node.function
