"""Operations: what each says of itself, and what a user's own one must say."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import (
    Conv,
    Linear,
    NetworkBuilder,
    NetworkModule,
    Operation,
    initial_weights,
)
from tests.helpers.networks import operation_networks
from tests.helpers.own_operation import Join, Wave

NETWORKS = operation_networks((2, 7, 5))


def wave_network():
    builder = NetworkBuilder((3,))
    wave = builder.operation(Wave(), builder.linear(builder.input, 4), height=2.0)
    return builder.build(builder.operation(Join(), wave, builder.input))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_operation_returns_the_shape_that_its_node_states(name: str) -> None:
    network = NETWORKS[name]
    module = NetworkModule(network).eval()
    values = [torch.zeros(3, *network.input_shape)]
    for number, node in enumerate(network.nodes[1:], start=1):
        values.append(module.compute(number, node, [values[index] for index in node.inputs]))
        assert values[-1].shape == (3, *node.shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_first_value_has_the_shape_of_its_parameter(name: str) -> None:
    parameters = dict(NetworkModule(NETWORKS[name]).named_parameters())
    initial = dict(initial_weights(NETWORKS[name], 0))
    assert {key: array.shape for key, array in initial.items()} == {
        key: array.shape for key, array in parameters.items()
    }


def test_a_node_is_written_by_the_name_of_its_operation() -> None:
    """The text is part of the key of stored results."""
    builder = NetworkBuilder((3,))
    node = builder.build(builder.linear(builder.input, 2)).nodes[1]
    assert repr(node) == (
        "Node(operation='linear', inputs=(0,), input_shape=(3,), shape=(2,), layer='', function='', "
        "kernel=1, stride=1, groups=1, bias=True)"
    )
    assert repr(wave_network().nodes[2]).endswith("bias=False, options=(('height', 2.0),))")
    assert "operation='tests.helpers.own_operation:Wave'" in repr(wave_network())


@pytest.mark.parametrize(
    ("layer", "parts", "words"),
    [
        ("", (), ""),
        ("hidden", ("hidden",), "hidden"),
        (("stage 1 cell 2", "edge 0-1"), ("stage 1 cell 2", "edge 0-1"), "stage 1 cell 2 edge 0-1"),
    ],
)
def test_a_node_belongs_to_a_part_of_the_architecture_within_larger_ones(layer, parts, words) -> None:
    builder = NetworkBuilder((3,))
    node = builder.build(builder.linear(builder.input, 2, layer=layer)).nodes[1]
    assert (node.parts, node.layer) == (parts, words)
    assert f"shape=(2,), layer={words!r}, function=''" in repr(node)


def test_operations_are_equal_by_class_and_a_subclass_has_a_name_of_its_own() -> None:
    class Other(Linear):
        pass

    assert Linear() == Linear()
    assert Linear() != Conv()
    assert Other() != Linear()
    assert Other.name != Linear.name
    assert copy.deepcopy(wave_network()) == wave_network()
    assert hash(copy.deepcopy(wave_network())) == hash(wave_network())
    assert wave_network().nodes[2] != replace(wave_network().nodes[2], options=(("height", 1.0),))


def test_an_operation_of_ones_own_computes_and_counts_and_is_saved() -> None:
    network = wave_network()
    assert network.output_shape == (7,)
    assert network.parameters == 4 * 3 + 4 + 4
    module = NetworkModule(network).eval()
    module.load_state_dict(dict(initial_weights(network, 0)), strict=False)
    assert set(module.state_dict()) == {"1_weight", "1_bias", "2_frequency", "2_batches"}
    x = torch.randn(5, 3)
    state = module.state_dict()
    hidden = x @ state["1_weight"].T + state["1_bias"]
    expected = torch.cat([(hidden * state["2_frequency"]).sin() * 2, x], 1)
    torch.testing.assert_close(module(x), expected)


class Stateful(Operation):
    def __init__(self) -> None:
        self.rate = 0.5


@pytest.mark.parametrize("operation", [Wave, Stateful(), "wave"])
def test_what_is_no_operation_is_refused(operation: object) -> None:
    builder = NetworkBuilder((3,))
    with pytest.raises(NASGymError, match="an object of a subclass of Operation without attributes"):
        builder.operation(operation, builder.input)  # type: ignore[arg-type]


def test_an_operation_without_input_and_options_that_may_change_are_refused() -> None:
    builder = NetworkBuilder((3,))
    with pytest.raises(NASGymError, match="needs at least one input"):
        builder.operation(Wave())
    with pytest.raises(NASGymError, match="numbers, texts or tuples"):
        builder.operation(Wave(), builder.input, height=[1.0])


def test_networks_are_built_without_torch() -> None:
    code = (
        "import sys; from nas_gym.networks import NetworkBuilder as B; b = B((1, 9));"
        "x = b.pool(b.batch_norm(b.conv(b.input, 4, 3)), 'max', stride=2);"
        "n = b.build(b.linear(b.global_avg_pool(b.activation(x, 'relu')), 3));"
        "assert n.parameters and n.flops and repr(n) and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_first_values_of_another_type_are_refused() -> None:
    class Double(Wave):
        def initial(self, node, name, generator):  # type: ignore[no-untyped-def]
            return torch.ones(node.shape, dtype=torch.float64)

    builder = NetworkBuilder((3,))
    network = builder.build(builder.operation(Double(), builder.input, height=1.0))
    with pytest.raises(NASGymError, match=r"first values of torch.float64 .* mend its initial"):
        dict(initial_weights(network, 0))
