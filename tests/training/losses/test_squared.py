"""The squared loss: its kernels, its sums and its metrics, against autograd and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from torch import Tensor
from torch.nn import functional as F

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkBuilder, NetworkModule, Shape, initial_weights
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.training import (
    LOSSES,
    Keep,
    Member,
    OrdinaryTraining,
    Recipe,
    Trained,
    TrainingData,
    check_recipe,
    train,
)
from nas_gym.training import chunk as chunk_training
from nas_gym.training.batches import EVALUATION_BATCH, evaluation_batches
from nas_gym.training.program.tape import VECTOR
from tests.helpers.networks import SPACES, random_members, trained
from tests.training.test_invariance import BUDGETS, assert_same, same_bits

SQUARED = LOSSES["squared"]
RECIPE = Recipe(epochs=2, batch_size=32, learning_rate=0.01)
WIDTHS = (1, 3)
"""How many values are predicted at once."""


def value_data(
    shape: Shape, values: int, train_size: int = 150, validation_size: int = 70, noise: float = 0.3
) -> TrainingData:
    """Random linear functions of normal inputs, standardised, with noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(train_size + validation_size, *shape, generator=generator)
    y = x.flatten(1) @ torch.randn(x[0].numel(), values, generator=generator)
    y = y / y.std(0) + noise * torch.randn(y.shape, generator=generator)
    return TrainingData(x[:train_size], y[:train_size], x[train_size:], y[train_size:], loss="squared")


def value_space(name: str, values: int) -> SearchSpace[Any]:
    space, shape = SPACES[name]
    return make_search_space(space, shape, values)


def ordinary(member: Member, data: TrainingData, recipe: Recipe) -> Trained:
    """Train a member by the ordinary path, although its operations have kernels."""
    training = OrdinaryTraining(member, data, recipe, Keep(True, True))
    (result,) = training.run(lambda epoch, loss: None, lambda: False)
    return result


def by_scikit_learn(outputs: Tensor, truth: Tensor) -> dict[str, float]:
    """R², RMSE and MAE, computed independently in double precision."""
    predicted, expected = outputs.double().numpy(), truth.double().numpy()
    return {
        "r2": r2_score(expected, predicted),
        "rmse": mean_squared_error(expected, predicted) ** 0.5,
        "mae": mean_absolute_error(expected, predicted),
    }


@pytest.mark.parametrize(("loss", "reference"), [("squared", F.mse_loss), ("huber", F.huber_loss)])
@settings(deadline=None, max_examples=30)
@given(
    members=st.integers(1, 4),
    values=st.integers(1, 5),
    batch=st.integers(1, 40),
    shared=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_the_kernels_give_the_loss_and_the_gradient_of_autograd(
    loss: str,
    reference: Callable[[Tensor, Tensor], Tensor],
    members: int,
    values: int,
    batch: int,
    shared: bool,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    padding = -(values * batch) % VECTOR  # a row is longer than its numbers
    rows = 3 * torch.randn(members, values * batch + padding, generator=generator)
    targets = torch.randn(1 if shared else members, values, batch, generator=generator)
    gradient, losses = torch.full_like(rows, 7.0), torch.empty(members)
    outputs = rows[:, : values * batch].unflatten(1, (values, batch)).clone().requires_grad_()
    expected = torch.stack(
        [reference(*pair) for pair in zip(outputs, targets.expand_as(outputs), strict=True)]
    )
    expected.sum().backward()
    for kernel in LOSSES[loss].kernels(rows.clone(), gradient, targets, losses, values, batch):
        kernel()
    assert outputs.grad is not None
    torch.testing.assert_close(losses, expected.detach())
    torch.testing.assert_close(gradient[:, : values * batch].unflatten(1, (values, batch)), outputs.grad)
    assert (gradient[:, values * batch :] == 7.0).all()


@settings(deadline=None, max_examples=30)
@given(
    members=st.integers(1, 3),
    values=st.integers(1, 4),
    examples=st.integers(2, 2 * EVALUATION_BATCH + 40),
    seed=st.integers(0, 2**31),
)
def test_sums_over_filled_up_batches_are_the_metrics_of_scikit_learn(
    members: int, values: int, examples: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randn(examples, values, generator=generator)
    outputs = truth + torch.randn(members, examples, values, generator=generator)
    total = torch.zeros(SQUARED.sums(values), members)
    start = 0
    for batch in evaluation_batches(torch.zeros(examples, 1), truth, SQUARED, values):
        part = outputs[:, start : start + batch.size]
        filled = torch.full((members, values, batch.size), 1e4)  # of examples that only fill the batch up
        filled[:, :, : part.shape[1]] = part.transpose(1, 2)
        sums = torch.empty_like(total)
        for kernel in SQUARED.sum_up_members(filled.flatten(1), batch.answers, sums, values):
            kernel()
        total += sums
        start += batch.size
    assert start >= examples
    score, metrics = SQUARED.measured(total.double(), truth)
    for m in range(members):
        expected = by_scikit_learn(outputs[m], truth)
        assert score[m].item() == pytest.approx(max(0.0, expected["r2"]), abs=1e-5)
        assert metrics["rmse"][m].item() == pytest.approx(expected["rmse"], rel=1e-5)
        assert metrics["mae"][m].item() == pytest.approx(expected["mae"], rel=1e-5)
        alone = SQUARED.sum_up(outputs[m], truth)
        torch.testing.assert_close(alone, total[:, m], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("values", WIDTHS)
@pytest.mark.parametrize("name", SPACES)
def test_the_engine_measures_what_the_module_answers(name: str, values: int) -> None:
    space = value_space(name, values)
    data = value_data(space.input_shape, values, validation_size=300)  # two batches, the second filled up
    for result in trained(random_members(space, 4), data, RECIPE):
        with torch.no_grad():
            outputs = result.module(data.x_validation)
        expected = by_scikit_learn(outputs, data.y_validation)
        assert result.curve[-1] == pytest.approx(max(0.0, expected["r2"]), abs=1e-4)
        assert result.metrics == pytest.approx({name: expected[name] for name in ("rmse", "mae")}, rel=1e-4)


def test_a_test_part_is_measured_as_the_validation_part_is() -> None:
    space = value_space("mlp", 2)
    data = value_data(space.input_shape, 2, noise=0.0)
    data = replace(data, x_test=data.x_validation, y_test=data.y_validation)
    for result in trained(random_members(space, 3), data, RECIPE):
        assert result.test == result.curve[-1]


@pytest.mark.parametrize("values", WIDTHS)
@pytest.mark.parametrize("name", SPACES)
def test_the_ordinary_path_agrees_with_fused_kernels(name: str, values: int) -> None:
    """By SGD: AdamW makes a step out of the rounding of a gradient that is exactly zero."""
    space = value_space(name, values)
    data = value_data(space.input_shape, values)
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", learning_rate=0.02)
    members = random_members(space, 4)
    for member, fused in zip(members, trained(members, data, recipe), strict=True):
        one = ordinary(member, data, recipe)
        assert one.step_losses == pytest.approx(fused.step_losses, rel=1e-4, abs=1e-5)
        assert one.losses == pytest.approx(fused.losses, rel=1e-4, abs=1e-5)
        assert one.curve == pytest.approx(fused.curve, abs=1e-3)
        assert one.metrics == pytest.approx(fused.metrics, rel=1e-3)
        assert one.state.keys() == fused.state.keys()
        for array, expected in fused.state.items():
            torch.testing.assert_close(one.state[array], expected, rtol=1e-4, atol=1e-4)


def test_huber_agrees_with_the_ordinary_path_and_is_measured_alike() -> None:
    space = value_space("mlp", 2)
    data = replace(value_data(space.input_shape, 2, noise=2.0), loss="huber")
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", learning_rate=0.02)
    members = random_members(space, 3)
    for member, fused in zip(members, trained(members, data, recipe), strict=True):
        one = ordinary(member, data, recipe)
        assert one.step_losses == pytest.approx(fused.step_losses, rel=1e-4, abs=1e-5)
        assert one.metrics == pytest.approx(fused.metrics, rel=1e-3)
        assert fused.metrics.keys() == {"rmse", "mae"}


def test_losses_are_those_of_a_plain_loop() -> None:
    data, member = value_data((5,), 2), linear_member((5,), 2)
    recipe = Recipe(epochs=2, batch_size=40, optimizer="sgd", learning_rate=0.05, schedule="constant")
    (result,) = trained([member], data, recipe)
    module = NetworkModule(member.network)
    module.load_state_dict(dict(initial_weights(member.network, member.seed)))
    optimizer = torch.optim.SGD(
        module.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
    )
    order = torch.Generator().manual_seed(member.seed)
    losses = []
    for _ in range(recipe.epochs):
        for batch in torch.randperm(150, generator=order).split(40):
            loss = F.mse_loss(module(data.x_train[batch]), data.y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert result.step_losses == pytest.approx(losses, rel=1e-5)


def linear_member(shape: Shape, values: int, layers: int = 0) -> Member:
    builder = NetworkBuilder(shape)
    node = builder.flatten(builder.input)
    for _ in range(layers):
        node = builder.linear(node, 64)
    return Member(builder.build(builder.linear(node, values)), 3)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *(("mlp", values) for values in WIDTHS),
        ("conv on signals", 1),
        ("cell on images", 3),
        pytest.param("conv on signals", 3, marks=pytest.mark.slow),
        pytest.param("cell on images", 1, marks=pytest.mark.slow),
    ],
)
def test_bits_are_the_same_alone_and_in_any_company(name: str, values: int) -> None:
    space = value_space(name, values)
    data = value_data(space.input_shape, values, train_size=54, validation_size=300)
    members = random_members(space, 6, seed=3)
    alone = {id(member): trained([member], data, RECIPE)[0] for member in members}
    for size in (2, 3):
        for start in range(0, len(members), size):
            part = members[start : start + size]
            assert_same(part, alone, trained(part, data, RECIPE))
    others = [Member(one.network, number % 3) for number, one in enumerate(random_members(space, 6, seed=4))]
    crowd = members + others
    for budget in BUDGETS:
        results = trained(crowd, data, RECIPE, memory=budget)
        assert_same(crowd, alone, results)
        assert all(
            result.metrics == alone[id(member)].metrics
            for member, result in zip(members, results, strict=False)
        )
    assert_same(crowd[::-1], alone, trained(crowd[::-1], data, RECIPE, cores=2))


def test_recorded_kernels_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    space = value_space("mlp", 2)
    data = value_data(space.input_shape, 2)
    members = random_members(space, 5)
    one_by_one = trained(members, data)
    monkeypatch.setattr(chunk_training, "WORTHWHILE_RUNS", 1)
    for expected, result in zip(one_by_one, trained(members, data), strict=True):
        assert same_bits(expected, result)
        assert expected.metrics == result.metrics


@pytest.mark.parametrize("values", WIDTHS)
def test_a_network_learns_what_can_be_known(values: int) -> None:
    data = value_data((6,), values, train_size=1000, validation_size=2000, noise=0.5)
    (result,) = trained([linear_member((6,), values)], data, replace(RECIPE, epochs=20))
    assert result.curve[-1] == pytest.approx(1 / 1.25, abs=0.03)  # the noise is .25 of 1.25 parts
    assert result.losses[-1] == pytest.approx(0.25, abs=0.03)


def test_a_score_below_that_of_the_mean_is_0() -> None:
    data = value_data((6,), 1)
    opposite = replace(data, y_validation=-data.y_validation)
    for result in (
        trained([linear_member((6,), 1)], opposite, replace(RECIPE, epochs=20))[0],
        ordinary(linear_member((6,), 1), opposite, replace(RECIPE, epochs=20)),
    ):
        assert result.curve[-1] == 0.0
        assert result.error == ""
        assert result.metrics["rmse"] > 1.5


@pytest.mark.parametrize(
    ("scale", "rate", "words"), [(1.0, 0.5, "the loss was"), (10.0, 0.01, "the network's outputs were")]
)
def test_a_network_that_diverges_fails_without_touching_the_others(
    scale: float, rate: float, words: str
) -> None:
    data = value_data((6,), 2)
    data = replace(data, x_train=scale * data.x_train)
    recipe = Recipe(epochs=3, batch_size=64, optimizer="sgd", learning_rate=rate, weight_decay=0.0)
    members = [linear_member((6,), 2), linear_member((6,), 2, layers=3)]
    healthy, broken = trained(members, data, recipe)
    assert same_bits(healthy, trained(members[:1], data, recipe)[0])
    assert not healthy.error
    assert broken.error == f"training diverged: {words} not finite in epoch {len(broken.curve) + 1}"
    assert broken.metrics == {}
    assert all(0 <= score <= 1 for score in broken.curve)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e30])
def test_outputs_that_are_not_finite_make_the_score_not_a_number(number: float) -> None:
    truth = torch.randn(8, 1, generator=torch.Generator().manual_seed(0))
    outputs = truth.clone()
    outputs[3] = number  # of 1e30 float32 holds no square
    sums = SQUARED.sum_up(outputs, truth).double()[:, None]
    score, _ = SQUARED.measured(sums, truth)
    assert score.isnan().all()


@pytest.mark.parametrize("path", ["fused", "ordinary"])
def test_outputs_for_test_examples_that_are_not_finite_are_a_failure(path: str) -> None:
    data = value_data((4,), 1)
    data = replace(data, x_test=torch.full((3, 4), 1e38), y_test=torch.tensor([[0.0], [1.0], [2.0]]))
    member = linear_member((4,), 1, layers=2)
    result = trained([member], data)[0] if path == "fused" else ordinary(member, data, RECIPE)
    assert result.error == "training diverged: the network's outputs for test examples were not finite"
    assert result.test is None


def test_label_smoothing_is_refused_where_there_are_no_labels() -> None:
    check_recipe(Recipe(label_smoothing=0.1), "cross_entropy")
    check_recipe(Recipe(), "squared")
    with pytest.raises(NASGymError, match="label_smoothing is for classes, and the task's loss is 'squared'"):
        check_recipe(Recipe(label_smoothing=0.1), "squared")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("values", WIDTHS)
def test_cuda_agrees_with_the_cpu(values: int) -> None:
    space = value_space("mlp", values)
    data = value_data(space.input_shape, values)
    parts = (data.x_train, data.y_train, data.x_validation, data.y_validation)
    there = TrainingData(*(part.cuda() for part in parts), loss="squared")
    members = random_members(space, 6)
    found = dict(train(members, there, RECIPE))
    for position, expected in enumerate(trained(members, data, RECIPE)):
        assert found[position].curve == pytest.approx(expected.curve, abs=0.03)
        assert found[position].metrics == pytest.approx(expected.metrics, rel=0.05)
