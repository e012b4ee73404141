"""The one intermediate form of a network: a small graph of operations.

Search spaces produce a `Network`; training, counting, drawing and export read it. Shapes carry no
batch dimension: ``(features,)`` for vectors, ``(channels, length)`` for signals and
``(channels, height, width)`` for images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index

Shape = tuple[int, ...]

OPERATIONS = (
    "input",
    "flatten",  # any shape -> (features,)
    "linear",  # (features,) -> (features,)
    "conv",  # odd kernel, "same" padding kernel // 2: each side n -> ceil(n / stride)
    "batch_norm",  # per channel, with scale and shift
    "activation",
    "max_pool",  # odd kernel, or kernel 2 with stride 2: each side n -> ceil(n / stride)
    "avg_pool",  # like max_pool; a window's mean counts neither padding nor what it overhangs
    "global_avg_pool",  # (channels, ...) -> (channels,)
    "add",  # the sum of inputs of one shape
    "zero",  # zeros, of a stated shape; its input only gives the batch size
)
ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "silu", "gelu", "leaky_relu", "elu")


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a network.

    Attributes:
        operation: one of `OPERATIONS`.
        inputs: indices of earlier nodes; empty for the input alone, several for ``add`` alone.
        input_shape: shape of the first input.
        shape: shape of the output.
        layer: the part of the architecture that the node belongs to, for reports ("" = none).
        function: of an activation, one of `ACTIVATIONS`.
        kernel, stride: of ``conv`` and the pools, the same on every side.
        groups: of ``conv``, as in `torch.nn.Conv2d`.
        bias: whether ``linear`` or ``conv`` adds a bias.
    """

    operation: str
    inputs: tuple[int, ...]
    input_shape: Shape
    shape: Shape
    layer: str = ""
    function: str = ""
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False

    @property
    def padding(self) -> int:
        """Padding of ``conv`` and the pools, at both ends of every side."""
        return (self.kernel - 1) // 2

    @property
    def ceil_mode(self) -> bool:
        """Whether the last window of a pool may overhang an odd side: of an even kernel."""
        return self.kernel % 2 == 0

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes of the trainable arrays by name, as PyTorch lays them out."""
        shapes: dict[str, Shape]
        match self.operation:
            case "linear":
                shapes = {"weight": (self.shape[0], self.input_shape[0])}
            case "conv":
                sides = len(self.shape) - 1
                weight = (self.shape[0], self.input_shape[0] // self.groups, *(self.kernel,) * sides)
                shapes = {"weight": weight}
            case "batch_norm":
                return {"weight": (self.shape[0],), "bias": (self.shape[0],)}
            case _:
                return {}
        return shapes | {"bias": (self.shape[0],)} if self.bias else shapes

    @property
    def parameters(self) -> int:
        """Number of trainable numbers."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    @property
    def flops(self) -> int:
        """Floating-point operations of a forward pass of one example.

        A multiply-add of ``linear`` and ``conv`` counts as two; everything else as none, the
        convention of `torch.utils.flop_counter`.
        """
        if self.operation not in ("linear", "conv"):
            return 0
        return 2 * math.prod(self.parameter_shapes["weight"]) * math.prod(self.shape[1:])


@dataclass(frozen=True)
class Network:
    """A network as a graph of operations in topological order.

    Attributes:
        nodes: node 0 is the input, the last node is the output (logits, one per class).
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

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(node.parameters for node in self.nodes)

    @property
    def flops(self) -> int:
        """Floating-point operations of a forward pass of one example (see `Node.flops`)."""
        return sum(node.flops for node in self.nodes)


class NetworkBuilder:
    """Builds a `Network` operation by operation; every method returns the index of its node.

    >>> builder = NetworkBuilder((40,))
    >>> hidden = builder.activation(builder.linear(builder.input, 16, layer="1"), "relu", layer="1")
    >>> builder.build(builder.linear(hidden, 10)).parameters
    826
    """

    def __init__(self, input_shape: Shape) -> None:
        shape = _whole(input_shape)
        self._nodes = [Node("input", (), shape, shape)]

    @property
    def input(self) -> int:
        """Index of the input node."""
        return 0

    def shape(self, node: int) -> Shape:
        """Output shape of a node."""
        return self._nodes[node].shape

    def flatten(self, node: int, *, layer: str = "") -> int:
        """Lay all values of `node` in one row; a vector is returned as it is."""
        if len(self.shape(node)) == 1:
            return node
        return self._append("flatten", node, (math.prod(self.shape(node)),), layer=layer)

    def linear(self, node: int, features: int, *, bias: bool = True, layer: str = "") -> int:
        """A fully connected layer."""
        return self._append("linear", node, (features,), bias=bias, layer=layer)

    def conv(
        self,
        node: int,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        layer: str = "",
    ) -> int:
        """A convolution over every side of its input, with padding ``kernel // 2``."""
        shape = (channels, *self._strided(node, stride))
        return self._append(
            "conv", node, shape, kernel=kernel, stride=stride, groups=groups, bias=bias, layer=layer
        )

    def batch_norm(self, node: int, *, layer: str = "") -> int:
        """Batch normalisation per channel."""
        return self._append("batch_norm", node, self.shape(node), layer=layer)

    def activation(self, node: int, function: str, *, layer: str = "") -> int:
        """An activation function of `ACTIVATIONS`."""
        return self._append("activation", node, self.shape(node), function=function, layer=layer)

    def pool(self, node: int, kind: str, kernel: int = 3, *, stride: int, layer: str = "") -> int:
        """Pooling of kind ``"max"`` or ``"avg"``, of an odd kernel or of kernel 2 with stride 2."""
        shape = (self.shape(node)[0], *self._strided(node, stride))
        return self._append(f"{kind}_pool", node, shape, kernel=kernel, stride=stride, layer=layer)

    def global_avg_pool(self, node: int, *, layer: str = "") -> int:
        """The mean of every channel."""
        return self._append("global_avg_pool", node, self.shape(node)[:1], layer=layer)

    def add(self, *nodes: int, layer: str = "") -> int:
        """The sum of nodes of one shape; of a single node, the node itself."""
        if len(nodes) == 1:
            return nodes[0]
        shape = self.shape(nodes[0])
        self._nodes.append(Node("add", nodes, shape, shape, layer=layer))
        return len(self._nodes) - 1

    def zero(self, node: int, shape: Shape, *, layer: str = "") -> int:
        """Zeros of a shape, one for every example of `node`."""
        return self._append("zero", node, shape, layer=layer)

    def build(self, output: int) -> Network:
        """The network whose output is `output`, the node appended last."""
        if output != len(self._nodes) - 1:
            raise ValueError(f"the output must be the last node, {len(self._nodes) - 1}, not {output}")
        return Network(tuple(self._nodes))

    def _strided(self, node: int, stride: int) -> Shape:
        return tuple(-(-side // stride) for side in self.shape(node)[1:])

    def _append(
        self,
        operation: str,
        node: int,
        shape: Shape,
        *,
        layer: str,
        function: str = "",
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> int:
        self._nodes.append(
            Node(
                operation,
                (node,),
                self.shape(node),
                _whole(shape),
                layer=layer,
                function=function,
                kernel=index(kernel),
                stride=index(stride),
                groups=index(groups),
                bias=bias,
            )
        )
        return len(self._nodes) - 1


def _whole(shape: Shape) -> Shape:
    """A shape whose sides are Python's whole numbers, also of a space that computes in NumPy."""
    return tuple(map(index, shape))
