"""What a layer contributes is what is lost without it, and what flows through it is all there is."""

import numpy as np
import pytest
import torch
from torch import nn

from nas_gym.evaluators import TrainEvaluator
from nas_gym.explain.methods.attribution.integrated_gradients import refined_gradients
from nas_gym.explain.methods.attribution.network_layers import (
    OpenNetwork,
    ablations,
    conductances,
    layers_of,
)
from nas_gym.networks import NetworkBuilder, NetworkModule, initial_weights
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Classes, Task

captum = pytest.importorskip("captum")


def network(space_spec, text, shape=(1, 12), classes=3, seed=0):
    """An untrained network with random weights."""
    space = make_search_space(space_spec, shape, classes)
    built = space.network(space.resolve(text))
    module = NetworkModule(built).eval()
    module.load_state_dict(module.state_dict() | dict(initial_weights(built, seed)))
    return module.double()


def classes_of(module):
    """A target with a class for each output."""
    return Classes(tuple(map(str, range(module.network.output_shape[0]))))


def flowing(module, count=6):
    """The use of each layer, by its name, with what flows through it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, *module.network.input_shape))
    y = rng.integers(module.network.output_shape[0], size=count)
    found = refined_gradients(module, torch.as_tensor(x), torch.as_tensor(y))
    uses = ablations(module, x, x, y, classes_of(module), 0)
    return {use.layer.name: use for use in conductances(module, uses, x, y, found.pieces)}


@pytest.fixture(scope="module")
def xor():
    """Networks trained on a task that no linear map solves."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(3000, 4))
    task = Task.from_arrays(x, (x[:, 0] * x[:, 1] > 0).astype(int), name="xor")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 12})
    return task, lambda text: evaluator.fit(space.parse(text), 0)[0].double()


def drops(xor, text):
    task, fit = xor
    uses = ablations(fit(text), task.x_train, task.x_validation, task.y_validation, task.target, 0)
    return {use.layer.name: use.drops for use in uses}


def test_a_layer_without_activation_can_be_replaced_by_a_linear_map_at_no_loss(xor):
    found = drops(xor, "tanh-64 > identity-16")["2 identity-16"]["linear"]
    assert abs(found.drop) < 1e-9
    assert found.low <= 0 <= found.high


def test_the_layer_that_does_the_work_costs_most_to_replace(xor):
    found = drops(xor, "tanh-64 > identity-64")
    assert found["1 tanh-64"]["linear"].drop > 0.2
    assert found["1 tanh-64"]["linear"].low > 0.15
    assert found["1 tanh-64"]["constant"].drop > 0.2


def test_an_input_is_passed_on_only_where_shapes_allow(xor):
    found = drops(xor, "tanh-64 > relu-64 > relu-16")
    assert "unchanged" not in found["1 tanh-64"]
    assert "unchanged" in found["2 relu-64"]
    assert "unchanged" not in found["3 relu-16"]


def test_an_opened_network_computes_the_same_as_the_module():
    module = network("conv", "conv3-16-relu > max_pool > sep3-32-tanh + skip 0-2")
    x = torch.randn(5, 1, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(OpenNetwork(module)(x), module(x))


def test_the_last_layer_and_sums_of_layers_are_no_layers_to_look_into():
    names = [layer.name for layer in layers_of(network("cell", "resnet", (1, 12)).network)]
    assert "output" not in names
    assert not any("node" in name for name in names)
    assert any("edge" in name for name in names)


def test_all_of_the_output_flows_through_each_layer_of_a_chain():
    for use in flowing(network("mlp", "relu-16 > tanh-64 > relu-64")).values():
        assert use.share == pytest.approx(1, abs=1e-3)
        assert use.error < 1e-4
        assert 1 <= use.units_for_most <= use.units


def test_what_flows_through_parallel_edges_adds_up():
    cell = "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_1x1~1|avg_pool_3x3~2|"
    space = {"name": "cell", "channels": [4], "cells": 1}
    shares = {name: use.share for name, use in flowing(network(space, cell)).items()}
    into_output = [share for name, share in shares.items() if name.endswith("-3")]
    assert len(into_output) == 3
    assert sum(into_output) == pytest.approx(1, abs=1e-3)
    assert shares["stem"] == pytest.approx(1, abs=1e-3)


def test_conductance_is_that_of_captum():
    from captum.attr import LayerConductance

    module = network("mlp", "tanh-16 > tanh-64", (12,))
    arrays = dict(module.named_parameters())
    layers = []
    for number, node in enumerate(module.network.nodes):
        if node.operation.name == "linear":
            layer = nn.Linear(*arrays[f"{number}_weight"].shape[::-1]).double()
            layer.load_state_dict({name: arrays[f"{number}_{name}"].detach() for name in ("weight", "bias")})
            layers += [layer, nn.Tanh()]
    plain = nn.Sequential(*layers[:-1])
    x = torch.as_tensor(np.random.default_rng(0).normal(size=(6, 12)))
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    assert torch.allclose(plain(x), module(x))
    flow = LayerConductance(plain, plain[1]).attribute(x, target=y, n_steps=3000).detach().numpy()
    sizes = np.sort(np.abs(flow).mean(0))[::-1]
    expected = int(np.searchsorted(np.cumsum(sizes), 0.9 * sizes.sum()) + 1)
    found = refined_gradients(module, x, y)
    uses = ablations(module, x.numpy(), x.numpy(), y.numpy(), classes_of(module), 0)
    opened = conductances(module, uses, x.numpy(), y.numpy(), found.pieces)
    assert opened[0].units_for_most == expected
    from nas_gym.explain.methods.attribution.network_layers import _flows

    own = _flows(OpenNetwork(module), x, y, found.pieces)[opened[0].layer.last]
    assert np.abs(own - flow).max() < 0.005 * np.abs(flow).max()


def test_a_dead_end_carries_nothing():
    cell = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    shares = {
        name: use.share
        for name, use in flowing(network({"name": "cell", "channels": [4], "cells": 1}, cell)).items()
    }
    assert shares["stage 1 cell 1 edge 0-2"] == pytest.approx(0)
    assert shares["stage 1 cell 1 edge 0-3"] == pytest.approx(1, abs=1e-3)


def test_a_network_whose_builder_names_no_layers_has_none_to_look_into():
    builder = NetworkBuilder((1, 8))
    hidden = builder.activation(builder.linear(builder.flatten(builder.input), 4), "relu")
    module = NetworkModule(builder.build(builder.linear(hidden, 3))).eval().double()
    assert flowing(module) == {}


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_nothing_flows_through_a_network_whose_answer_never_changes():
    module = network("mlp", "relu-16")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert [use.share for use in flowing(module).values()] == [0.0]
