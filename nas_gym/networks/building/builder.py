"""What every builder does: append nodes, and give the network."""

from __future__ import annotations

from operator import index
from typing import Any

from nas_gym._checks import plain
from nas_gym.errors import ConfigError
from nas_gym.networks.graph import Network
from nas_gym.networks.operations.base import Node, Operation, Shape
from nas_gym.networks.operations.input import Input

Layer = str | tuple[str, ...]
"""The part of the architecture that a node belongs to: its name, or that after those of larger parts."""
NODE_FIELDS = ("function", "kernel", "stride", "groups", "bias")


class Builder:
    """Nodes in the order in which they were appended.

    Args:
        input_shape: shape of one example.
    """

    def __init__(self, input_shape: Shape) -> None:
        shape = _whole(input_shape)
        self._nodes = [Node(Input(), (), shape, shape)]

    @property
    def input(self) -> int:
        """Index of the input node."""
        return 0

    def shape(self, node: int) -> Shape:
        """Return the output shape of a node."""
        return self._nodes[node].shape

    def operation(
        self,
        operation: Operation,
        *nodes: int,
        shape: Shape | None = None,
        layer: Layer = "",
        **options: Any,
    ) -> int:
        """Append an operation of one's own.

        Args:
            operation: what is computed.
            nodes: the inputs.
            shape: shape of the output; by default what the operation says of inputs and options.
            layer: the part of the architecture that the node belongs to, as in the class.
            options: what `operation` reads by `Node.option`: numbers, texts and tuples of them. Those
                that every node has (``kernel``, ``stride``, ...) are attributes of the node.

        Raises:
            NASGymError: if the operation is a class, has attributes of its own or no input, or if an
                option may change.
        """
        if not isinstance(operation, Operation) or vars(operation):
            raise ConfigError(
                f"an operation must be an object of a subclass of Operation without attributes, "
                f"not {operation!r}: pass what differs between nodes as options"
            )
        if not nodes:
            raise ConfigError(f"operation {operation!r} needs at least one input: pass a node")
        if shape is None:
            shape = operation.output_shape(*map(self.shape, nodes), **options)
        options = {name: plain(value) for name, value in options.items()}
        named = {name: options.pop(name) for name in NODE_FIELDS if name in options}
        kept = tuple(sorted(options.items()))
        try:
            hash(kept)
        except TypeError:
            raise ConfigError(f"options must be numbers, texts or tuples of them, not {options!r}") from None
        return self._append(operation, nodes, shape, layer=layer, **named, options=kept)

    def build(self, output: int) -> Network:
        """Return the network whose output is `output`, the node appended last."""
        if output != len(self._nodes) - 1:
            raise ValueError(f"the output must be the last node, {len(self._nodes) - 1}, not {output}")
        return Network(tuple(self._nodes))

    def _append(
        self, operation: Operation, nodes: tuple[int, ...], shape: Shape, *, layer: Layer, **fields: Any
    ) -> int:
        names = (layer,) if isinstance(layer, str) else layer
        parts = tuple(name for name in names if name)
        self._nodes.append(Node(operation, nodes, self.shape(nodes[0]), _whole(shape), parts, **fields))
        return len(self._nodes) - 1


def _whole(shape: Shape) -> Shape:
    """Return a shape whose sides are Python's whole numbers, also of a space that computes in NumPy."""
    return tuple(map(index, shape))
