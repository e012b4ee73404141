"""Operations as a user writes them, and a space whose networks hold them."""

from __future__ import annotations

from nas_gym.networks import Buffer, Network, NetworkBuilder, Operation
from nas_gym.search_spaces import ChoiceSpace


class Wave(Operation):
    """sin(frequency * x) for every channel, times an option; it counts its training batches."""

    def parameter_shapes(self, node):
        return {"frequency": node.shape[:1]}

    def buffers(self, node):
        return {"batches": Buffer((1,), 0.0)}

    def initial(self, node, name, generator):
        import torch

        return torch.rand(node.shape[:1], generator=generator, dtype=torch.float32) + 0.5

    def forward(self, node, inputs, arrays, training):
        if training:
            arrays["batches"].add_(1.0)
        frequency = arrays["frequency"].view(-1, *(1,) * (len(node.shape) - 1))
        return (inputs[0] * frequency).sin() * node.option("height")


class Join(Operation):
    """Values of two nodes in one row."""

    def output_shape(self, one, other):
        return (one[0] + other[0],)

    def forward(self, node, inputs, arrays, training):
        import torch

        return torch.cat(list(inputs), 1)


class WaveSpace(ChoiceSpace):
    """A hidden layer and what becomes of it."""

    name = "tests.helpers.own_operation:WaveSpace"
    choices = {"width": (4, 8), "form": ("wave", "relu")}  # noqa: RUF012

    def network(self, architecture) -> Network:
        builder = NetworkBuilder(self.input_shape)
        flat = builder.flatten(builder.input)
        node = builder.linear(flat, architecture["width"], layer="hidden")
        if architecture["form"] == "relu":
            node = builder.activation(node, "relu", layer="hidden")
        else:
            wave = builder.operation(Wave(), node, height=0.5, layer="hidden")
            node = builder.operation(Join(), wave, flat, layer="hidden")
        return builder.build(builder.linear(node, self.outputs))
