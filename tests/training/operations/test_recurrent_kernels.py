"""Recurrent kernels: the engine computes what modules do, with bits that do not depend on company."""

from __future__ import annotations

import pytest
import torch

from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe
from tests.helpers.networks import make_data, trained
from tests.helpers.operations.recurrent import (
    CHANNELS,
    LENGTH,
    recurrent_networks,
    token_data,
    token_networks,
)
from tests.training.test_invariance import same_bits

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
DATA = make_data((CHANNELS, LENGTH), train_size=54)  # batches of 32 and 22


NETWORKS = recurrent_networks() | token_networks()
TOKENS = token_data()


@pytest.mark.parametrize("name", NETWORKS)
def test_fused_kernels_give_the_losses_of_the_module(name):
    member, data = Member(NETWORKS[name], 3), TOKENS if "tokens" in name else DATA
    (fused,) = trained([member], data, RECIPE)
    training = OrdinaryTraining(member, data, RECIPE, Keep(weights=True, step_losses=True))
    (apart,) = training.run(lambda epoch, loss: None, lambda: False)
    assert fused.step_losses == pytest.approx(apart.step_losses, abs=1e-5)
    for key, array in apart.state.items():
        torch.testing.assert_close(fused.state[key], array, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("length", "size"), [(LENGTH, 5), (4, 16), (1, 3), (0, 5)])
def test_bits_are_the_same_alone_and_in_company(length, size):
    data = make_data((CHANNELS, length), train_size=54) if length else TOKENS
    members = [
        Member(network, 1)
        for network in (recurrent_networks(length, size) if length else token_networks()).values()
    ]
    alone = [trained([member], data, RECIPE)[0] for member in members]
    crowd = [Member(one.network, seed) for seed in (0, 1, 2) for one in members]
    together = trained(crowd, data, RECIPE)
    for one, other in zip(alone, together[len(members) : 2 * len(members)], strict=True):
        assert same_bits(one, other)
