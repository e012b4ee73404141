"""Networks of mixtures: which spaces have one, and that a candidate is what a path of the space computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nas_gym.errors import NASGymError
from nas_gym.networks import (
    Blend,
    FirstChannels,
    NetworkBuilder,
    Rejoined,
    Supernet,
    candidates,
    chosen,
    mixtures,
    needed,
    reads_input,
)
from nas_gym.search_spaces import ChoiceSpace, make_search_space
from tests.helpers.own_space import OwnSpace
from tests.helpers.supernets import CELL, MACRO

CPU = torch.device("cpu")
SHAPE = (1, 12)


class Blocks(ChoiceSpace):
    """Two layers of one width with an activation each, and a block that may be left out."""

    name = "tests.networks.test_mixture:Blocks"
    choices = {"first": ("relu", "tanh"), "block": ("yes", "no"), "last": ("relu", "tanh", "silu")}  # noqa: RUF012

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        node = builder.linear(builder.flatten(builder.input), 6, layer="first")
        node = builder.activation(node, architecture["first"], layer="first")
        if architecture["block"] == "yes":
            inside = builder.linear(node, 6, layer="block")
            node = builder.add(node, builder.activation(inside, "relu", layer="block"), layer="block")
        node = builder.activation(builder.linear(node, 5, layer="last"), architecture["last"], layer="last")
        return builder.build(builder.linear(node, self.outputs, layer="output"))


class Widths(ChoiceSpace):
    """A layer of several widths, whose result is averaged."""

    name = "tests.networks.test_mixture:Widths"
    choices = {"width": (4, 8)}  # noqa: RUF012

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        node = builder.flatten(builder.input)
        return builder.build(builder.linear(node, architecture["width"], layer="first"))


class Layers(ChoiceSpace):
    """A layer of several widths and activations."""

    name = "tests.networks.test_mixture:Layers"
    choices = {"width": (4, 8), "function": ("relu", "tanh")}  # noqa: RUF012

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        node = builder.linear(builder.flatten(builder.input), architecture["width"], layer="first")
        node = builder.activation(node, architecture["function"], layer="first")
        return builder.build(builder.linear(node, self.outputs, layer="output"))


ONE_LAYER = {"name": "mlp", "max_layers": 1, "widths": [8]}
CHAIN = {"name": "mlp", "max_layers": 3, "widths": [6], "activations": ["relu", "tanh"]}
BLOCKS = {
    "name": "transformer",
    "max_layers": 2,
    "channels": 4,
    "heads": [2],
    "qkv": [0],
    "norms": ["rms"],
    "widths": [8],
    "activations": ["gelu"],
    "kernels": [3],
}
SPACES = {"cell": CELL, "macro": MACRO, "mlp": ONE_LAYER, "chain": CHAIN, "transformer": BLOCKS}


def space_called(name):
    return Blocks(SHAPE, 3) if name == "choices" else make_search_space(SPACES[name], SHAPE, 3)


def drawn(space, rng):
    """An architecture of the mixture: of chains one of the largest depth."""
    return space.decode(space.encode(space.sample(rng)) | space.outside_mixture())


def one_hot(space, architecture, pruned):
    values = space.encode(architecture)
    return {
        name: Blend(
            F.one_hot(torch.tensor(values[name]), len(variable.choices)).float(),
            (values[name],) if pruned else None,
        )
        for name, variable in space.variables.items()
    }


@pytest.mark.parametrize("pruned", [True, False])
@pytest.mark.parametrize("name", [*SPACES, "choices"])
def test_a_mixture_with_all_weight_on_one_candidate_computes_what_its_path_does(name, pruned):
    space, rng = space_called(name), np.random.default_rng(0)
    mixture, supernet = space.mixture(), Supernet(0, CPU)
    names = supernet.names(mixture, space.slots(mixture))
    x = torch.randn(7, *SHAPE, generator=torch.Generator().manual_seed(0))
    known = set(supernet.arrays)
    for _ in range(10):
        architecture = drawn(space, rng)
        network = space.network(architecture)
        with torch.no_grad():
            path = supernet.forward(network, supernet.names(network, space.slots(network)), x)
            blends = one_hot(space, architecture, pruned)
            mixed = supernet.forward(mixture, names, x, blends=blends)
            alone = chosen(mixture, space.encode(architecture))
            discrete = supernet.forward(alone, supernet.names(alone, space.slots(alone)), x)
        assert (mixed - path).abs().max() < 1e-5
        assert (discrete - path).abs().max() < 1e-5
    # Of a cell, edges that lead nowhere are built, too, in its network and in the mixture.
    assert set(supernet.arrays) == known


@pytest.mark.parametrize("name", [*SPACES, "choices"])
def test_each_variable_has_a_mixture_of_as_many_candidates_as_it_has_choices(name):
    space = space_called(name)
    mixture = space.mixture()
    numbers = mixtures(mixture)
    outside = space.outside_mixture()
    several = {
        key: variable
        for key, variable in space.variables.items()
        if len(variable.choices) > 1 and key not in outside
    }
    assert set(numbers) == set(several)
    assert all(
        len(mixture.nodes[number].inputs) == len(several[key].choices)
        for key, places in numbers.items()
        for number in places
    )
    assert {len(places) for places in numbers.values()} == ({2} if name == "cell" else {1})


def test_candidates_are_known_by_what_they_hold():
    space = make_search_space(CELL, SHAPE, 3)
    kinds = [candidate.kind for candidate in candidates(space.mixture())["edge 0-3"]]
    assert kinds == ["zero", "skip", "weights", "weights", "free"]
    kinds = [candidate.kind for candidate in candidates(Blocks(SHAPE, 3).mixture())["block"]]
    assert kinds == ["weights", "skip"]
    flops = [candidate.flops for candidate in candidates(space.mixture())["edge 0-1"]]
    assert flops[:2] == [0, 0]
    # Two for a multiply-add, 4 channels at 12 places, then 8 at 6.
    assert flops[2:4] == [2 * (16 * 12 + 64 * 6), 2 * 3 * (16 * 12 + 64 * 6)]


def test_what_does_not_run_is_not_computed():
    space = make_search_space(CELL, SHAPE, 3)
    mixture = space.mixture()
    skips = space.parse("|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|none~1|none~2|")
    run = needed(mixture, one_hot(space, skips, True))
    assert not any(mixture.nodes[number].parts[-1:] == ("edge 0-3",) for number in run)
    assert len(run) < len(needed(mixture)) / 2


def test_a_weighted_sum_of_candidates_is_what_a_mixture_gives():
    space = make_search_space(ONE_LAYER, (4,), 2)
    mixture, supernet = space.mixture(), Supernet(0, CPU)
    names = supernet.names(mixture, space.slots(mixture))
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4])
    mixed = supernet.forward(mixture, names, x, blends={"layer 1 activation": Blend(weights)})
    (hidden_w, hidden_b), (out_w, out_b) = (
        [value for name, value in supernet.arrays.items() if name.startswith(place)]
        for place in ("1:", "output:")
    )
    hidden = x @ hidden_w.T + hidden_b
    blend = 0.1 * hidden.relu() + 0.2 * hidden.sigmoid() + 0.3 * hidden.tanh() + 0.4 * hidden
    assert (mixed - (blend @ out_w.T + out_b)).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (
            make_search_space({"name": "conv", "max_layers": 2}, SHAPE, 3),
            "'layer 1 operation' and 'layer 1 channels' change",
        ),
        (Widths(SHAPE, 3), "the candidates of 'width' have results of different shapes"),
        (Layers(SHAPE, 3), "'(width|function)' and '(width|function)' change the same operations"),
    ],
)
def test_a_space_without_a_mixture_says_which_choice_is_in_the_way(space, reason):
    with pytest.raises(NASGymError, match=reason) as caught:
        space.mixture()
    assert "\n" not in str(caught.value)
    assert "search it by paths" in str(caught.value)


def test_ones_own_space_whose_choices_change_the_same_operations_is_refused():
    with pytest.raises(NASGymError, match="has no mixture of its candidates"):
        OwnSpace(SHAPE, 3).mixture()


def test_a_part_of_the_channels_goes_through_the_candidates_and_the_others_pass_by():
    space = make_search_space(CELL, SHAPE, 3)
    mixture, supernet = space.mixture(partial=2), Supernet(0, CPU)
    names = supernet.names(mixture, space.slots(mixture))
    edges = [name for name in supernet.arrays if "edge" in name]
    assert edges
    assert all("(2, 2, " in name or "(4, 4, " in name for name in edges)
    numbers = mixtures(mixture)
    assert {name: len(mixture.nodes[places[0]].inputs) for name, places in numbers.items()} == {
        **dict.fromkeys(space.variables, 5),
        "node 2": 2,
        "node 3": 3,
    }
    blends = {name: Blend(torch.eye(5)[1]) for name in space.variables}
    blends |= {"node 2": Blend(torch.tensor([0.0, 1.0])), "node 3": Blend(torch.tensor([1.0, 0.0, 0.0]))}
    x = torch.randn(7, *SHAPE, generator=torch.Generator().manual_seed(0))
    outputs = supernet.forward(mixture, names, x, blends=blends)
    assert outputs.shape == (7, 3)
    with pytest.raises(NASGymError, match="cannot be divided by 3"):
        space.mixture(partial=3)
    with pytest.raises(NASGymError, match="no mixture of a part of the channels"):
        make_search_space(MACRO, SHAPE, 3).mixture(partial=2)


def test_channels_are_rejoined_and_mixed_in_turn():
    builder = NetworkBuilder((6, 2))
    part = builder.operation(FirstChannels(), builder.input, parts=3)
    doubled = builder.add(part, part)
    network = builder.build(builder.operation(Rejoined(), doubled, builder.input))
    assert builder.shape(part) == (2, 2)
    x = torch.arange(12.0).view(1, 6, 2)
    values = Supernet(0, CPU).forward(network, [{}] * 4, x)
    # Channels 0 and 1 are doubled; then 0, 2, 4 and 1, 3, 5.
    assert values[0, :, 0].tolist() == [0.0, 4.0, 8.0, 4.0, 6.0, 10.0]


def test_a_network_without_a_way_from_its_input_is_known():
    space = make_search_space(CELL, SHAPE, 3)
    mixture = space.mixture()
    lost = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"
    for text, reads in ((lost, False), (str(space.smallest()), False), (str(space.resolve("resnet")), True)):
        architecture = space.parse(text)
        assert reads_input(space.network(architecture)) == reads
        assert reads_input(chosen(mixture, space.encode(architecture))) == reads
