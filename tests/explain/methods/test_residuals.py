"""Errors of values and drops of a score are those of an independent computation, with intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from nas_gym.explain.methods.attribution.residuals import largest_errors, residuals
from nas_gym.explain.methods.attribution.score_drop import drop_of_share, score_drop
from nas_gym.tasks import Classes, Values

VALUE = Values(("price",), mean=(0.0,), scale=(1.0,))


def planted(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs that know two causes of a value, outputs that know one, and the truth; standardised."""
    rng = np.random.default_rng(seed)
    one, other, noise = rng.normal(size=(3, count, 1))
    truth = 0.7 * one + 0.4 * other + 0.6 * noise
    return 0.7 * one + 0.4 * other, 0.7 * one, truth


def test_errors_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth, answers = rng.normal(50, 10, (2, 300))
    found = residuals(answers, truth)
    assert found.mean_absolute == pytest.approx(mean_absolute_error(truth, answers))
    assert found.root_mean_square == pytest.approx(root_mean_squared_error(truth, answers))
    assert found.quantiles[0.9] == pytest.approx(np.quantile(np.abs(answers - truth), 0.9))


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_the_interval_of_the_mean_error_holds_the_planted_shift(shift: float) -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(50, 10, (200, 60))
    found = [residuals(each + shift + rng.normal(0, 5, 60), each) for each in truth]
    assert sum(one.bias_low <= shift <= one.bias_high for one in found) >= 180
    assert sum(one.bias_low <= 0 <= one.bias_high for one in found) <= (200 if shift == 0 else 20)


def test_the_largest_errors_come_first_whichever_value_they_are_of() -> None:
    truth = np.zeros((3, 2))
    outputs = np.array([[0.1, -0.9], [0.5, 0.0], [0.2, 2.0]])
    assert largest_errors(outputs, truth, 3) == [(2, 1), (0, 1), (1, 0)]


def test_a_drop_of_r2_is_the_difference_of_scikit_learns() -> None:
    outputs, replaced, truth = planted(400, 0)
    found = score_drop(VALUE, outputs, replaced, truth, 0)
    assert found.drop == pytest.approx(r2_score(truth, outputs) - r2_score(truth, replaced))
    assert found.low < found.drop < found.high


def test_a_score_drops_no_further_than_to_zero() -> None:
    outputs, _, truth = planted(200, 0)
    found = score_drop(VALUE, outputs, 10 * truth[::-1], truth, 0)
    assert found.drop == pytest.approx(r2_score(truth, outputs))


def test_intervals_of_a_drop_of_r2_hold_the_truth_about_as_often_as_they_say() -> None:
    outputs, replaced, truth = planted(1_000_000, 99)
    true = r2_score(truth, outputs) - r2_score(truth, replaced)
    found = [score_drop(VALUE, *planted(80, seed), seed) for seed in range(60)]
    assert sum(one.low <= true <= one.high for one in found) >= 53


def test_a_drop_of_the_accuracy_counts_the_examples_that_are_right() -> None:
    truth = np.array([0, 1, 1, 0, 1])
    before, after = np.eye(2)[[0, 1, 1, 0, 0]], np.eye(2)[[0, 0, 1, 1, 1]]
    found = score_drop(Classes(("no", "yes")), before, after, truth, 0)
    right = [each.argmax(1) == truth for each in (before, after)]
    assert found == drop_of_share(*right)
    assert found.drop == pytest.approx(0.8 - 0.6)
