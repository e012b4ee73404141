"""Fused kernels of the operations on sequences: as the ordinary loop, and a member alone as in company."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.speed.ordinary_loop import train_ordinary
from nas_gym.search_spaces import make_search_space
from nas_gym.training import ChunkTraining, Keep, Member, Recipe
from nas_gym.training.kernels.paths import PATHS, paths_set
from nas_gym.training.kernels.registry import is_fusible
from tests.helpers.networks import make_data, random_members, trained
from tests.helpers.operations.sequences import code_data, crossing_network, sequence_networks

LENGTH = 7
RECIPE = Recipe(epochs=1, batch_size=32, optimizer="sgd", learning_rate=0.05)


def networks():
    return sequence_networks(LENGTH) | {"cross-attention": crossing_network(LENGTH)}


def test_every_operation_gives_the_losses_of_the_ordinary_loop() -> None:
    data, every = code_data(LENGTH), networks()
    assert all(map(is_fusible, every.values()))
    members = [Member(network, 1) for network in every.values()]
    for name, member, result in zip(every, members, trained(members, data, RECIPE), strict=True):
        expected = train_ordinary(member, data, RECIPE)
        assert result.step_losses == pytest.approx(expected.step_losses, abs=1e-5), name
        assert result.curve == pytest.approx(expected.curve, abs=0.03), name


def test_a_member_is_trained_alike_alone_and_in_company() -> None:
    data = code_data(LENGTH)
    members = [Member(network, seed) for network in networks().values() for seed in (1, 2)]
    together = trained(members, data, RECIPE)
    for number, (member, result) in enumerate(zip(members, together, strict=True)):
        if number % 3 == 0:  # of each network one seed or the other
            (alone,) = trained([member], data, RECIPE)
            assert alone.step_losses == result.step_losses
            assert all(torch.equal(alone.state[key], result.state[key]) for key in alone.state)


def test_the_ways_of_a_gpu_give_the_same_losses() -> None:
    data, every = code_data(LENGTH), networks()
    members = [Member(network, seed) for network in every.values() for seed in (1, 2)]
    expected = trained(members, data, RECIPE)
    with paths_set("cpu", PATHS["cuda"]):
        found = trained(members, data, RECIPE)
    for one, other in zip(found, expected, strict=True):
        assert one.step_losses == pytest.approx(other.step_losses, abs=1e-5)


def test_attention_rounds_its_factors_where_a_recipe_asks_for_bfloat16() -> None:
    """By the engine's kernels on a CPU, which `train` refuses there, and which are those of a GPU."""
    data, steps = code_data(LENGTH), []
    members = [Member(networks()["cross-attention"], 1)]
    for precision in ("float32", "bfloat16"):
        chunk = ChunkTraining(members, data, replace(RECIPE, precision=precision), Keep(step_losses=True))
        (result,) = chunk.run(lambda *_: None, lambda: False)
        steps.append((chunk.launches, result.step_losses[0]))
        held = [getattr(call, "func", None) for call in chunk._training_calls(chunk._batches.parts[0])]
        assert (torch.bmm in held) == (torch.baddbmm in held) == (precision == "float32")
    (less, exact), (more, rounded) = steps
    assert less < more
    assert exact != rounded == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 60)], ids=str)
def test_transformers_on_images_and_signals_stay_with_the_ordinary_loop(shape) -> None:
    data = make_data(shape, 70, 40)
    space = make_search_space({"name": "transformer", "max_layers": 2, "channels": 8}, shape, 10)
    members = random_members(space, 3, seed=1)
    for member, result in zip(members, trained(members, data, RECIPE), strict=True):
        expected = train_ordinary(member, data, RECIPE)
        assert result.step_losses == pytest.approx(expected.step_losses, abs=1e-5)
