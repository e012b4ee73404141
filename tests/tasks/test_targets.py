"""Targets bring loss, metrics and score; the numbers are those of scikit-learn."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error, r2_score

from nas_gym.errors import NASGymError
from nas_gym.tasks import Classes, Target, Task, Values, constant_answer, make_task, target_of
from nas_gym.training import LOSSES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = np.stack([X @ [1, -2, 3, 0] + 5, 100 * X[:, 0] ** 2], axis=1) + RNG.normal(size=(120, 2))
DIGITS = "3d293e62ae1361e31ba9a8bc19d1e31b30913787ce5bfb188d502680a40dd516"
ONE = Values(("price",), (250.0,), (40.0,))
TWO = Values(("price", "rent"), (250.0, -3.0), (40.0, 0.5))
ABC = Classes(("a", "b", "c"))


def values_task(y: Any = Y, **options: Any) -> Task:
    return Task.from_arrays(X, y, target_kind="values", **options)


def in_units(target: Values, y: np.ndarray) -> np.ndarray:
    return y.astype(np.float64) * target.scale + target.mean


@given(st.integers(2, 300), st.integers(1, 4), st.floats(0.01, 3), st.integers(0, 2**31))
def test_the_score_of_values_is_r2_and_beside_it_are_rmse_and_mae(
    examples: int, values: int, noise: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(examples, values)).astype(np.float32)
    outputs = (truth + noise * rng.normal(size=truth.shape)).astype(np.float32)
    scale = tuple(rng.uniform(0.1, 100, size=values).tolist())
    target = Values(tuple(map(str, range(values))), (7.0,) * values, scale)
    score, metrics = target.measure(outputs, truth)
    expected, predicted = truth.astype(np.float64), outputs.astype(np.float64)
    if values == 1:  # of several values no unit is that of all
        expected, predicted = in_units(target, truth), in_units(target, outputs)
    r2 = r2_score(expected, predicted)
    assert score == pytest.approx(min(1, max(0, r2)), abs=1e-9)
    assert metrics == pytest.approx(
        {
            "rmse": math.sqrt(mean_squared_error(expected, predicted)),
            "mae": mean_absolute_error(expected, predicted),
        },
        rel=1e-9,
    )


@given(st.integers(1, 200), st.integers(2, 6), st.integers(0, 2**31))
def test_the_score_of_classes_is_the_accuracy(examples: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(examples, classes)).astype(np.float32)
    truth = rng.integers(classes, size=examples)
    target = Classes(tuple(map(str, range(classes))))
    assert target.measure(outputs, truth) == (accuracy_score(truth, outputs.argmax(axis=1)), {})


def test_an_error_is_measured_in_double_precision() -> None:
    truth = np.linspace(0, 1, 10_000, dtype=np.float32)[:, None]
    outputs = (truth + np.float32(1e-4)).astype(np.float32)
    exact = outputs.astype(np.float64) - truth.astype(np.float64)
    _, metrics = ONE.measure(outputs, truth)
    assert metrics["rmse"] == pytest.approx(40 * math.sqrt(np.square(exact).mean()), rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_finite_have_no_score_as_values(bad: float) -> None:
    truth = np.arange(5, dtype=np.float32)[:, None]
    outputs = truth.copy()
    outputs[2] = bad
    assert math.isnan(ONE.measure(outputs, truth)[0])


def test_worse_than_the_mean_is_a_score_of_0() -> None:
    truth = np.arange(5, dtype=np.float32)[:, None]
    assert ONE.measure(-truth, truth)[0] == 0.0
    assert ONE.measure(np.full_like(truth, truth.mean()), truth)[0] == 0.0
    assert ONE.measure(truth, truth) == (1.0, {"rmse": 0.0, "mae": 0.0})


def test_answers_are_probabilities_or_values_in_the_units_of_the_data() -> None:
    outputs = RNG.normal(size=(6, 3)).astype(np.float32)
    np.testing.assert_allclose(ABC.answers(outputs), softmax(outputs, axis=1), rtol=1e-6)
    assert ABC.answers(outputs).dtype == np.float32
    np.testing.assert_allclose(TWO.answers(np.array([[0.0, 0.0], [1.0, -2.0]])), [[250, -3], [290, -4]])


@pytest.mark.parametrize("target", [ONE, TWO, ABC], ids=lambda target: target.words)
def test_a_target_is_built_again_from_its_config(target: Target) -> None:
    assert target_of(json.loads(json.dumps(target.config()))) == target
    assert target.outputs == len(target.names) == len(target.answer_scale)
    assert target.loss in LOSSES


def test_a_config_of_another_kind_is_refused() -> None:
    with pytest.raises(NASGymError, match="unknown kind of target 'value': did you mean 'values'"):
        target_of({"kind": "value", "names": ["a"]})


def test_values_are_standardised_by_the_training_part() -> None:
    task = values_task()
    assert (task.outputs, task.target.words, task.target.names) == (2, "2 values", ("value 0", "value 1"))
    for part, count in (("train", 72), ("validation", 24), ("test", 24)):
        y = getattr(task, f"y_{part}")
        assert (y.dtype, y.shape) == (np.float32, (count, 2))
    np.testing.assert_allclose(task.y_train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(task.y_train.std(axis=0), 1, atol=1e-5)
    parts = [task.y_train, task.y_validation, task.y_test]
    raw = task.target.answers(np.concatenate(parts))
    np.testing.assert_allclose(np.sort(raw, axis=0), np.sort(Y, axis=0), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("offset", [0.0, 1e9, -1.7e12])
def test_a_large_offset_costs_no_precision(offset: float) -> None:
    y = offset + np.arange(120) % 17
    task = values_task(y, split_seed=3)
    np.testing.assert_allclose(task.y_train.mean(), 0, atol=1e-4)
    raw = np.concatenate([task.target.answers(part) for part in (task.y_train, task.y_test)])
    np.testing.assert_allclose(raw - offset, np.round(raw - offset), atol=1e-3)
    assert set(np.round(raw[:, 0] - offset)) == set(range(17))


def test_the_fingerprint_of_classes_is_as_it_was() -> None:
    # A change here loses every result that users have stored on digits.
    assert make_task("digits").fingerprint == DIGITS


def test_the_fingerprint_knows_the_kind_and_the_units_of_the_values_and_not_their_names() -> None:
    price = values_task(Y[:, 0])
    assert values_task(Y[:, :1], target_names=["price"]).fingerprint == price.fingerprint
    # By a power of two, so that the standardised values are the same bits.
    scaled = values_task(4 * Y[:, 0])
    np.testing.assert_array_equal(scaled.y_train, price.y_train)
    y = np.arange(120) % 5
    prints = {task.fingerprint for task in (price, scaled, values_task(y), Task.from_arrays(X, y))}
    assert len(prints) == 4


@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["two values", "one value"])
def test_the_best_constant_answer_to_values_is_the_mean_and_scores_0(y: np.ndarray) -> None:
    task = values_task(y)
    found = constant_answer(task)
    assert found is not None
    raw = task.target.answers(task.y_train)
    said = [float(one) for one in found.answer.split(", ")]
    assert said == pytest.approx(raw.mean(axis=0).tolist(), rel=1e-4)
    assert found.validation == found.test == 0.0


def test_diabetes_is_a_table_with_one_value() -> None:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    task = make_task("diabetes")
    assert (task.inputs, task.input_shape, task.target.names) == ("features", (10,), ("progression",))
    assert task.feature_names[2] == "bmi"
    parts = (task.y_train, task.y_validation, task.y_test)
    raw = np.sort(np.concatenate([task.target.answers(part)[:, 0] for part in parts]))
    np.testing.assert_allclose(raw, np.sort(load_diabetes().target), rtol=1e-6)
    outputs = LinearRegression().fit(task.x_train, task.y_train).predict(task.x_validation)
    score, metrics = task.target.measure(outputs, task.y_validation)
    assert 0.3 < score < 0.7
    assert 45 < metrics["rmse"] < 65
