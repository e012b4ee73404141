"""The form in which the weight of a convolution is stored while it trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from nas_gym.networks import Conv, Node, Shape

FEW_CHANNELS = 4
"""Below so many channels a product for each tap is too thin, and all taps are gathered."""


@dataclass(frozen=True, slots=True)
class WeightForm:
    """The form in which kernels read a convolution's weight: (ranged, out, gathered, in)."""

    torch_shape: Shape
    ranged: bool

    @property
    def stored_shape(self) -> Shape:
        """(taps that are ranges, output channels, gathered taps * input channels of a group)."""
        out, channels, *kernel = self.torch_shape
        ranged = kernel[0] if self.ranged else 1
        return (ranged, out, math.prod(kernel) // ranged * channels)

    def to_stored(self, weight: Tensor) -> Tensor:
        """From (out, in, *kernel)."""
        out, channels, *kernel = self.torch_shape
        ranged = kernel[0] if self.ranged else 1
        split = weight.reshape(out, channels, ranged, math.prod(kernel) // ranged)
        return split.permute(2, 0, 3, 1).reshape(self.stored_shape)

    def to_torch(self, stored: Tensor) -> Tensor:
        """To (out, in, *kernel)."""
        out, channels, *kernel = self.torch_shape
        ranged = kernel[0] if self.ranged else 1
        split = stored.reshape(ranged, out, math.prod(kernel) // ranged, channels)
        return split.permute(1, 3, 0, 2).reshape(self.torch_shape)


def stored_form(node: Node, name: str) -> WeightForm | None:
    """Return the form of an array of a node; None of one that is stored as PyTorch lays it out."""
    return weight_form(node) if type(node.operation) is Conv and name == "weight" else None


@lru_cache(maxsize=4096)
def weight_form(node: Node) -> WeightForm:
    """The form of a conv node's weight."""
    shape = node.parameter_shapes["weight"]
    ranged = node.stride == 1 and node.kernel > 1 and (shape[1] >= FEW_CHANNELS)
    return WeightForm(shape, ranged and not is_depthwise(node))


def is_depthwise(node: Node) -> bool:
    """Whether every channel is convolved by itself."""
    return node.groups > 1 and node.groups == node.input_shape[0] == node.shape[0]
