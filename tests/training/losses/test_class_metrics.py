"""Cross-entropy measured by other metrics: kernels, sums and weights, against autograd and scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from torch import Tensor
from torch.nn import functional as F

from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Classes
from nas_gym.training import LOSSES, Keep, OrdinaryTraining, Recipe, TrainingData, loss_of, train
from nas_gym.training.batches import EVALUATION_BATCH, evaluation_batches
from nas_gym.training.losses.ranked_classes import RANKED
from nas_gym.training.program.tape import VECTOR
from tests.helpers.networks import random_members

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")


def by_scikit_learn(outputs: Tensor, y: Tensor) -> dict[str, float]:
    """The metrics, computed independently in double precision."""
    logits, truth = outputs.double(), y.numpy()
    answers = logits.argmax(1).numpy()
    shares = np.bincount(truth, minlength=logits.shape[1]) / len(truth)
    entropy = -sum(share * math.log(share) for share in shares if share)
    loss = log_loss(truth, logits.softmax(1).numpy(), labels=range(logits.shape[1]))
    return {
        "accuracy": accuracy_score(truth, answers),
        "balanced_accuracy": balanced_accuracy_score(truth, answers),
        "macro_f1": f1_score(truth, answers, average="macro"),
        "log_loss": 1 - loss / entropy,
    }


def labels(examples: int, classes: int, generator: torch.Generator) -> Tensor:
    """Labels of which each class has some."""
    rest = torch.randint(classes, (examples - classes,), generator=generator)
    return torch.cat([torch.arange(classes), rest])[torch.randperm(examples, generator=generator)]


@settings(deadline=None, max_examples=30)
@given(
    members=st.integers(1, 3),
    classes=st.integers(2, 5),
    examples=st.integers(5, 2 * EVALUATION_BATCH + 40),
    equal=st.booleans(),
    seed=st.integers(0, 2**31),
)
@pytest.mark.filterwarnings("ignore")
def test_sums_over_filled_up_batches_are_the_metrics_of_scikit_learn(
    members: int, classes: int, examples: int, equal: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    y = labels(examples, classes, generator)
    outputs = torch.randn(members, examples, classes, generator=generator)
    if equal:
        outputs = outputs.round()  # so that some of the largest are equal
    for metric in METRICS:
        loss = LOSSES[f"cross_entropy/{metric}"]
        total = torch.zeros(loss.sums(classes), members)
        start = 0
        for batch in evaluation_batches(torch.zeros(examples, 1), y, loss, classes):
            part = outputs[:, start : start + batch.size]
            filled = torch.full((members, classes, batch.size), 7.0)  # of examples that only fill up
            filled[:, :, : part.shape[1]] = part.transpose(1, 2)
            sums = torch.empty_like(total)
            for kernel in loss.sum_up_members(filled.flatten(1), batch.answers, sums, classes):
                kernel()
            total += sums
            start += batch.size
        score, others = loss.measured(total.double(), y)
        for m in range(members):
            expected = by_scikit_learn(outputs[m], y)
            assert score[m].item() == pytest.approx(max(0.0, expected.pop(metric)), abs=1e-5)
            assert {name: each[m].item() for name, each in others.items()} == pytest.approx(
                expected, abs=1e-5
            )
            torch.testing.assert_close(loss.sum_up(outputs[m], y), total[:, m], rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    members=st.integers(1, 4),
    classes=st.integers(2, 5),
    batch=st.integers(5, 40),
    smoothing=st.sampled_from([0.0, 0.2]),
    balanced=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_weighted_classes_have_the_loss_and_the_gradient_of_autograd(
    members: int, classes: int, batch: int, smoothing: float, balanced: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    y = labels(batch, classes, generator)
    given = tuple(float(each + 1) for each in range(classes))
    name = "balanced" if balanced else f"weights={','.join(map(repr, given))}"
    loss = loss_of(f"cross_entropy/accuracy/{name}")
    targets = loss.targets(y, classes, smoothing)
    weights = batch / (classes * torch.bincount(y, minlength=classes).float())
    if not balanced:
        weights = torch.tensor(given) / torch.tensor(given)[y].mean()
    torch.testing.assert_close(targets.sum(1), weights[y])
    padding = -(classes * batch) % VECTOR
    rows = 3 * torch.randn(members, classes * batch + padding, generator=generator)
    outputs = rows[:, : classes * batch].unflatten(1, (classes, batch)).clone().requires_grad_()
    by_weight = [
        (F.cross_entropy(each.T, y, reduction="none", label_smoothing=smoothing) * weights[y]).mean()
        if not smoothing
        else loss.mean(each.T, targets)
        for each in outputs
    ]
    expected = torch.stack(by_weight)
    expected.sum().backward()
    gradient, losses = torch.full_like(rows, 7.0), torch.empty(members)
    made = (rows.clone(), gradient, targets.T.contiguous()[None], losses, classes, batch)
    for kernel in loss.kernels(*made):
        kernel()
    assert outputs.grad is not None
    torch.testing.assert_close(losses, expected.detach())
    found = gradient[:, : classes * batch].unflatten(1, (classes, batch))
    torch.testing.assert_close(found, outputs.grad, rtol=1e-4, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(
    members=st.integers(1, 3),
    classes=st.integers(2, 4),
    examples=st.integers(5, EVALUATION_BATCH + 40),
    spread=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 2**31),
)
def test_sums_over_filled_up_batches_are_the_rankings_of_the_task(
    members: int, classes: int, examples: int, spread: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    y = labels(examples, classes, generator)
    outputs = spread * torch.randn(members, examples, classes, generator=generator)
    for metric in RANKED:
        loss = LOSSES[f"cross_entropy/{metric}"]
        total = torch.zeros(loss.sums(classes), members)
        start = 0
        for batch in evaluation_batches(torch.zeros(examples, 1), y, loss, classes):
            part = outputs[:, start : start + batch.size]
            filled = torch.full((members, classes, batch.size), 7.0)
            filled[:, :, : part.shape[1]] = part.transpose(1, 2)
            sums = torch.empty_like(total)
            for kernel in loss.sum_up_members(filled.flatten(1), batch.answers, sums, classes):
                kernel()
            total += sums
            start += batch.size
        score, others = loss.measured(total.double(), y)
        for m in range(members):
            target = Classes(tuple("abcd"[:classes]), metric)
            expected, beside = target.measure(outputs[m].numpy(), y.numpy())
            # At the border of two bins rounding decides, and few examples make one pair much.
            assert score[m].item() == pytest.approx(expected, abs=5 / examples)
            assert {name: each[m].item() for name, each in others.items()} == pytest.approx(
                beside, abs=5 / examples
            )
            alone = loss.measured(loss.sum_up(outputs[m], y).double()[:, None], y)[0]
            assert alone.item() == pytest.approx(expected, abs=5 / examples)


def class_data(loss: str, shape: tuple[int, ...]) -> TrainingData:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(220, *shape, generator=generator)
    y = ((x.flatten(1)[:, 0] > 0.8).long() + (x.flatten(1)[:, 1] > 1).long()).clamp_max(2)
    return TrainingData(x[:150], y[:150], x[150:], y[150:], loss=loss)


@pytest.mark.parametrize(
    "loss",
    [
        "cross_entropy/balanced_accuracy",
        "cross_entropy/macro_f1/balanced",
        "cross_entropy/log_loss",
        "cross_entropy/roc_auc",
    ],
)
def test_fused_and_ordinary_training_measure_the_same(loss: str) -> None:
    data = class_data(loss, (64,))
    members = random_members(make_search_space("mlp", (64,), 3), 3)
    recipe = Recipe(epochs=3, batch_size=32, learning_rate=0.01)
    for number, fused in train(members, data, recipe):
        training = OrdinaryTraining(members[number], data, recipe, Keep())
        (alone,) = training.run(lambda epoch, mean: None, lambda: False)
        assert fused.curve == pytest.approx(alone.curve, abs=0.03)
        assert fused.metrics.keys() == alone.metrics.keys()
        assert len(fused.metrics) == (5 if "roc_auc" in loss else 3)


def test_a_network_whose_outputs_are_not_finite_has_no_score() -> None:
    loss = LOSSES["cross_entropy/macro_f1"]
    y = torch.tensor([0, 1, 1])
    outputs = torch.tensor([[1.0, 0.0], [0.0, float("nan")], [0.0, 1.0]])
    sums = loss.sum_up(torch.nan_to_num(outputs), y).double()
    sums[-1] = float("nan")
    assert loss.measured(sums[:, None], y)[0].isnan().all()


@pytest.mark.parametrize("metric", [*METRICS, *RANKED])
def test_every_target_has_its_loss(metric: str) -> None:
    for weight in ("", "balanced", (1.0, 2.5)):
        target: Any = Classes(("a", "b"), metric, weight)
        assert loss_of(target.loss).name == target.loss
