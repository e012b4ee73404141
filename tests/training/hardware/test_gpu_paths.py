"""The ways that kernels take on a GPU, on a CPU that takes them too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from benchmarks.speed.ordinary_loop import train_ordinary
from nas_gym.networks import Shape
from nas_gym.search_spaces import make_search_space
from nas_gym.training import ChunkTraining, Keep, Member, Recipe
from nas_gym.training.kernels.paths import PATHS, Paths, paths_set
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
WAYS = {"library": PATHS["cuda"], "products": Paths(whole_groups=True)}


SHAPES: list[Shape] = [(1, 40), (3, 13), (1, 8, 8), (2, 7, 5)]


def each_way(cases: Iterable[Any], long: Collection[Any]) -> list[Any]:
    """Every case by each way; by whole groups, which take longer, some in `make slow` alone."""
    return [
        pytest.param(way, case, marks=pytest.mark.slow if way == "products" and case in long else ())
        for way in WAYS
        for case in cases
    ]


@pytest.fixture
def _gpu_ways(way: str) -> Iterator[None]:
    with paths_set("cpu", WAYS[way]):
        yield


@pytest.mark.usefixtures("_gpu_ways")
@pytest.mark.parametrize(("way", "shape"), each_way(SHAPES, [(1, 40), (1, 8, 8)]), ids=str)
def test_every_operation_gives_the_losses_of_the_ordinary_loop(way: str, shape: Shape) -> None:
    data = make_data(shape)  # a last batch whose rows are not dense
    networks = operation_networks(shape)
    members = [Member(network, seed) for network in networks.values() for seed in (1, 1, 2)]
    results = trained(members, data)
    for number, (name, network) in enumerate(networks.items()):
        for member, result in zip(members[3 * number :], results[3 * number :][:3], strict=False):
            assert member.network is network
            expected = train_ordinary(member, data, RECIPE)
            assert result.step_losses == pytest.approx(expected.step_losses, abs=TOLERANCE), name


@pytest.mark.usefixtures("_gpu_ways")
@pytest.mark.parametrize(("way", "name"), each_way(SPACES, ["conv on images", "cell on signals"]))
def test_random_architectures_give_the_results_of_the_cpu(way: str, name: str) -> None:
    """By SGD: AdamW makes a step out of the rounding of a gradient that is exactly zero."""
    space = make_space(name)
    data = make_data(space.input_shape)
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", learning_rate=0.02)
    members = random_members(space, 8)
    results = trained(members, data, recipe)
    with paths_set("cpu", Paths()):
        expected = trained(members, data, recipe)
    for one, other in zip(results, expected, strict=True):
        assert one.step_losses == pytest.approx(other.step_losses, abs=TOLERANCE)
        for array, like in zip(one.state.values(), other.state.values(), strict=True):
            assert array.numpy() == pytest.approx(like.numpy(), abs=1e-4)


def kernels_of_a_step(name: str, shape: Shape, count: int, paths: Paths) -> int:
    space = make_search_space(name, shape, 10)
    rng = np.random.default_rng(0)
    members = [Member(space.network(space.sample(rng)), 0) for _ in range(count)]
    data = make_data(shape, train_size=64)
    with paths_set("cpu", paths):
        return ChunkTraining(members, data, Recipe(batch_size=64), Keep()).launches


def test_a_step_on_a_gpu_takes_less_than_half_of_the_kernels() -> None:
    for name, most in (("conv", 1950), ("cell", 450)):
        kernels = kernels_of_a_step(name, (1, 40), 64, PATHS["cuda"])
        assert kernels <= most
        assert 2 * kernels < kernels_of_a_step(name, (1, 40), 64, Paths())


def test_ways_that_were_set_are_given_back() -> None:
    with pytest.raises(LookupError), paths_set("cpu", WAYS["products"]):
        raise LookupError
    assert not PATHS["cpu"].whole_groups
