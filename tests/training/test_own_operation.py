"""Networks with an operation that has no fused kernels train in the same call, by the ordinary path."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import Linear, Network, NetworkBuilder, Operation
from nas_gym.training import Keep, Member, OrdinaryTraining, Progress, Recipe, Trained, TrainingData, train
from nas_gym.training.kernels.registry import KERNELS, is_fusible
from tests.helpers.networks import (
    RECIPE,
    SPACES,
    make_data,
    make_space,
    operation_networks,
    random_members,
    trained,
)
from tests.helpers.own_operation import WaveSpace
from tests.training.test_invariance import same_bits

TOLERANCE = 1e-5
ROOT = Path(__file__).parents[2] / "nas_gym"
WAVES = WaveSpace((1, 6), 3)
DATA = make_data((1, 6), classes=3)


def ordinary(member: Member, data: TrainingData, recipe: Recipe) -> Trained:
    """Train a member by the ordinary path, whether or not its operations have kernels."""
    (result,) = OrdinaryTraining(member, data, recipe, Keep(True, True)).run(
        lambda epoch, loss: None, lambda: False
    )
    return result


def assert_close(one: Trained, other: Trained) -> None:
    assert one.step_losses == pytest.approx(other.step_losses, abs=TOLERANCE)
    assert one.losses == pytest.approx(other.losses, abs=TOLERANCE)
    assert one.curve == pytest.approx(other.curve, abs=0.02)
    assert one.state.keys() == other.state.keys()


def members_of(texts: Sequence[str], seed: int = 0) -> list[Member]:
    return [Member(WAVES.network(WAVES.parse(text)), seed) for text in texts]


WAVE = members_of(["width=4, form=wave"])[0]
RELU = members_of(["width=4, form=relu"])[0]


@pytest.mark.parametrize("shape", [(1, 40), (2, 7, 5)], ids=str)
def test_the_ordinary_path_gives_the_curves_of_fused_kernels_for_every_operation(
    shape: tuple[int, ...],
) -> None:
    data = make_data(shape)
    members = [Member(network, 1) for network in operation_networks(shape).values()]
    for member, fused in zip(members, trained(members, data), strict=True):
        assert_close(ordinary(member, data, RECIPE), fused)


@pytest.mark.parametrize("name", SPACES)
def test_the_ordinary_path_gives_the_weights_of_fused_kernels_for_random_networks(name: str) -> None:
    """By SGD: AdamW makes a step out of the rounding of a gradient that is exactly zero."""
    space = make_space(name)
    data = make_data(space.input_shape)
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", learning_rate=0.02)
    members = random_members(space, 4)
    for member, fused in zip(members, trained(members, data, recipe), strict=True):
        result = ordinary(member, data, recipe)
        assert_close(result, fused)
        for array, expected in fused.state.items():
            torch.testing.assert_close(result.state[array], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=2, batch_size=50, label_smoothing=0.2, learning_rate=0.01),
        Recipe(epochs=2, batch_size=16, schedule="constant", weight_decay=0.0, learning_rate=0.01),
        Recipe(epochs=2, batch_size=149, learning_rate=0.01),
    ],
    ids=["label smoothing", "constant", "a last batch of one"],
)
def test_the_ordinary_path_follows_every_recipe(recipe: Recipe) -> None:
    data = make_data((4,))
    builder = NetworkBuilder((4,))
    # A bias before a batch norm has a gradient of rounding alone, of which AdamW makes a step.
    hidden = builder.batch_norm(builder.linear(builder.input, 8, bias=False))
    member = Member(builder.build(builder.linear(builder.activation(hidden, "gelu"), 10)), 2, epochs=1)
    (fused,) = trained([member], data, recipe)
    assert_close(ordinary(member, data, recipe), fused)


class Product(Linear):
    """A linear operation that is not known to be one."""


def test_a_subclass_of_an_operation_does_not_take_its_kernels() -> None:
    def network(operation: Operation) -> Network:
        builder = NetworkBuilder((4,))
        hidden = builder.operation(operation, builder.input, shape=(8,), bias=True)
        return builder.build(builder.linear(builder.activation(hidden, "tanh"), 10))

    own, known = network(Product()), network(Linear())
    assert not is_fusible(own)
    assert is_fusible(known)
    data = make_data((4,))
    assert_close(*trained([Member(own, 0), Member(known, 0)], data))


def test_own_and_built_in_operations_train_in_one_call_without_touching_each_other() -> None:
    texts = [f"width={width}, form={form}" for width in (4, 8) for form in ("wave", "relu")]
    members = members_of(texts) + members_of(texts, seed=1)
    alone = [trained([member], DATA)[0] for member in members]
    assert {is_fusible(member.network) for member in members} == {True, False}
    for options in ({"cores": 1}, {"cores": 2}, {"memory": 10**5}):
        together = trained(members, DATA, **options)
        assert all(same_bits(one, other) for one, other in zip(alone, together, strict=True))
    backwards = trained(members[::-1], DATA)
    assert all(same_bits(one, other) for one, other in zip(alone[::-1], backwards, strict=True))


def test_an_own_operation_learns_and_its_buffers_are_kept() -> None:
    recipe = Recipe(epochs=3, batch_size=32)
    (result,) = trained([WAVE], DATA, recipe)
    assert len(result.curve) == 3
    assert result.losses[-1] < result.losses[0]
    assert result.state["3_batches"].item() == len(result.step_losses)
    assert result.seconds > 0
    with torch.no_grad():
        right = result.module(DATA.x_validation).argmax(1) == DATA.y_validation
    assert right.double().mean().item() == pytest.approx(result.curve[-1])


def test_fewer_epochs_of_an_own_operation_are_the_start_of_the_full_run() -> None:
    recipe = Recipe(epochs=3, batch_size=32)
    full, short = trained([WAVE, replace(WAVE, epochs=1)], DATA, recipe)
    assert short.curve == full.curve[:1]
    assert short.step_losses == full.step_losses[: len(short.step_losses)]


def test_an_own_operation_that_diverges_has_failed_and_the_others_go_on() -> None:
    class Explode(Operation):
        def forward(self, node, inputs, arrays, training):  # type: ignore[no-untyped-def]
            return inputs[0] / 0

    builder = NetworkBuilder((1, 6))
    flat = builder.flatten(builder.input)
    broken = Member(builder.build(builder.linear(builder.operation(Explode(), flat), 3)), 0)
    failed, other = trained([broken, RELU], DATA)
    assert failed.error == "training diverged: the loss was not finite in epoch 1"
    assert failed.curve == ()
    assert not other.error


def test_an_own_operation_of_another_shape_is_one_sentence() -> None:
    class Half(Operation):
        def forward(self, node, inputs, arrays, training):  # type: ignore[no-untyped-def]
            return inputs[0][:, :3]

    builder = NetworkBuilder((6,))
    member = Member(builder.build(builder.operation(Half(), builder.input)), 0)
    with pytest.raises(NASGymError, match=r"Half' returned .* \(64, 3\), expected .* \(64, 6\): mend"):
        trained([member], make_data((6,), classes=3))


def test_a_network_without_parameters_is_measured() -> None:
    class Turn(Operation):
        def forward(self, node, inputs, arrays, training):  # type: ignore[no-untyped-def]
            return inputs[0].flip(1)

    builder = NetworkBuilder((3,))
    member = Member(builder.build(builder.operation(Turn(), builder.input)), 0)
    data = make_data((3,), classes=3)
    (result,) = trained([member], data)
    expected = (data.x_validation.flip(1).argmax(1) == data.y_validation).double().mean().item()
    assert result.curve == (expected,) * RECIPE.epochs


def test_a_test_part_is_measured_once_on_the_ordinary_path() -> None:
    data = replace(DATA, x_test=DATA.x_validation, y_test=DATA.y_validation)
    (result,) = trained([WAVE], data)
    assert result.test == result.curve[-1]


def test_progress_and_interruption_reach_the_ordinary_path() -> None:
    threads = threading.active_count()
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(train([WAVE], DATA, Recipe(epochs=10_000), progress=interrupt))
    assert [progress.share for progress in seen] == pytest.approx([1e-4, 2e-4, 3e-4])
    assert threading.active_count() == threads


def test_the_ordinary_path_leaves_global_randomness_and_settings_alone() -> None:
    state = torch.get_rng_state()
    (expected,) = trained([WAVE], DATA)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        torch.set_default_dtype(torch.float64)
        try:
            (result,) = trained([WAVE], DATA)
        finally:
            torch.set_default_dtype(torch.float32)
    assert same_bits(expected, result)


def test_kernels_stand_in_files_named_as_those_of_their_operations() -> None:
    for operation, kernels in KERNELS.items():
        stem = operation.__module__.rpartition(".")[2]
        assert len(list((ROOT / "networks" / "operations").rglob(f"{stem}.py"))) == 1
        (found,) = (ROOT / "training" / "kernels" / "operations").rglob(f"{stem}.py")
        assert "KERNELS = " in found.read_text()
        assert kernels.forward is not None
