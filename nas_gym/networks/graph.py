"""The one intermediate form of a network: a small graph of operations.

Search spaces produce a `Network`; training, counting, drawing and export read it. Shapes carry no
batch dimension: ``(features,)`` for vectors, ``(channels, length)`` for signals and
``(channels, height, width)`` for images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from nas_gym.networks.operations.base import Node, Shape


@dataclass(frozen=True)
class Network:
    """A network as a graph of operations in topological order.

    Attributes:
        nodes: node 0 is the input, the last node is the output, of as many values as the task asks for.
    """

    nodes: tuple[Node, ...]

    @property
    def input_shape(self) -> Shape:
        """Shape of one example."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one example."""
        return self.nodes[-1].shape

    @cached_property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(node.parameters for node in self.nodes)

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of a forward pass of one example (see `Node.flops`)."""
        return sum(node.flops for node in self.nodes)
