"""Squeeze and excitation: channels weighted by what the whole example holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class SqueezeExcitation(Operation):
    """(channels, *sides) -> (channels, *sides): each channel times a number between 0 and 1.

    The mean of every channel goes through a linear layer to `squeezed` numbers, relu, a linear layer back
    to a number a channel, and the logistic function; those numbers weight the channels (Hu, Shen and Sun
    2018, "Squeeze-and-Excitation Networks", equations 2 to 4).
    """

    name = "squeeze_excitation"
    keeps_result = False

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        channels, squeezed = node.shape[0], int(node.option("squeezed"))
        return {
            "squeeze": (squeezed, channels),
            "squeeze_bias": (squeezed,),
            "excite": (channels, squeezed),
            "excite_bias": (channels,),
        }

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        fan_in = node.shape[0] if name.startswith("squeeze") else int(node.option("squeezed"))
        bound = 1 / math.sqrt(fan_in)
        return -bound, bound

    def flops(self, node: Node) -> int:
        return 4 * node.shape[0] * int(node.option("squeezed"))

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        from torch.nn import functional as F

        means = inputs[0].flatten(2).mean(2)
        hidden = F.linear(means, arrays["squeeze"], arrays["squeeze_bias"]).relu()
        weights = F.linear(hidden, arrays["excite"], arrays["excite_bias"]).sigmoid()
        return inputs[0] * weights.view(*weights.shape, *(1,) * (len(node.shape) - 1))

    def source(self, node: Node) -> Source:
        channels, squeezed = node.shape[0], int(node.option("squeezed"))
        sides = ", None" * (len(node.shape) - 1)
        return Source(
            f"{{0}} * {{layer}}({{0}}.flatten(2).mean(2))[...{sides}]",
            f"nn.Sequential(nn.Linear({channels}, {squeezed}), nn.ReLU(), "
            f"nn.Linear({squeezed}, {channels}), nn.Sigmoid())",
            (
                ("squeeze", "0.weight"),
                ("squeeze_bias", "0.bias"),
                ("excite", "2.weight"),
                ("excite_bias", "2.bias"),
            ),
        )

    def label(self, node: Node) -> str:
        return "squeeze-excitation"
