"""A `Network` as an ordinary PyTorch module: what is saved, exported, tested and drawn as a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from nas_gym.errors import ConfigError
from nas_gym.networks.graph import Network
from nas_gym.networks.operations.base import Node, filled


class NetworkModule(nn.Module):
    """Interprets a `Network` node by node.

    Parameters and buffers are named ``"{node}_{name}"`` after the arrays of the operation:
    ``"3_weight"`` and ``"3_bias"``, of a batch norm also ``"3_mean"`` and ``"3_variance"``.

    Args:
        network: the network; input (batch, *input_shape) float32, output (batch, outputs).

    Attributes:
        noise: draws the noise of a node (see `Operation.noisy`) by its number, for a result of a shape
            (batch, *shape); by default by torch's own generator.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.noise: Callable[[int, Sequence[int]], Tensor] | None = None
        for number, node in enumerate(network.nodes):
            for name, shape in node.parameter_shapes.items():
                self.register_parameter(f"{number}_{name}", nn.Parameter(filled(shape, 0.0)))
            for name, buffer in node.operation.buffers(node).items():
                self.register_buffer(f"{number}_{name}", filled(*buffer))

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        values = [x]
        for number, node in enumerate(self.network.nodes[1:], start=1):
            values.append(self.compute(number, node, [values[index] for index in node.inputs]))
        return values[-1]

    def compute(self, number: int, node: Node, inputs: Sequence[Tensor]) -> Tensor:
        """Return the result of one node for a batch of its inputs."""
        names = (*node.parameter_shapes, *node.operation.buffers(node))
        arrays = {name: getattr(self, f"{number}_{name}") for name in names}
        if self.training and node.operation.noisy:
            shape = (len(inputs[0]), *node.shape)
            given = inputs[0].new_empty(shape).uniform_() if self.noise is None else self.noise(number, shape)
            arrays["noise"] = given
        return node.operation.forward(node, inputs, arrays, self.training)


def initial_weights(network: Network, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the initial parameters of a network by name, float32 on the CPU, from a seed alone.

    They are drawn node by node, as each operation says (see `Operation.initial`).

    Raises:
        NASGymError: if an operation gives another shape or type than it should.
    """
    generator = torch.Generator(device="cpu").manual_seed(seed)
    for number, node in enumerate(network.nodes):
        for name, shape in node.parameter_shapes.items():
            array = node.operation.initial(node, name, generator)
            if array.shape != shape or array.dtype != torch.float32:
                raise ConfigError(
                    f"operation {node.operation!r} gives {name!r} first values of {array.dtype} and shape "
                    f"{tuple(array.shape)}, expected torch.float32 and {shape}: mend its initial"
                )
            yield f"{number}_{name}", array
