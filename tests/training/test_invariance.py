"""A member's bits depend on nothing but itself, the data and the recipe."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nas_gym.networks import ACTIVATIONS, NetworkBuilder
from nas_gym.search_spaces import make_search_space
from nas_gym.training import Member, Recipe, Trained, TrainingData, train
from nas_gym.training import chunk as chunk_training
from tests.helpers.networks import SPACES, make_data, make_space, operation_networks, random_members, trained

RECIPE = Recipe(epochs=1, batch_size=32, learning_rate=0.01)
BUDGETS = (10**5, 8 * 2**20, 2**30)


def same_bits(one: Trained, other: Trained) -> bool:
    return (
        one.curve == other.curve
        and one.losses == other.losses
        and one.step_losses == other.step_losses
        and one.state.keys() == other.state.keys()
        and all(torch.equal(array, other.state[name]) for name, array in one.state.items())
    )


def assert_same(members: list[Member], alone: dict[int, Trained], results: list[Trained]) -> None:
    compared = 0
    for member, result in zip(members, results, strict=True):
        if id(member) in alone:
            assert same_bits(alone[id(member)], result)
            compared += 1
    assert compared


LONG = ("conv on images", "cell on signals", "conv on signals")  # beside "cell on images"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in SPACES]
)
def test_bits_are_the_same_alone_and_in_any_batch(name: str) -> None:
    space = make_space(name)
    data = make_data(space.input_shape, train_size=54)  # batches of 32 and 22
    members = random_members(space, 20, seed=3)
    alone = {id(member): trained([member], data, RECIPE)[0] for member in members}
    for size in (2, 3, 5):
        for start in range(0, len(members), size):
            part = members[start : start + size]
            assert_same(part, alone, trained(part, data, RECIPE))
    others = [
        Member(member.network, number % 3) for number, member in enumerate(random_members(space, 44, seed=4))
    ]
    crowd = members + others
    for budget in BUDGETS:
        assert_same(crowd, alone, trained(crowd, data, RECIPE, memory=budget))
    backwards = crowd[::-1]
    assert_same(backwards, alone, trained(backwards, data, RECIPE, cores=2))


@pytest.mark.parametrize("shape", [(1, 40), (3, 13), (2, 7, 5)], ids=str)
def test_bits_of_every_operation_are_the_same_alone_and_beside_copies(shape: tuple[int, ...]) -> None:
    data = make_data(shape, train_size=75)  # a last batch of 11
    members = [Member(network, 5) for network in operation_networks(shape).values()]
    alone = {id(member): trained([member], data)[0] for member in members}
    beside = [
        other
        for member in members
        for other in (Member(member.network, 6), member, Member(member.network, 5))
    ]
    assert_same(beside, alone, trained(beside, data, cores=1, memory=2**33))


@pytest.mark.parametrize("widths", [(1, 3), (5, 33)], ids=str)
@pytest.mark.parametrize("batch", [7, 64])
def test_bits_hold_for_odd_sizes_and_every_activation(widths: tuple[int, int], batch: int) -> None:
    options = {"name": "mlp", "widths": list(widths), "activations": list(ACTIVATIONS), "max_layers": 3}
    space = make_search_space(options, (13,), 3)
    data = make_data((13,), train_size=71, classes=3)
    recipe = Recipe(epochs=1, batch_size=batch)
    members = random_members(space, 24)
    alone = {id(member): trained([member], data, recipe)[0] for member in members}
    assert_same(members[::-1], alone, trained(members[::-1], data, recipe))


@pytest.mark.parametrize("name", SPACES)
def test_recorded_kernels_give_the_same_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    space = make_space(name)
    data = make_data(space.input_shape)
    members = random_members(space, 5)
    one_by_one = trained(members, data)
    monkeypatch.setattr(chunk_training, "WORTHWHILE_RUNS", 1)
    for expected, result in zip(one_by_one, trained(members, data), strict=True):
        assert same_bits(expected, result)


def test_seeds_of_one_architecture_train_together_and_differ() -> None:
    space = make_space("mlp")
    data = make_data(space.input_shape)
    network = random_members(space, 1)[0].network
    members = [Member(network, seed) for seed in range(4)]
    results = trained(members, data)
    assert len({result.step_losses for result in results}) == 4
    assert all(same_bits(result, trained([m], data)[0]) for m, result in zip(members, results, strict=True))


def test_fewer_epochs_are_the_start_of_the_full_run() -> None:
    space = make_space("mlp")
    data = make_data(space.input_shape)
    network = random_members(space, 1)[0].network
    recipe = Recipe(epochs=3, batch_size=32)
    full, short = trained([Member(network, 0), Member(network, 0, epochs=1)], data, recipe)
    assert short.curve == full.curve[:1]
    assert short.step_losses == full.step_losses[: len(short.step_losses)]


def test_a_member_that_diverges_fails_without_touching_the_others() -> None:
    space = make_space("conv on signals")
    plain = make_data(space.input_shape)
    data = replace(plain, x_train=30 * plain.x_train)
    healthy = random_members(space, 3)
    broken = broken_member(data)
    recipe = Recipe(epochs=2, batch_size=64, optimizer="sgd", learning_rate=0.5)
    alone = {id(member): trained([member], data, recipe)[0] for member in healthy}
    members = [healthy[0], broken, *healthy[1:]]
    results = trained(members, data, recipe)
    assert "diverged" in results[1].error
    assert results[1].error.endswith(f"epoch {len(results[1].curve) + 1}")
    assert len(results[1].curve) < recipe.epochs
    assert all(not result.error for position, result in enumerate(results) if position != 1)
    assert_same(members, alone, results)


def broken_member(data: TrainingData) -> Member:
    """A deep linear network, which a large learning rate drives to infinity."""
    builder = NetworkBuilder(tuple(data.x_train.shape[1:]))
    node = builder.flatten(builder.input)
    for _ in range(3):
        node = builder.linear(node, 64)
    return Member(builder.build(builder.linear(node, 10)), 0)


@pytest.mark.cuda
def test_on_cuda_company_changes_losses_by_less_than_a_thousandth() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for name in SPACES:
        space = make_space(name)
        on_cpu = make_data(space.input_shape)
        parts = (on_cpu.x_train, on_cpu.y_train, on_cpu.x_validation, on_cpu.y_validation)
        data = TrainingData(*(part.cuda() for part in parts))
        members = random_members(space, 8)
        together = dict(train(members, data, RECIPE, step_losses=True))
        for position, member in enumerate(members):
            ((_, alone),) = train([member], data, RECIPE, step_losses=True)
            assert together[position].step_losses[:3] == pytest.approx(alone.step_losses[:3], abs=1e-3)
