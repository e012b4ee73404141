"""A `Network` as an ordinary PyTorch module: what is saved, exported, tested and drawn as a graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas_gym.networks.graph import Network, Node, Shape

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": F.gelu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
}


class NetworkModule(nn.Module):
    """Interprets a `Network` node by node.

    Parameters are named ``"{node}_weight"`` and ``"{node}_bias"``, batch-norm statistics
    ``"{node}_mean"`` and ``"{node}_variance"``.

    Args:
        network: the network; input (batch, *input_shape) float32, output (batch, classes) logits.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        for number, node in enumerate(network.nodes):
            for name, shape in node.parameter_shapes.items():
                self.register_parameter(f"{number}_{name}", nn.Parameter(_zeros(shape)))
            if node.operation == "batch_norm":
                self.register_buffer(f"{number}_mean", _zeros(node.shape[:1]))
                self.register_buffer(f"{number}_variance", _zeros(node.shape[:1]).fill_(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch."""
        values = [x]
        for number, node in enumerate(self.network.nodes[1:], start=1):
            values.append(self._compute(number, node, [values[index] for index in node.inputs]))
        return values[-1]

    def _compute(self, number: int, node: Node, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        match node.operation:
            case "flatten":
                return x.flatten(1)
            case "linear":
                return F.linear(x, self._array(number, "weight"), self._bias(number, node))
            case "conv":
                return self._conv(number, node, x)
            case "batch_norm":
                return F.batch_norm(
                    x,
                    self._array(number, "mean"),
                    self._array(number, "variance"),
                    self._array(number, "weight"),
                    self._array(number, "bias"),
                    training=self.training,
                )
            case "activation":
                return FUNCTIONS[node.function](x)
            case "max_pool" | "avg_pool":
                return _pool(node, x)
            case "global_avg_pool":
                return x.flatten(2).mean(2)
            case "add":
                total = inputs[0]
                for other in inputs[1:]:
                    total = total + other
                return total
            case "zero":
                return x.new_zeros((x.shape[0], *node.shape))
            case _:
                raise ValueError(f"unknown operation {node.operation!r}")

    def _conv(self, number: int, node: Node, x: Tensor) -> Tensor:
        conv: Callable[..., Tensor] = F.conv1d if len(node.shape) == 2 else F.conv2d
        return conv(
            x,
            self._array(number, "weight"),
            self._bias(number, node),
            stride=node.stride,
            padding=node.padding,
            groups=node.groups,
        )

    def _bias(self, number: int, node: Node) -> Tensor | None:
        return self._array(number, "bias") if node.bias else None

    def _array(self, number: int, name: str) -> Tensor:
        array = getattr(self, f"{number}_{name}")
        assert isinstance(array, Tensor)
        return array


def _pool(node: Node, x: Tensor) -> Tensor:
    signal = len(node.shape) == 2
    if node.operation == "max_pool":
        pool = F.max_pool1d if signal else F.max_pool2d
        return pool(x, node.kernel, node.stride, node.padding, ceil_mode=node.ceil_mode)
    average = F.avg_pool1d if signal else F.avg_pool2d
    return average(x, node.kernel, node.stride, node.padding, node.ceil_mode, count_include_pad=False)


def _zeros(shape: Shape) -> Tensor:
    # Not by the defaults, which whoever calls may have set to others.
    return torch.zeros(shape, dtype=torch.float32, device="cpu")


def initial_weights(network: Network, seed: int) -> Iterator[tuple[str, Tensor]]:
    """The initial parameters of a network by name, float32 on the CPU, from a seed alone.

    Weights and biases of linear and conv nodes are uniform in ±1/sqrt(fan_in), PyTorch's default
    (He et al. 2015 with a = sqrt(5)), drawn node by node; batch norm starts at scale 1, shift 0.
    """
    generator = torch.Generator().manual_seed(seed)
    for number, node in enumerate(network.nodes):
        for name, shape in node.parameter_shapes.items():
            if node.operation == "batch_norm":
                array = _zeros(shape).fill_(1.0 if name == "weight" else 0.0)
            else:
                bound = 1 / math.sqrt(math.prod(node.parameter_shapes["weight"][1:]))
                array = _zeros(shape).uniform_(-bound, bound, generator=generator)
            yield f"{number}_{name}", array
