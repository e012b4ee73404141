"""Mixtures of layers of several widths, which share the first rows and columns of one matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nas_gym.errors import NASGymError
from nas_gym.networks import (
    ACTIVATIONS,
    Blend,
    Mixture,
    NetworkBuilder,
    NetworkModule,
    SharedLinear,
    Supernet,
    candidates,
    chosen,
    mixtures,
    running,
)
from nas_gym.search_spaces import make_search_space

CPU = torch.device("cpu")
SHAPE = (1, 12)
WIDTHS = {"name": "mlp", "max_layers": 3, "widths": [3, 8, 5], "activations": ["relu", "sigmoid"]}
ALL = {"name": "mlp", "max_layers": 2, "widths": [4, 7], "activations": list(ACTIVATIONS)}
ONE_ACTIVATION = {"name": "mlp", "max_layers": 2, "widths": [6, 2, 4], "activations": ["sigmoid"]}
SPACES = {"widths": WIDTHS, "all activations": ALL, "one activation": ONE_ACTIVATION}


def space_called(name):
    return make_search_space(SPACES[name], SHAPE, 3)


def drawn(space, count):
    rng = np.random.default_rng(0)
    outside = space.outside_mixture()
    return [space.decode(space.encode(space.sample(rng)) | outside) for _ in range(count)]


def one_hot(mixture, values, pruned):
    counts = {name: len(mixture.nodes[numbers[0]].inputs) for name, numbers in mixtures(mixture).items()}
    return {
        name: Blend(F.one_hot(torch.tensor(values[name]), count).float(), (values[name],) if pruned else None)
        for name, count in counts.items()
    }


def alone(space, architecture, supernet):
    """The network of an architecture, whose weights are the first rows and columns of the shared ones."""
    network = space.network(architecture)
    module = NetworkModule(network).train()
    with torch.no_grad():
        for number, (node, slot) in enumerate(zip(network.nodes, space.slots(network), strict=True)):
            for name, shape in node.parameter_shapes.items():
                (whole,) = (
                    key for key in supernet.arrays if key.startswith(f"{slot}:") and key.endswith(name)
                )
                part = supernet.arrays[whole][tuple(map(slice, shape))]
                assert part.shape == shape
                getattr(module, f"{number}_{name}").copy_(part)
    return module


def batch(size=7):
    return torch.randn(size, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("pruned", [True, False])
@pytest.mark.parametrize("name", SPACES)
def test_one_candidate_of_each_variable_computes_what_the_network_does_with_the_first_weights(name, pruned):
    space = space_called(name)
    mixture, supernet, x = space.mixture(), Supernet(0, CPU), batch()
    names = supernet.names(mixture, space.slots(mixture))
    # Of any width, a layer has one matrix and one bias.
    assert len(supernet.arrays) == 2 * (space.max_layers + 1)
    outside = space.outside_mixture()
    every = [one for one in space if space.encode(one) == space.encode(one) | outside]
    assert len(every) == (len(space.widths) * len(space.activations)) ** space.max_layers
    for architecture in every:
        with torch.no_grad():
            blends = one_hot(mixture, space.encode(architecture), pruned)
            mixed = supernet.forward(mixture, names, x, blends=blends)
            expected = alone(space, architecture, supernet)(x)
        assert (mixed - expected).abs().max() < 1e-5


@pytest.mark.parametrize("name", SPACES)
def test_what_is_chosen_of_a_mixture_is_the_network_of_the_architecture(name):
    space = space_called(name)
    mixture = space.mixture()
    for architecture in drawn(space, 20):
        network, found = space.network(architecture), chosen(mixture, space.encode(architecture))
        assert space.slots(found) == space.slots(network)
        assert [replace(node, parts=()) for node in found.nodes] == [
            replace(node, parts=()) for node in network.nodes
        ]
        assert (found.parameters, found.flops) == (network.parameters, network.flops)


@pytest.mark.parametrize("name", SPACES)
def test_a_path_costs_what_its_network_does_and_all_paths_what_the_widest_does(name):
    space = space_called(name)
    mixture, supernet = space.mixture(), Supernet(0, CPU)
    names = supernet.names(mixture, space.slots(mixture))

    def flops(blends):
        return sum(node.flops for node in running(mixture, names, blends).values())

    for architecture in drawn(space, 20):
        blends = one_hot(mixture, space.encode(architecture), True)
        assert flops(blends) == space.network(architecture).flops
    uniform = {name: Blend(torch.ones(3)) for name in mixtures(mixture)}
    widest = space.parse(" > ".join([f"{space.activations[0]}-{max(space.widths)}"] * space.max_layers))
    assert flops(uniform) == space.network(widest).flops


def test_the_variables_are_those_of_the_space_and_every_width_has_weights():
    space = space_called("widths")
    mixture = space.mixture()
    assert set(mixtures(mixture)) == set(space.variables) - {"depth"}
    assert space.outside_mixture() == {"depth": 2}
    found = candidates(mixture)
    assert [one.kind for one in found["layer 2 width"]] == ["weights"] * 3
    assert [one.flops for one in found["layer 1 width"]] == [2 * 12 * width for width in (3, 8, 5)]
    assert [one.flops for one in found["layer 2 activation"]] == [0, 0]
    assert set(mixtures(space_called("one activation").mixture())) == {"layer 1 width", "layer 2 width"}


def test_what_a_mixture_gives_is_the_masked_sum_of_the_widest_layer():
    """y = sum_w p_w mask_w * sum_a q_a a(Wx + b), as in FBNetV2."""
    space = make_search_space(WIDTHS | {"max_layers": 1}, SHAPE, 3)
    mixture, supernet, x = space.mixture(), Supernet(0, CPU), batch()
    names = supernet.names(mixture, space.slots(mixture))
    p, q = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.6, 0.4])
    blends = {"layer 1 width": Blend(p), "layer 1 activation": Blend(q)}
    mixed = supernet.forward(mixture, names, x, blends=blends)
    (hidden_w, hidden_b), (out_w, out_b) = (
        [value for name, value in supernet.arrays.items() if name.startswith(place)]
        for place in ("1:", "output:")
    )
    hidden = x.flatten(1) @ hidden_w.T + hidden_b
    mask = sum(p[i] * (torch.arange(8) < width) for i, width in enumerate(space.widths))
    expected = (mask * (q[0] * hidden.relu() + q[1] * hidden.sigmoid())) @ out_w.T + out_b
    assert (mixed - expected).abs().max() < 1e-6


def test_gradients_of_weights_and_of_candidates_are_those_of_differences():
    space = space_called("widths")
    mixture, supernet = space.mixture(), Supernet(0, CPU)
    names = supernet.names(mixture, space.slots(mixture))
    arrays = {name: value.detach().double().requires_grad_(True) for name, value in supernet.arrays.items()}
    generator = torch.Generator().manual_seed(1)
    rows = {
        name: torch.rand(len(mixture.nodes[numbers[0]].inputs), generator=generator)
        .double()
        .requires_grad_(True)
        for name, numbers in mixtures(mixture).items()
    }
    x = batch().double()

    def loss():
        blends = {name: Blend(row) for name, row in rows.items()}
        return supernet.forward(mixture, names, x, blends=blends, arrays=arrays).square().sum()

    tensors = [*rows.values(), *arrays.values()]
    for tensor, gradient in zip(tensors, torch.autograd.grad(loss(), tensors), strict=True):
        flat = tensor.detach().view(-1)
        for place in range(0, len(flat), 7):
            before, ends = float(flat[place]), []
            for step in (1e-6, -1e-6):
                flat[place] = before + step
                ends.append(float(loss().detach()))
            flat[place] = before
            assert float(gradient.view(-1)[place]) == pytest.approx(
                (ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-6
            )


def test_layers_are_whole_within_a_candidate_so_that_norms_see_its_units_alone():
    builder = NetworkBuilder((5,))
    ends = []
    for width in (6, 4):
        linear = builder.operation(
            SharedLinear(), builder.input, shape=(width,), layer="1", bias=True, rows=6
        )
        normed = builder.batch_norm(builder.layer_norm(linear, layer="1"), layer="1")
        ends.append(builder.activation(normed, "sigmoid"))
    mixed = builder.operation(Mixture(), *ends, variable="width")
    out = builder.operation(SharedLinear(), mixed, shape=(2,), layer="2", bias=True, rows=2)
    network, supernet = builder.build(out), Supernet(0, CPU)
    slots = tuple(node.layer for node in network.nodes)
    names = supernet.names(network, slots)
    x = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    for choice, width in enumerate((6, 4)):
        blends = {"width": Blend(torch.eye(2)[choice], (choice,) if choice else None)}
        found = supernet.forward(network, names, x, blends=blends)
        (w, b), (out_w, out_b) = (
            [supernet.arrays[whole] for whole in names[number].values()]
            for number in (1, len(network.nodes) - 1)
        )
        hidden = F.layer_norm(x @ w[:width].T + b[:width], (width,))
        hidden = F.batch_norm(hidden, None, None, training=True).sigmoid()
        assert (found - (hidden @ out_w[:, :width].T + out_b)).abs().max() < 1e-5


def test_one_width_has_the_mixture_it_had_and_a_part_of_the_channels_stays_refused():
    one = make_search_space(WIDTHS | {"widths": [8]}, SHAPE, 3).mixture()
    assert set(mixtures(one)) == {f"layer {number} activation" for number in (1, 2, 3)}
    assert not any(isinstance(node.operation, SharedLinear) for node in one.nodes)
    with pytest.raises(NASGymError, match="no mixture of a part of the channels"):
        space_called("widths").mixture(partial=2)
