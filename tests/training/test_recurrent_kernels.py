"""Recurrent kernels: the engine computes what modules do, with bits that do not depend on company."""

from __future__ import annotations

import pytest
import torch

from nas_gym.networks import NetworkBuilder
from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe
from tests.helpers.networks import make_data, trained
from tests.training.test_invariance import same_bits

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
CHANNELS, LENGTH = 3, 6
DATA = make_data((CHANNELS, LENGTH), train_size=54)  # batches of 32 and 22


def networks(length=LENGTH, size=5):
    """Two layers of each kind and form on a signal, whose first channel says where tokens are."""
    found = {}
    for kind in ("gru", "lstm", "rnn"):
        for form in ("", "reverse", "last", "last reverse"):
            builder = NetworkBuilder((CHANNELS, length))
            first = builder.recurrent(builder.input, kind, size, reverse="reverse" in form)
            node = builder.recurrent(first, kind, size, reverse="reverse" in form, last="last" in form)
            if "last" not in form:
                node = builder.global_avg_pool(builder.add(first, node))
            found[f"{kind} {form}".strip()] = builder.build(builder.linear(node, 10))
    builder = NetworkBuilder((CHANNELS, length))
    vector = builder.linear(builder.global_avg_pool(builder.input), 4)
    node = builder.recurrent(builder.spread(vector, length), "gru", size)
    found["spread"] = builder.build(builder.linear(builder.global_avg_pool(node), 10))
    return found


NETWORKS = networks()


@pytest.mark.parametrize("name", NETWORKS)
def test_fused_kernels_give_the_losses_of_the_module(name):
    member = Member(NETWORKS[name], 3)
    (fused,) = trained([member], DATA, RECIPE)
    training = OrdinaryTraining(member, DATA, RECIPE, Keep(weights=True, step_losses=True))
    (apart,) = training.run(lambda epoch, loss: None, lambda: False)
    assert fused.step_losses == pytest.approx(apart.step_losses, abs=1e-5)
    for key, array in apart.state.items():
        torch.testing.assert_close(fused.state[key], array, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("length", "size"), [(LENGTH, 5), (4, 16), (1, 3)])
def test_bits_are_the_same_alone_and_in_company(length, size):
    data = make_data((CHANNELS, length), train_size=54)
    members = [Member(network, 1) for network in networks(length, size).values()]
    alone = [trained([member], data, RECIPE)[0] for member in members]
    crowd = [Member(one.network, seed) for seed in (0, 1, 2) for one in members]
    together = trained(crowd, data, RECIPE)
    for one, other in zip(alone, together[len(members) : 2 * len(members)], strict=True):
        assert same_bits(one, other)
