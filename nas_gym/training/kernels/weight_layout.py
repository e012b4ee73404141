"""The form in which the weight of a convolution is stored while it trains."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from nas_gym.networks import Conv, DilatedConv, Node, Shape, dilation

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

    def split(self, weights: Tensor) -> Tensor:
        """From (members, out, in, *kernel) to (ranged, members, out, gathered, in), a view of dense ones."""
        out, channels, *kernel = self.torch_shape
        ranged = self.stored_shape[0]
        split = weights.reshape(-1, out, channels, ranged, math.prod(kernel) // ranged)
        return split.permute(3, 0, 1, 4, 2)

    def to_stored(self, weights: Tensor) -> Tensor:
        """From (members, out, in, *kernel) to (ranged, members, out, gathered * in)."""
        return self.split(weights).flatten(3)

    def to_torch(self, stored: Tensor) -> Tensor:
        """From (ranged, members, out, gathered * in) to (members, out, in, *kernel)."""
        out, channels, *kernel = self.torch_shape
        ranged = self.stored_shape[0]
        split = stored.reshape(ranged, -1, out, math.prod(kernel) // ranged, channels)
        return split.permute(1, 2, 4, 0, 3).reshape(-1, *self.torch_shape)


def stored_form(node: Node, name: str) -> WeightForm | None:
    """Return the form of an array of a node; None of one that is stored as PyTorch lays it out."""
    return weight_form(node) if type(node.operation) in (Conv, DilatedConv) and name == "weight" else None


def in_stored_form(form: WeightForm | None, arrays: Tensor) -> Tensor:
    """From (members, ...), each as PyTorch lays it out, to (blocks, members, ...), as it is stored."""
    return form.to_stored(arrays) if form else arrays.unsqueeze(0)


def in_torch_form(form: WeightForm | None, stored: Tensor) -> Tensor:
    """The inverse of `in_stored_form`."""
    return form.to_torch(stored) if form else stored[0]


@lru_cache(maxsize=4096)
def weight_form(node: Node) -> WeightForm:
    """The form of a conv node's weight."""
    shape = node.parameter_shapes["weight"]
    ranged = node.stride == 1 and node.kernel > 1 and (shape[1] >= FEW_CHANNELS)
    return WeightForm(shape, ranged and not is_depthwise(node))


def is_depthwise(node: Node) -> bool:
    """Whether every channel is convolved by itself, by a kernel without gaps."""
    return dilation(node) == 1 and node.groups > 1 and node.groups == node.input_shape[0] == node.shape[0]
