"""Weights that networks share: which are one array, what they compute, and how they begin."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkBuilder, Supernet, needed, outputs_together
from nas_gym.search_spaces import make_search_space
from tests.helpers.own_space import OwnSpace
from tests.helpers.supernets import CELL, MACRO, alone

SPACES = {"cell": CELL, "macro": MACRO, "mlp": "mlp", "conv": "conv"}
CPU = torch.device("cpu")
SHAPE = (1, 12)


def outputs(supernet, space, architecture, x):
    network = space.network(architecture)
    return supernet.forward(network, supernet.names(network, space.slots(network)), x)


@pytest.mark.parametrize("name", SPACES)
def test_a_path_computes_what_a_module_of_its_own_with_copied_weights_does(name):
    space = make_search_space(SPACES[name], SHAPE, 3)
    supernet, rng = Supernet(0, CPU), np.random.default_rng(0)
    x = torch.randn(9, *SHAPE, generator=torch.Generator().manual_seed(0))
    for _ in range(12):
        architecture = space.sample(rng)
        with torch.no_grad():
            shared = outputs(supernet, space, architecture, x)
        assert (shared - alone(supernet, space, architecture, x)).abs().max() < 1e-5


@pytest.mark.parametrize("name", SPACES)
def test_first_values_do_not_depend_on_which_network_asked_first(name):
    space = make_search_space(SPACES[name], SHAPE, 3)
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(8)]
    one, other, strange = Supernet(0, CPU), Supernet(0, CPU), Supernet(1, CPU)
    for supernet, architectures in ((one, drawn), (other, drawn[::-1]), (strange, drawn)):
        for architecture in architectures:
            network = space.network(architecture)
            supernet.names(network, space.slots(network))
    assert set(one.arrays) == set(other.arrays) == set(strange.arrays)
    assert all(torch.equal(array, other.arrays[name]) for name, array in one.arrays.items())
    assert not any(torch.equal(array, strange.arrays[name]) for name, array in one.arrays.items())


def arrays_of(space, text):
    network = space.network(space.parse(text))
    return {
        whole for node in Supernet(0, CPU).names(network, space.slots(network)) for whole in node.values()
    }


def test_layers_share_weights_by_place_and_shape_whatever_their_activation():
    space = make_search_space("mlp", (5,), 2)
    assert arrays_of(space, "relu-16 > tanh-64") == arrays_of(space, "tanh-16 > identity-64")
    shared = arrays_of(space, "relu-16 > tanh-64") & arrays_of(space, "relu-16 > relu-16 > relu-64")
    assert {name.partition(":")[0] for name in shared} == {"1", "output"}


def test_an_edge_has_weights_of_its_own_in_each_cell_and_for_each_operation():
    space = make_search_space(CELL, SHAPE, 2)
    skip, wide, narrow = (
        space.parse("+".join([f"|{name}~0|", "|none~0|none~1|", "|none~0|skip_connect~1|none~2|"]))
        for name in ("skip_connect", "nor_conv_3x3", "nor_conv_1x1")
    )
    rest = arrays_of(space, str(skip))
    for cell, shape in ((wide, "(4, 4, 3)"), (narrow, "(4, 4, 1)")):
        own = arrays_of(space, str(cell)) - rest
        assert sorted(name.partition(":")[0] for name in own) == [
            "stage 1 cell 1 edge 0-1",
            "stage 2 cell 1 edge 0-1",
        ]
        assert sum(shape in name for name in own) == 1
    assert not (arrays_of(space, str(wide)) - rest) & arrays_of(space, str(narrow))


def test_what_normalises_has_no_trained_arrays():
    space = make_search_space(CELL, SHAPE, 2)
    assert not any("batch_norm" in name for name in arrays_of(space, str(space.resolve("resnet"))))


def test_two_nodes_of_one_place_and_shape_have_an_array_each():
    builder = NetworkBuilder((4,))
    node = builder.linear(builder.linear(builder.input, 4, layer="deep"), 4, layer="deep")
    network = builder.build(node)
    first, second = Supernet(0, CPU).names(network, ["", "deep", "deep"])[1:]
    assert not set(first.values()) & set(second.values())


def test_a_node_with_weights_and_no_place_is_refused():
    space = OwnSpace((4,), 2)
    network = space.network(space.smallest())
    with pytest.raises(NASGymError, match=r"has no place in the search space.*pass layer=") as caught:
        Supernet(0, CPU).names(network, space.slots(network))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SPACES)
def test_paths_that_are_computed_together_give_what_each_does_alone(name, monkeypatch):
    space = make_search_space(SPACES[name], SHAPE, 3)
    supernet, rng = Supernet(0, CPU), np.random.default_rng(0)
    x = torch.randn(9, *SHAPE, generator=torch.Generator().manual_seed(0))
    networks = [space.network(space.sample(rng)) for _ in range(5)]
    paths = [(network, supernet.names(network, space.slots(network))) for network in networks]

    def gradients(outputs):
        total = sum((each**2).mean() for each in outputs)
        found = torch.autograd.grad(total, list(supernet.arrays.values()), allow_unused=True)
        return [torch.zeros(()) if each is None else each for each in found]

    alone = [supernet.forward(*path, x) for path in paths]
    expected = gradients(alone)
    computed = []
    compute = supernet.compute
    monkeypatch.setattr(supernet, "compute", lambda *args: computed.append(args) or compute(*args))
    together = outputs_together(supernet, paths, x)
    assert all(torch.equal(one, other) for one, other in zip(together, alone, strict=True))
    for one, other in zip(gradients(together), expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)
    # They have the stem, or the first layer, in common.
    assert len(computed) < sum(len(needed(network)) for network in networks)
