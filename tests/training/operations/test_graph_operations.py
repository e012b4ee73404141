"""Operations on graphs: the engine computes what modules do, with bits that do not depend on company."""

from __future__ import annotations

import pytest
import torch

from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe
from nas_gym.training.kernels.registry import is_fusible
from tests.helpers.networks import trained
from tests.helpers.operations.graphs import graph_data, graph_networks
from tests.training.test_invariance import same_bits

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
NETWORKS = graph_networks()
DATA = graph_data()  # batches of 32 and 22
TOLERANCE = 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_fused_kernels_give_the_losses_of_the_module(name: str) -> None:
    member = Member(NETWORKS[name], 3)
    assert is_fusible(member.network)
    training = OrdinaryTraining(member, DATA, RECIPE, Keep(weights=True, step_losses=True))
    (apart,) = training.run(lambda epoch, loss: None, lambda: False)
    (fused,) = trained([member], DATA, RECIPE)
    assert fused.step_losses == pytest.approx(apart.step_losses, abs=TOLERANCE)
    for key, array in apart.state.items():
        torch.testing.assert_close(fused.state[key], array, atol=1e-4, rtol=1e-4)


def test_bits_are_the_same_alone_and_in_company() -> None:
    members = [Member(network, 1) for network in NETWORKS.values()]
    alone = [trained([member], DATA, RECIPE)[0] for member in members]
    company = [Member(one.network, seed) for seed in (0, 1) for one in members]
    for memory in (10**5, 2**30):
        together = trained(company, DATA, RECIPE, memory=memory)
        for one, other in zip(alone, together[len(members) :], strict=True):
            assert same_bits(one, other)
    for one, other in zip(alone, trained(members, DATA, RECIPE), strict=True):
        assert same_bits(one, other)
