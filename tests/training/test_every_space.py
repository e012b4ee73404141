"""Networks of every search space: the engine trains them as an ordinary loop does, alone as in company."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.speed.ordinary_loop import train_ordinary
from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe, TrainingData
from nas_gym.training.kernels.registry import is_fusible
from tests.helpers.every_space import drawn_members, each_form, fitting_data
from tests.helpers.networks import trained
from tests.training.test_invariance import same_bits

# By SGD: AdamW makes a step out of the rounding of a gradient that is exactly zero.
RECIPE = Recipe(epochs=1, batch_size=20, optimizer="sgd", learning_rate=0.1)  # batches of 20, 20 and 14
# Deep networks of batch norm and relu6 make much of rounding, as 64 bits differ from 32 in the ordinary loop.
SHORT_STEPS = replace(RECIPE, learning_rate=0.005)
TOLERANCE = 1e-5
NAMES = each_form("mlp", "conv", "cell")  # of which `test_agreement` and `test_invariance` have more


def recipe_of(name: str) -> Recipe:
    """Return long steps, so that a wrong gradient shows in the next loss, where rounding allows them."""
    return SHORT_STEPS if name.startswith(("macro", "nasbench101", "cell", "conv")) else RECIPE


def ordinary_losses(member: Member, data: TrainingData, recipe: Recipe) -> list[float]:
    """Return the loss of each step in an ordinary loop; with dropout in one that draws the same noise."""
    if not any(node.operation.noisy for node in member.network.nodes):
        return train_ordinary(member, data, recipe).step_losses
    training = OrdinaryTraining(member, data, recipe, Keep(step_losses=True))
    (result,) = training.run(lambda *_: None, lambda: False)
    return list(result.step_losses)


@pytest.mark.parametrize("name", NAMES)
def test_networks_of_every_space_stay_with_the_ordinary_loop(name: str) -> None:
    data, members, recipe = fitting_data(name), drawn_members(name, 2), recipe_of(name)
    assert all(is_fusible(member.network) for member in members)
    for member, result in zip(members, trained(members, data, recipe), strict=True):
        assert not result.error
        assert result.step_losses == pytest.approx(ordinary_losses(member, data, recipe), abs=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_networks_of_every_space_have_the_same_bits_alone_and_in_company(name: str) -> None:
    data, members, recipe = fitting_data(name), drawn_members(name, 2), recipe_of(name)
    alone = [trained([member], data, recipe)[0] for member in members]
    assert not any(one.error for one in alone)
    company = [*members, *(Member(member.network, 7) for member in members), *drawn_members(name, 1, seed=1)]
    together = trained(company[::-1], data, recipe)[::-1]
    assert all(same_bits(one, other) for one, other in zip(alone, together, strict=False))
