"""The loss of a token at each position: fused as by autograd, and metrics as computed independently."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.errors import ConfigError
from nas_gym.tasks import Tokens, target_of
from nas_gym.training import Recipe, loss_of
from nas_gym.training.losses.registry import check_recipe

NAMES, POSITIONS, EXAMPLES, MEMBERS = 5, 4, 24, 3
METRICS = ("uncertainty_removed", "token_accuracy", "exact_match")


def drawn(seed: int) -> tuple[Tensor, Tensor]:
    """Return outputs (members, examples, outputs) and tokens (examples, positions), some of them -1."""
    generator = torch.Generator().manual_seed(seed)
    outputs = 2 * torch.randn(MEMBERS, EXAMPLES, NAMES * POSITIONS, generator=generator)
    y = torch.randint(0, NAMES, (EXAMPLES, POSITIONS), generator=generator)
    lengths = torch.randint(1, POSITIONS + 1, (EXAMPLES, 1), generator=generator)
    return outputs, torch.where(torch.arange(POSITIONS) < lengths, y, -1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_fused_loss_and_its_gradient_are_those_of_autograd(smoothing: float) -> None:
    loss, (outputs, y) = loss_of(f"token_cross_entropy/token_accuracy/{POSITIONS}"), drawn(0)
    targets = loss.targets(y, NAMES * POSITIONS, smoothing)
    rows = outputs.transpose(1, 2).flatten(1).contiguous()
    gradient, losses = torch.zeros_like(rows), torch.zeros(MEMBERS)
    wanted = targets.T.contiguous()[None]
    for kernel in loss.kernels(rows.clone(), gradient, wanted, losses, NAMES * POSITIONS, EXAMPLES):
        kernel()
    for m in range(MEMBERS):
        x = outputs[m].clone().requires_grad_()
        logits = x.view(EXAMPLES, NAMES, POSITIONS)
        expected = F.cross_entropy(logits, y, ignore_index=-1, label_smoothing=smoothing)
        expected.backward()
        assert x.grad is not None
        torch.testing.assert_close(losses[m], expected.detach(), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(gradient[m].view(-1, EXAMPLES).T, x.grad, rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(loss.mean(x, targets), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_are_those_of_the_target_whatever_computes_them(metric: str) -> None:
    target = Tokens(tuple("_abcd"), POSITIONS, score=metric)
    loss, (outputs, y) = loss_of(target.loss), drawn(1)
    fill = 8
    (truth,) = loss.answers(y, fill, target.outputs)
    padded = torch.cat([outputs, outputs.new_zeros(MEMBERS, fill, target.outputs)], 1)
    sums = torch.zeros(loss.sums(target.outputs), MEMBERS)
    rows = padded.transpose(1, 2).flatten(1).contiguous()
    for kernel in loss.sum_up_members(rows, (truth,), sums, target.outputs):
        kernel()
    alone = torch.stack([loss.sum_up(each, y) for each in outputs], 1)
    torch.testing.assert_close(sums, alone, rtol=1e-5, atol=1e-5)
    scores, metrics = loss.measured(sums.double(), y)
    for m in range(MEMBERS):
        score, others = target.measure(outputs[m].numpy(), y.numpy())
        assert float(scores[m]) == pytest.approx(score, abs=1e-6)
        assert {name: float(each[m]) for name, each in metrics.items()} == pytest.approx(others, abs=1e-5)


def test_one_position_alone_has_the_entropy_by_hand() -> None:
    y = np.array([[0], [0], [1], [-1]])
    probabilities = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]])
    target = Tokens(("", "a", "b"), 1)
    score, others = target.measure(np.log(np.maximum(probabilities, 1e-9)), y)
    entropy = -(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3))
    assert others["bits_per_token"] == pytest.approx(1.0)
    assert score == pytest.approx(max(0.0, 1 - 1 / entropy))
    assert others["token_accuracy"] == others["exact_match"] == 1.0


def test_an_answer_that_is_not_finite_has_no_score() -> None:
    target = Tokens(tuple("_abcd"), POSITIONS)
    loss, (outputs, y) = loss_of(target.loss), drawn(2)
    outputs[0, 0, 0] = float("inf")
    sums = torch.stack([loss.sum_up(each, y) for each in outputs], 1)
    scores, _ = loss.measured(sums.double(), y)
    assert scores[0].isnan()
    assert scores[1:].isfinite().all()


def test_the_unigram_model_removes_nothing_and_texts_end_where_a_name_is_empty() -> None:
    target = Tokens(("", "a", "b"), 3)
    y = np.array([[1, 2, 0], [1, 1, 0]])
    words, outputs = target.best_constant(y)
    assert words == "how frequent the tokens are"
    assert target.measure(np.tile(outputs, (2, 1)), y)[0] == pytest.approx(0.0, abs=1e-9)
    logits = np.zeros((1, 3, 3), np.float32)
    logits[0, [1, 2, 0], [0, 1, 2]] = 5
    assert target.texts(target.answers(logits.reshape(1, 9))) == ["ab"]
    assert target_of(target.config()) == target


def test_labels_of_tokens_may_be_smoothed_and_their_classes_have_no_weight() -> None:
    target = Tokens(("", "a"), 2)
    check_recipe(Recipe(label_smoothing=0.1), target.loss)
    with pytest.raises(ConfigError, match="class_weight is for classes"):
        target.measured_by(None, "balanced")
    assert target.measured_by("exact_match", None).loss == "token_cross_entropy/exact_match/2"
