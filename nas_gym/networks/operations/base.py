"""Operations of a network, and its nodes, each of which applies one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from torch import Generator, Tensor

Shape = tuple[int, ...]


class Buffer(NamedTuple):
    """An array that training fills by other means than gradients: its shape and its first value."""

    shape: Shape
    value: float


@dataclass(frozen=True)
class Source:
    """PyTorch code that computes an operation, for networks that are exported as code.

    Attributes:
        call: the expression, in which ``{layer}`` is the layer and ``{0}``, ``{1}`` and so on are the inputs.
        layer: what makes the layer, in terms of ``nn`` (`torch.nn`); "" where the call needs none.
        names: the names that the layer has for arrays of the operation, where they differ.
    """

    call: str
    layer: str = ""
    names: tuple[tuple[str, str], ...] = ()


class Operation:
    """All that is known of an operation.

    A subclass defines `forward`; everything else has a default. Two operations are equal if they are
    of one class: what differs between two nodes are options of the nodes, never attributes of the
    operation.

    This is enough to train a network that holds an operation of one's own. It is trained by autograd,
    by itself; operations of nas-gym have fused kernels, which train many networks at once.

    >>> class Sine(Operation):
    ...     def forward(self, node, inputs, arrays, training):
    ...         return inputs[0].sin()

    Attributes:
        name: the name in reports and stored results; of an operation of one's own ``"module:Name"``.
        in_place: whether it runs right after the operation that it reads, over its memory, where
            nothing else needs that.
        keeps_result: whether its backward pass reads its result, so that nobody may overwrite this.
        shares_rows: whether it only reads its inputs, so that members with one input need no copies.
        mergeable: whether nodes of equal options and inputs have equal results, so that one is enough.
        sums: whether its result is the sum of its inputs.
        gives_zeros: whether its result is zero, whatever its inputs are.
        normalises: whether it normalises by statistics of the batch that it is in. Where networks share
            weights it always does, and its own arrays stay at their first values.
        noisy: whether a forward pass of training finds ``arrays["noise"]``, numbers drawn uniformly from
            [0, 1], one for each of its result. They follow from the training seed, the number of the node
            and the step alone, so that a member is trained alike whatever is trained beside it.
    """

    name: ClassVar[str] = ""
    in_place: ClassVar[bool] = False
    keeps_result: ClassVar[bool] = True
    shares_rows: ClassVar[bool] = False
    mergeable: ClassVar[bool] = False
    sums: ClassVar[bool] = False
    gives_zeros: ClassVar[bool] = False
    normalises: ClassVar[bool] = False
    noisy: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A name is never inherited: results are stored by it, and a subclass computes something else.
        if "name" not in vars(cls):
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        """Return the shape of the result, by default that of the first input.

        Args:
            inputs: the shape of every input.
            options: the options of the node.
        """
        shape: Shape = inputs[0]
        return shape

    def parameter_shapes(self, node: Node) -> dict[str, Shape]:
        """Return the shapes of the trainable arrays by name, as PyTorch lays them out."""
        return {}

    def buffers(self, node: Node) -> dict[str, Buffer]:
        """Return the arrays that are saved with the parameters but are not trained by gradients."""
        return {}

    def flops(self, node: Node) -> int:
        """Return the floating-point operations of a forward pass of one example.

        A multiply-add of a matrix product or convolution counts as two; everything else as none, the
        convention of `torch.utils.flop_counter`.
        """
        return 0

    def held(self, node: Node) -> int:
        """Return how many numbers training holds of one example: the result, and what else is kept.

        It is an estimate, by which memory is planned.
        """
        return math.prod(node.shape)

    def initial(self, node: Node, name: str, generator: Generator) -> Tensor:
        """Return the first value of a trainable array, float32 on the CPU.

        Name the type (``dtype=torch.float32``): a process may have set another default. Draw from
        `generator` alone.

        By default it is drawn uniformly within `initial_range`, one number of the generator for each
        number of the array.
        """
        low, high = self.initial_range(node, name)
        array = filled(node.parameter_shapes[name], low)
        return array if low == high else array.uniform_(low, high, generator=generator)

    def initial_range(self, node: Node, name: str) -> tuple[float, float]:
        """Return the range of the first values of a trainable array; equal ends are a constant.

        By default it is ±1/sqrt(fan_in), PyTorch's default for linear and convolutional layers (He et
        al. 2015 with a = sqrt(5)); fan_in is that of the first array of the node.
        """
        shapes = node.parameter_shapes
        bound = 1 / math.sqrt(math.prod(next(iter(shapes.values()))[1:]))
        return -bound, bound

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        """Compute a batch with PyTorch, differentiably; import torch inside the method.

        The result must follow from the arguments alone, without random numbers but those given (`noisy`).

        Args:
            node: the node, with its shapes and options.
            inputs: float32, (batch, *shape) each; not to be overwritten.
            arrays: trainable arrays and buffers by name; buffers may be overwritten while training.
            training: whether the batch is one of training.

        Returns:
            (batch, *node.shape).
        """
        raise NotImplementedError

    def source(self, node: Node) -> Source:
        """Return PyTorch code that computes what `forward` does in evaluation, in terms of torch alone.

        Raises:
            NASGymError: if the operation states none.
        """
        raise ConfigError(
            f"operation {self.name} states no code, so that a network with it cannot be exported as code: "
            "define its source, or export to onnx or torch"
        )

    def is_identity(self, node: Node) -> bool:
        """Return whether the result has the values of the first input, in their order."""
        return False

    def label(self, node: Node) -> str:
        """Return the short name of a node in drawings."""
        return self.name.rpartition(":")[2]

    def sizes(self, node: Node) -> dict[str, int]:
        """Return what drawings state of a node beside its shape, by name."""
        return {}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return repr(self.name)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a network.

    Attributes:
        operation: what is computed.
        inputs: indices of earlier nodes; empty for the input of the network alone.
        input_shape: shape of the first input.
        shape: shape of the output.
        parts: name of the part of the architecture that the node belongs to, after the names of the larger
            parts that it lies in (``("stage 1 cell 2", "edge 0-1")``); () for none.
        function: function of an activation, one of `ACTIVATIONS`.
        kernel, stride: kernel and stride of a convolution or pool, the same on every side.
        groups: number of groups of a convolution, as in `torch.nn.Conv2d`.
        bias: whether a linear operation or convolution adds a bias.
        options: other options by name, of an operation of one's own.
    """

    operation: Operation
    inputs: tuple[int, ...]
    input_shape: Shape
    shape: Shape
    parts: tuple[str, ...] = ()
    function: str = ""
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False
    options: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        # Stored results are found by this text, so the parts stand in it as the one text that they once were,
        # and options only where there are some.
        shown = {field.name: getattr(self, field.name) for field in fields(self)}
        if not self.options:
            del shown["options"]
        texts = [
            f"layer={self.layer!r}" if name == "parts" else f"{name}={value!r}"
            for name, value in shown.items()
        ]
        return f"Node({', '.join(texts)})"

    @property
    def layer(self) -> str:
        """The part of the architecture that the node belongs to, for reports; "" for none."""
        return " ".join(self.parts)

    def option(self, name: str) -> Any:
        """Return one of `options`."""
        return dict(self.options)[name]

    @property
    def padding(self) -> int:
        """Padding of convolutions and pools, at both ends of every side."""
        return (self.kernel - 1) // 2

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes of the trainable arrays by name, as PyTorch lays them out."""
        return self.operation.parameter_shapes(self)

    @property
    def parameters(self) -> int:
        """The number of trainable numbers."""
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    @property
    def flops(self) -> int:
        """Floating-point operations of a forward pass of one example (see `Operation.flops`)."""
        return self.operation.flops(self)


def filled(shape: Shape, value: float) -> Tensor:
    """Return a float32 array on the CPU, whatever defaults the process has set in torch."""
    import torch

    return torch.full(shape, value, dtype=torch.float32, device="cpu")


def strided(shape: Shape, stride: int) -> Shape:
    """Return the sides of a shape after a window that moves by `stride`: each n -> ceil(n / stride)."""
    return tuple(-(-side // stride) for side in shape[1:])
