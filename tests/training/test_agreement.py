"""The engine computes what an ordinary PyTorch module and loop compute."""

from __future__ import annotations

import pytest
import torch

from benchmarks.speed.ordinary_loop import train_ordinary
from nas_gym.networks import Shape, initial_weights
from nas_gym.training import Member, Recipe
from tests.helpers.networks import (
    RECIPE,
    SPACES,
    make_data,
    make_space,
    operation_networks,
    random_members,
    trained,
)

TOLERANCE = 1e-5
SHAPES: tuple[Shape, ...] = ((1, 40), (3, 13), (1, 8, 8), (2, 7, 5))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_operation_gives_the_losses_of_the_ordinary_loop(shape: Shape) -> None:
    data = make_data(shape)
    networks = operation_networks(shape)
    members = [Member(network, 1) for network in networks.values()]
    for name, member, result in zip(networks, members, trained(members, data), strict=True):
        expected = train_ordinary(member, data, RECIPE)
        assert result.step_losses == pytest.approx(expected.step_losses, abs=TOLERANCE), name
        assert result.curve == pytest.approx(expected.curve, abs=0.02), name


@pytest.mark.parametrize("name", SPACES)
def test_random_architectures_stay_with_the_ordinary_loop(name: str) -> None:
    """By SGD: AdamW makes a step out of the rounding of a gradient that is exactly zero."""
    space = make_space(name)
    data = make_data(space.input_shape)
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", learning_rate=0.02)
    members = random_members(space, 6)
    for member, result in zip(members, trained(members, data, recipe), strict=True):
        expected = train_ordinary(member, data, recipe)
        assert result.step_losses == pytest.approx(expected.step_losses, abs=TOLERANCE)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.05, weight_decay=1e-3),
        Recipe(epochs=2, batch_size=50, label_smoothing=0.2, learning_rate=0.01),
        Recipe(epochs=2, batch_size=16, schedule="constant", weight_decay=0.0, learning_rate=0.01),
        Recipe(epochs=2, batch_size=149, learning_rate=0.01),
        Recipe(epochs=2, batch_size=500, learning_rate=0.01),
    ],
    ids=["sgd", "label smoothing", "constant", "a last batch of one", "one batch"],
)
def test_every_recipe_gives_the_losses_of_the_ordinary_loop(recipe: Recipe) -> None:
    space = make_space("mlp")
    data = make_data(space.input_shape)
    members = random_members(space, 6)
    for member, result in zip(members, trained(members, data, recipe), strict=True):
        expected = train_ordinary(member, data, recipe)
        assert result.step_losses == pytest.approx(expected.step_losses, abs=TOLERANCE)
        assert result.curve == pytest.approx(expected.curve, abs=0.02)


@pytest.mark.parametrize("name", SPACES)
def test_the_returned_module_has_the_accuracy_of_the_curve(name: str) -> None:
    space = make_space(name)
    data = make_data(space.input_shape)
    members = random_members(space, 4)
    for result in trained(members, data):
        with torch.no_grad():
            right = result.module(data.x_validation).argmax(1) == data.y_validation
        assert right.double().mean().item() == pytest.approx(result.curve[-1], abs=0.02)


def test_a_part_that_leads_nowhere_keeps_its_initial_weights() -> None:
    space = make_space("cell on signals")
    architecture = space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    member = Member(space.network(architecture), 3)
    (result,) = trained([member], make_data(space.input_shape))
    initial = dict(initial_weights(member.network, member.seed))
    dead = [
        name
        for name, array in result.state.items()
        if name in initial and torch.equal(array, initial[name]) and name.endswith("weight")
    ]
    assert len(dead) == 4  # a convolution and a batch norm in each of two cells
    assert result.module(torch.zeros(2, *space.input_shape)).shape == (2, 10)


def test_a_network_that_ignores_its_input_trains_as_a_constant() -> None:
    space = make_space("cell on images")
    member = Member(space.network(space.smallest()), 0)
    data = make_data(space.input_shape)
    (result,) = trained([member], data)
    outputs = result.module(data.x_validation)
    assert torch.equal(outputs, outputs[:1].expand_as(outputs))
    assert result.step_losses == pytest.approx(
        train_ordinary(member, data, RECIPE).step_losses, abs=TOLERANCE
    )


def test_no_batch_norm_statistic_is_forgotten() -> None:
    networks = operation_networks((1, 40))
    member = Member(networks["batch_norm relu"], 0)
    data = make_data((1, 40))
    (result,) = trained([member], data)
    (mean,) = [array for name, array in result.state.items() if name.endswith("_mean")]
    (variance,) = [array for name, array in result.state.items() if name.endswith("_variance")]
    assert (mean != 0).all()
    assert (variance != 1).all()
