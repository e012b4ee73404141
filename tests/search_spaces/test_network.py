"""The network of an architecture against PyTorch: shapes, counts, and functions written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from nas_gym.networks import Network, NetworkBuilder, NetworkModule
from nas_gym.search_spaces import SearchSpace
from nas_gym.search_spaces.cell.architecture import EDGES
from nas_gym.search_spaces.cell.space import CellSpace
from nas_gym.search_spaces.conv.space import ConvSpace


def module_of(space: SearchSpace[Any], architecture: Any) -> NetworkModule:
    """The module in evaluation mode, its parameters and statistics drawn at random."""
    module = NetworkModule(space.network(architecture)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            array.uniform_(0.5 if name.endswith("variance") else -0.5, 1.0, generator=generator)
    return module


def batch_of(space: SearchSpace[Any], size: int) -> Tensor:
    return torch.randn(size, *space.input_shape, generator=torch.Generator().manual_seed(1))


def arrays(module: NetworkModule) -> dict[str, list[dict[str, Tensor]]]:
    """For each operation with parameters its arrays by name, node after node."""
    found: dict[str, list[dict[str, Tensor]]] = {"linear": [], "conv": [], "batch_norm": []}
    state = module.state_dict()
    for number, node in enumerate(module.network.nodes):
        if node.operation.name in found:
            names = [name for name in state if name.startswith(f"{number}_")]
            found[node.operation.name].append({name.partition("_")[2]: state[name] for name in names})
    return found


def test_forward_shape_parameters_and_flops_are_those_of_the_network(space: SearchSpace[Any]) -> None:
    rng = np.random.default_rng(0)
    for architecture in (space.smallest(), *(space.sample(rng) for _ in range(4)), *space.members().values()):
        network, module = space.network(architecture), module_of(space, architecture)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            output = module(batch_of(space, 2))
        assert output.shape == (2, space.outputs)
        assert network.output_shape == (space.outputs,)
        assert network.input_shape == space.input_shape
        assert sum(parameter.numel() for parameter in module.parameters()) == network.parameters
        if not any(node.operation.name == "lstm" for node in network.nodes):  # which torch does not count
            assert counter.get_total_flops() == 2 * network.flops


def test_every_node_has_the_shape_that_the_network_says(space: SearchSpace[Any]) -> None:
    nodes = space.network(space.sample(np.random.default_rng(1))).nodes
    x = batch_of(space, 1)
    for number, node in enumerate(nodes[1:], start=1):
        assert all(index < number for index in node.inputs)
        assert node.input_shape == nodes[node.inputs[0]].shape
        with torch.no_grad():
            output = NetworkModule(Network(nodes[: number + 1])).eval()(x)
        assert output.shape[1:] == node.shape


@pytest.mark.parametrize("sides", [(1,), (2,), (7,), (8,), (5, 8), (1, 2)])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_a_pool_of_kernel_2_rounds_up_and_counts_what_there_is(kind: str, sides: tuple[int, ...]) -> None:
    builder = NetworkBuilder((3, *sides))
    network = builder.build(builder.pool(builder.input, kind, 2, stride=2))
    x = torch.randn(4, 3, *sides, generator=torch.Generator().manual_seed(0))
    output = NetworkModule(network)(x)
    assert output.shape[1:] == network.output_shape == (3, *(-(-side // 2) for side in sides))
    windows = [slice(2 * (side - 1), 2 * side) for side in output.shape[2:]]
    last = x[(slice(None), slice(None), *windows)].flatten(2)
    expected = last.mean(2) if kind == "avg" else last.amax(2)
    torch.testing.assert_close(output.flatten(2)[..., -1], expected)


def test_a_chain_with_skips_computes_what_its_text_says() -> None:
    space = ConvSpace((2, 9, 5), 3)
    text = "conv3-16-relu > sep3-16-tanh > conv5-16-relu > max_pool > avg_pool > conv3-32-relu"
    module = module_of(space, space.parse(f"{text} + skip 1-3 + skip 0-4 + skip 3-5 + skip 2-6"))
    x, parts = batch_of(space, 4), arrays(module)
    convolutions, norms = iter(parts["conv"]), iter(parts["batch_norm"])

    def conv(value: Tensor, **options: Any) -> Tensor:
        weight = next(convolutions)["weight"]
        return F.conv2d(value, weight, padding=weight.shape[-1] // 2, **options)

    def norm(value: Tensor) -> Tensor:
        own = next(norms)
        return F.batch_norm(value, own["mean"], own["variance"], own["weight"], own["bias"])

    one = F.relu(norm(conv(x)))
    two = torch.tanh(norm(conv(conv(one, groups=16))))
    three = F.relu(norm(conv(two))) + one
    four = F.max_pool2d(three, 3, 2, 1) + norm(conv(x, stride=2))
    five = F.avg_pool2d(four, 3, 2, 1, count_include_pad=False) + norm(conv(three, stride=4))
    six = F.relu(norm(conv(five))) + norm(conv(two, stride=4))
    head = parts["linear"][0]
    torch.testing.assert_close(module(x), F.linear(six.mean((2, 3)), head["weight"], head["bias"]))
    assert next(convolutions, None) is None
    assert next(norms, None) is None


class ReferenceNetwork(nn.Module):
    """NAS-Bench-201's network, written from the paper's description with PyTorch's own layers."""

    def __init__(self, edges: tuple[str, ...], channels: tuple[int, ...], cells: int, inputs: int) -> None:
        super().__init__()
        self.edges, width = edges, channels[0]
        self.stem = nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.body = nn.ModuleList()
        for stage in channels:
            if self.body:
                main = [*relu_conv_norm(width, stage, 3, 2), *relu_conv_norm(stage, stage, 3)]
                shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(width, stage, 1, bias=False))
                self.body.append(nn.ModuleList([nn.Sequential(*main), shortcut]))
            for _ in range(cells):
                self.body.append(nn.ModuleList([layer_of(operation, stage) for operation in edges]))
            width = stage
        self.head = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for part in self.body:
            x = self._cell(part, x) if len(part) == 6 else part[0](x) + part[1](x)
        return self.head(x)

    def _cell(self, layers: nn.ModuleList, x: Tensor) -> Tensor:
        nodes = [x]
        for node in range(1, 4):
            edges = zip(EDGES, self.edges, layers, strict=True)
            terms = [
                layer(nodes[source]) for (source, to), name, layer in edges if to == node and name != "none"
            ]
            nodes.append(sum(terms, torch.zeros_like(x)))
        return nodes[3]


def relu_conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [nn.ReLU(), convolution, nn.BatchNorm2d(outputs)]


def layer_of(operation: str, channels: int) -> nn.Module:
    if operation.startswith("nor_conv"):
        return nn.Sequential(*relu_conv_norm(channels, channels, int(operation[-1])))
    if operation == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return nn.Identity()


@pytest.mark.parametrize("index", [0, 7812, 15624, 4321, 9876, 12345])
def test_a_cell_computes_what_the_benchmarks_network_does(index: int) -> None:
    space = CellSpace((3, 8, 12), 10, channels=[4, 6, 8], cells=2)
    cell = space.architecture(index)
    module = module_of(space, cell)
    reference = ReferenceNetwork(cell.edges, space.channels, space.cells, 3).eval()
    copy_parts(arrays(module), reference)
    x = batch_of(space, 3)
    torch.testing.assert_close(module(x), reference(x))


def copy_parts(parts: dict[str, list[dict[str, Tensor]]], reference: nn.Module) -> None:
    """Give each layer of the reference the arrays of the next node of its kind."""
    kinds = {"conv": nn.Conv2d, "batch_norm": nn.BatchNorm2d, "linear": nn.Linear}
    names = {"mean": "running_mean", "variance": "running_var"}
    for operation, kind in kinds.items():
        layers = [layer for layer in reference.modules() if isinstance(layer, kind)]
        for layer, own in zip(layers, parts[operation], strict=True):
            renamed = {names.get(name, name): array for name, array in own.items()}
            layer.load_state_dict(renamed, strict=operation != "batch_norm")


@pytest.mark.parametrize("input_shape", [(1, 40), (2, 8, 8)])
def test_a_disconnected_cell_is_a_constant_predictor_that_trains(input_shape: tuple[int, ...]) -> None:
    space = CellSpace(input_shape, 3)
    module = module_of(space, space.smallest())
    x = batch_of(space, 16)
    assert torch.equal(module(x), module(x)[:1].expand(16, -1))
    module.train()
    labels = torch.tensor([2] * 12 + [0] * 4)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.cross_entropy(module(x), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    frequencies = torch.tensor([0.25, 0.0, 0.75])
    torch.testing.assert_close(module(x).softmax(1)[0], frequencies, atol=0.05, rtol=0)
