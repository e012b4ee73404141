"""The loss of several labels: its kernels, its sums and its metrics, against autograd and scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, hamming_loss
from torch import Tensor
from torch.nn import functional as F

from nas_gym.networks import Shape
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tasks import Labels
from nas_gym.training import LOSSES, Recipe, TrainingData, train
from nas_gym.training import chunk as chunk_training
from nas_gym.training.batches import EVALUATION_BATCH, evaluation_batches
from nas_gym.training.losses.binary_cross_entropy import LABEL_METRICS
from nas_gym.training.program.tape import VECTOR
from tests.helpers.networks import SPACES, random_members, trained
from tests.training.losses.test_squared import linear_member, ordinary
from tests.training.test_invariance import BUDGETS, assert_same, same_bits

BINARY = LOSSES["binary_cross_entropy/macro_f1"]
RECIPE = Recipe(epochs=2, batch_size=32, learning_rate=0.01)


def label_data(
    shape: Shape, labels: int, train_size: int = 150, validation_size: int = 70, metric: str = "macro_f1"
) -> TrainingData:
    """Normal inputs and labels by the sign of linear functions of them with noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(train_size + validation_size, *shape, generator=generator)
    odds = x.flatten(1) @ torch.randn(x[0].numel(), labels, generator=generator)
    odds = odds / odds.std(0) + 0.3 * torch.randn(odds.shape, generator=generator) - 0.3
    y = (odds > 0).float()
    parts = x[:train_size], y[:train_size], x[train_size:], y[train_size:]
    return TrainingData(*parts, loss=f"binary_cross_entropy/{metric}")


def label_space(name: str, labels: int) -> SearchSpace[Any]:
    space, shape = SPACES[name]
    return make_search_space(space, shape, labels)


def by_scikit_learn(outputs: Tensor, truth: Tensor) -> dict[str, float]:
    answered, there = (outputs > 0).int().numpy(), truth.int().numpy()
    if there.shape[1] == 1:  # which scikit-learn takes for two classes
        f1 = f1_score(there, answered, zero_division=np.nan)
        accuracy = accuracy_score(there, answered)
        return dict(zip(LABEL_METRICS, (f1, f1, accuracy, accuracy), strict=True))
    return {
        "macro_f1": f1_score(there, answered, average="macro", zero_division=np.nan),
        "micro_f1": f1_score(there, answered, average="micro"),
        "hamming": 1 - hamming_loss(there, answered),
        "subset_accuracy": accuracy_score(there, answered),
    }


@settings(deadline=None, max_examples=30)
@given(
    members=st.integers(1, 4),
    labels=st.integers(1, 5),
    batch=st.integers(1, 40),
    shared=st.booleans(),
    size=st.sampled_from([1.0, 10.0, 1000.0]),
    seed=st.integers(0, 2**31),
)
def test_the_kernels_give_the_loss_and_the_gradient_of_autograd(
    members: int, labels: int, batch: int, shared: bool, size: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    padding = -(labels * batch) % VECTOR  # a row is longer than its numbers
    rows = size * torch.randn(members, labels * batch + padding, generator=generator)
    targets = torch.rand(1 if shared else members, labels, batch, generator=generator).round()
    gradient, losses = torch.full_like(rows, 7.0), torch.empty(members)
    outputs = rows[:, : labels * batch].unflatten(1, (labels, batch)).clone().requires_grad_()
    expected = torch.stack(
        [
            F.binary_cross_entropy_with_logits(*pair)
            for pair in zip(outputs, targets.expand_as(outputs), strict=True)
        ]
    )
    expected.sum().backward()
    for kernel in BINARY.kernels(rows.clone(), gradient, targets, losses, labels, batch):
        kernel()
    assert outputs.grad is not None
    torch.testing.assert_close(losses, expected.detach())
    found = gradient[:, : labels * batch].unflatten(1, (labels, batch))
    torch.testing.assert_close(found, outputs.grad, rtol=1e-5, atol=1e-6)
    assert (gradient[:, labels * batch :] == 7.0).all()


@settings(deadline=None, max_examples=40)
@given(
    members=st.integers(1, 3),
    labels=st.integers(1, 4),
    examples=st.integers(2, 2 * EVALUATION_BATCH + 40),
    seed=st.integers(0, 2**31),
)
def test_sums_over_filled_up_batches_are_the_metrics_of_scikit_learn(
    members: int, labels: int, examples: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    truth = (torch.randn(examples, labels, generator=generator) > 0.5).float()
    truth[0] = 1.0
    outputs = truth - 0.5 + torch.randn(members, examples, labels, generator=generator)
    total = torch.zeros(BINARY.sums(labels), members)
    start = 0
    for batch in evaluation_batches(torch.zeros(examples, 1), truth, BINARY, labels):
        part = outputs[:, start : start + batch.size]
        filled = torch.full((members, labels, batch.size), 1e4)  # of examples that only fill the batch up
        filled[:, :, : part.shape[1]] = part.transpose(1, 2)
        sums = torch.empty_like(total)
        for kernel in BINARY.sum_up_members(filled.flatten(1), batch.answers, sums, labels):
            kernel()
        total += sums
        start += batch.size
    assert start >= examples
    names = tuple(f"label {number}" for number in range(labels))
    for metric in LABEL_METRICS:
        score, metrics = LOSSES[f"binary_cross_entropy/{metric}"].measured(total.double(), truth)
        for m in range(members):
            expected = by_scikit_learn(outputs[m], truth)
            found = {metric: score[m].item()} | {name: one[m].item() for name, one in metrics.items()}
            assert found == pytest.approx(expected, abs=1e-9)
            assert torch.equal(BINARY.sum_up(outputs[m], truth), total[:, m])
            measured, others = Labels(names, metric).measure(outputs[m].numpy(), truth.numpy())
            assert {metric: measured} | others == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("name", SPACES)
def test_the_ordinary_path_agrees_with_fused_kernels(name: str, labels: int) -> None:
    """By SGD: AdamW makes a step out of the rounding of a gradient that is exactly zero."""
    space = label_space(name, labels)
    data = label_data(space.input_shape, labels)
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", learning_rate=0.02, label_smoothing=0.1)
    members = random_members(space, 4)
    for member, fused in zip(members, trained(members, data, recipe), strict=True):
        one = ordinary(member, data, recipe)
        assert one.step_losses == pytest.approx(fused.step_losses, rel=1e-4, abs=1e-5)
        assert one.curve == pytest.approx(fused.curve, abs=0.05)
        for array, expected in fused.state.items():
            torch.testing.assert_close(one.state[array], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("mlp", 1),
        ("mlp", 3),
        ("conv on signals", 3),
        ("cell on images", 1),
        pytest.param("conv on signals", 1, marks=pytest.mark.slow),
        pytest.param("cell on images", 3, marks=pytest.mark.slow),
    ],
)
def test_bits_are_the_same_alone_and_in_any_company(name: str, labels: int) -> None:
    space = label_space(name, labels)
    data = label_data(space.input_shape, labels, train_size=54, validation_size=300)
    members = random_members(space, 6, seed=3)
    alone = {id(member): trained([member], data, RECIPE)[0] for member in members}
    for size in (2, 3):
        for start in range(0, len(members), size):
            part = members[start : start + size]
            assert_same(part, alone, trained(part, data, RECIPE))
    for budget in BUDGETS:
        results = trained(members, data, RECIPE, memory=budget)
        assert_same(members, alone, results)
        assert all(
            result.metrics == alone[id(member)].metrics
            for member, result in zip(members, results, strict=True)
        )
    assert_same(members[::-1], alone, trained(members[::-1], data, RECIPE, cores=2))


def test_recorded_kernels_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    space = label_space("mlp", 2)
    data = label_data(space.input_shape, 2)
    members = random_members(space, 5)
    one_by_one = trained(members, data)
    monkeypatch.setattr(chunk_training, "WORTHWHILE_RUNS", 1)
    for expected, result in zip(one_by_one, trained(members, data), strict=True):
        assert same_bits(expected, result)
        assert expected.metrics == result.metrics


def test_the_engine_measures_what_the_module_answers() -> None:
    space = label_space("mlp", 3)
    data = label_data(space.input_shape, 3, validation_size=300, metric="hamming")
    for result in trained(random_members(space, 4), data, RECIPE):
        with torch.no_grad():
            expected = by_scikit_learn(result.module(data.x_validation), data.y_validation)
        assert result.curve[-1] == pytest.approx(expected.pop("hamming"), abs=2e-3)
        assert result.metrics == pytest.approx(expected, abs=2e-2)


def test_a_network_learns_what_can_be_known() -> None:
    data = label_data((6,), 3, train_size=1000, validation_size=2000)
    (result,) = trained([linear_member((6,), 3)], data, replace(RECIPE, epochs=20))
    assert result.curve[-1] > 0.85


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_outputs_that_are_not_finite_make_the_score_not_a_number(number: float) -> None:
    truth = torch.ones(8, 2)
    outputs = truth.clone()
    outputs[3, 1] = number
    sums = BINARY.sum_up(outputs, truth).double()[:, None]
    assert BINARY.measured(sums, truth)[0].isnan().all()
    assert np.isnan(Labels(("a", "b")).measure(outputs.numpy(), truth.numpy())[0])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu() -> None:
    space = label_space("mlp", 3)
    data = label_data(space.input_shape, 3)
    parts = (data.x_train, data.y_train, data.x_validation, data.y_validation)
    there = TrainingData(*(part.cuda() for part in parts), loss=data.loss)
    members = random_members(space, 6)
    found = dict(train(members, there, RECIPE))
    for position, expected in enumerate(trained(members, data, RECIPE)):
        assert found[position].curve == pytest.approx(expected.curve, abs=0.05)
