"""Values are predicted by what trains classes: scores, metrics, stores, files, failures."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from nas_gym.deploy import load_network, save_network
from nas_gym.deploy import saved_network as saved_module
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Request, Store, StoredEvaluator, TrainEvaluator
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, Values, make_task

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 5))
Y = np.stack([1000 + 50 * np.tanh(X[:, 0] + X[:, 1]), X[:, 2] ** 2 + X[:, 3]], axis=1)
ONE = Task.from_arrays(X, Y[:, 0], target_kind="values", target_names=["price"], name="houses")
TWO = Task.from_arrays(X, Y, target_kind="values", target_names=["price", "rent"])
RECIPE = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01}


def evaluator(task: Task = ONE, seeds: tuple[int, ...] = (0,), **recipe: Any) -> TrainEvaluator:
    space = make_search_space("mlp", task.input_shape, task.outputs)
    return TrainEvaluator(space, task, "cpu", recipe=RECIPE | recipe, seeds=seeds)


def outputs_of(module: NetworkModule, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found: np.ndarray = module(torch.tensor(x)).numpy()
    return found


@pytest.mark.parametrize("task", [ONE, TWO], ids=["one value", "two values"])
def test_the_engine_and_the_target_measure_the_same(task: Task) -> None:
    one = evaluator(task)
    for text in ("relu-64", "tanh-16 > relu-64"):
        module, evaluation = one.fit(one.search_space.parse(text), seed=3)
        score, metrics = task.target.measure(outputs_of(module, task.x_validation), task.y_validation)
        assert evaluation.score == evaluation.curve[-1] == pytest.approx(score, abs=1e-5)
        assert evaluation.metrics == pytest.approx(metrics, rel=1e-4)
        assert 0.1 < evaluation.score < 1


def test_metrics_are_in_the_units_of_the_data() -> None:
    one = evaluator()
    module, evaluation = one.fit(one.search_space.parse("relu-64"), seed=0)
    predicted = ONE.target.answers(outputs_of(module, ONE.x_validation))
    expected = ONE.target.answers(ONE.y_validation)
    assert evaluation.metrics["rmse"] == pytest.approx(
        mean_squared_error(expected, predicted) ** 0.5, rel=1e-4
    )
    assert evaluation.metrics["mae"] == pytest.approx(mean_absolute_error(expected, predicted), rel=1e-4)
    assert evaluation.score == pytest.approx(r2_score(expected, predicted), abs=1e-5)
    assert 1 < evaluation.metrics["mae"] < evaluation.metrics["rmse"] < 50


def test_the_test_score_is_of_the_test_part_and_in_no_evaluation() -> None:
    one = evaluator(TWO)
    architecture = one.search_space.parse("relu-64")
    (final,) = one.test(architecture, [5])
    module, evaluation = one.fit(architecture, 5)
    outputs = outputs_of(module, TWO.x_test)
    score, metrics = TWO.target.measure(outputs, TWO.y_test)
    assert final.test_score == pytest.approx(score, abs=1e-6)
    assert final.test_score == pytest.approx(r2_score(TWO.y_test, outputs), abs=1e-6)
    assert final.metrics == pytest.approx(metrics, rel=1e-5)
    assert final.validation_score == evaluation.score
    assert final.metrics != evaluation.metrics


def test_several_seeds_are_averaged_with_their_metrics() -> None:
    several = evaluator(seeds=(0, 1, 2))
    architecture = several.search_space.parse("relu-16")
    (mean,) = several.evaluate_architectures([architecture])
    single = several.evaluate([Request(architecture, seed) for seed in (0, 1, 2)])
    assert mean.score == pytest.approx(np.mean([one.score for one in single]))
    assert mean.metrics == pytest.approx(
        {name: np.mean([one.metrics[name] for one in single]) for name in ("rmse", "mae")}
    )


def test_a_value_has_no_number_of_examples_that_are_right() -> None:
    assert evaluator().examples() is None
    digits = make_task({"name": "digits", "train_size": 200})
    assert evaluator(digits).examples() == (len(digits.y_validation), len(digits.y_test))


def test_divergence_fails_and_is_told() -> None:
    one = evaluator(optimizer="sgd", learning_rate=1e30)
    request = Request(one.search_space.parse("relu-64 > identity-64"), 0)
    (evaluation,) = one.evaluate([request])
    assert (evaluation.status, evaluation.score, evaluation.metrics) == ("failed", 0.0, {})
    assert evaluation.error == "training diverged: the loss was not finite in epoch 1"
    (final,) = one.test(request.architecture, [1])
    assert (final.status, final.test_score, final.metrics) == ("failed", 0.0, {})
    assert not any(math.isnan(number) for number in evaluation.curve)


def test_a_network_that_answers_test_examples_with_infinity_fails_there_alone() -> None:
    far = replace(ONE, x_test=np.full_like(ONE.x_test, 3e38))
    one = evaluator(far)
    (final,) = one.test(one.search_space.parse("relu-64"), [0])
    assert (final.status, final.test_score, final.metrics) == ("failed", 0.0, {})
    assert final.error == "the network's outputs for test examples were not finite"
    assert final.validation_score > 0.1


def test_worse_than_the_mean_is_a_score_of_0_and_no_failure() -> None:
    opposite = replace(ONE, y_validation=-ONE.y_validation)
    one = evaluator(opposite)
    (evaluation,) = one.evaluate([Request(one.search_space.parse("relu-64"), 0)])
    assert (evaluation.status, evaluation.score) == ("ok", 0.0)
    assert evaluation.metrics["rmse"] > ONE.target.answer_scale[0]


def test_label_smoothing_is_refused() -> None:
    with pytest.raises(NASGymError, match="label_smoothing is for classes, and the task's loss is 'squared'"):
        evaluator(label_smoothing=0.1)


@pytest.mark.parametrize("place", ["memory", "file"])
def test_a_store_answers_with_the_metrics(place: str, tmp_path: Path) -> None:
    store = Store("memory" if place == "memory" else tmp_path / "store.db")
    one = StoredEvaluator(evaluator(TWO), store)
    requests = [Request(one.search_space.parse(text), 0) for text in ("relu-16", "tanh-16")]
    first = one.evaluate(requests)
    assert all(evaluation.metrics.keys() == {"rmse", "mae"} for evaluation in first)
    assert one.evaluate(requests) == first
    scores = one.test(requests[0].architecture, [7])
    assert one.test(requests[0].architecture, [7]) == scores
    assert (one.hits, one.trained) == (2, 2)


def test_the_key_knows_the_units_of_the_values() -> None:
    scaled = Task.from_arrays(X, 4 * Y[:, 0], target_kind="values")
    np.testing.assert_array_equal(scaled.y_train, ONE.y_train)  # a power of two changes no bit
    requests = [Request(evaluator().search_space.parse("relu-16"), 0)]
    store = Store("memory")
    price = StoredEvaluator(evaluator(ONE), store).evaluate(requests)[0]
    cents = StoredEvaluator(evaluator(scaled), store).evaluate(requests)[0]
    assert cents.score == price.score
    assert cents.metrics == pytest.approx({name: 4 * one for name, one in price.metrics.items()})


@pytest.mark.parametrize("offset", [0.0, 1.7e9])
def test_a_saved_network_answers_in_the_units_of_the_data(tmp_path: Path, offset: float) -> None:
    task = Task.from_arrays(X, Y + offset, target_kind="values", target_names=["price", "rent"])
    one = evaluator(task)
    architecture = one.search_space.parse("relu-64")
    module, evaluation = one.fit(architecture, 0)
    save_network(tmp_path / "best.pt", one.search_space, task, architecture, module)
    saved = load_network(tmp_path / "best.pt")
    assert saved.target == task.target
    assert saved.class_names == ()
    answers = saved.predict(X)
    assert (answers.shape, answers.dtype) == ((400, 2), np.float64)
    x = ((X - task.mean) / task.scale).astype(np.float32)
    target = task.target
    assert isinstance(target, Values)
    np.testing.assert_array_equal(
        answers, outputs_of(module, x) * np.array(target.scale) + np.array(target.mean)
    )
    # Over all examples, most of which it was trained on, it is as good as it was said to be, or better.
    assert r2_score(Y + offset, answers) > evaluation.score - 0.1


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_a_saved_network_of_a_table_takes_rows_as_they_come(tmp_path: Path) -> None:
    lines = [
        f"{10 * x[0]:.2f}%;{('red', 'green')[row % 2]};{y:.2f}".replace(".", ",")
        for row, (x, y) in enumerate(zip(X, Y[:, 0], strict=True))
    ]
    (tmp_path / "houses.csv").write_text("\n".join(["share;colour;price", *lines]) + "\n")
    spec = {"name": "csv", "path": tmp_path / "houses.csv", "target": "price", "target_kind": "values"}
    task = make_task(spec)
    assert "column 'price' is read as numbers with a decimal comma" in task.notes[0]
    one = evaluator(task)
    architecture = one.search_space.parse("relu-16")
    save_network(tmp_path / "best.pt", one.search_space, task, architecture, one.fit(architecture, 0)[0])
    saved = load_network(tmp_path / "best.pt")
    rows = [{"share": "5,00%", "colour": "red"}, {"share": "-5,00%", "colour": "green"}]
    assert saved.predict(rows).shape == (2, 1)
    assert saved.predict(tmp_path / "houses.csv").shape == (400, 1)
    assert saved.target.names == ("price",)
    assert saved.predict(rows)[0, 0] == pytest.approx(1000, abs=60)


@pytest.mark.parametrize("offset", [0.0, 1.7e9])
def test_a_module_of_something_else_is_not_kept(tmp_path: Path, offset: float) -> None:
    task = Task.from_arrays(X, Y[:, 0] + offset, target_kind="values")
    one = evaluator(task)
    architecture, other = one.search_space.parse("relu-64"), one.search_space.parse("tanh-64")
    module = one.fit(other, 0)[0]
    with pytest.raises(NASGymError, match="otherwise when it is saved"):
        save_network(tmp_path / "best.pt", one.search_space, task, architecture, module)
    assert list(tmp_path.iterdir()) == []


FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_a_file_of_format_2_predicts_the_probabilities_that_it_did() -> None:
    """Written, and asked, by the last version of nas-gym that wrote this format."""
    from sklearn.datasets import load_digits

    content = torch.load(FIXTURES / "best_v2.pt", weights_only=True)
    assert content["format"] == 2
    assert saved_module.FORMAT == 7
    saved = load_network(FIXTURES / "best_v2.pt")
    probabilities = saved.predict(load_digits().images[:16, None])
    expected = np.load(FIXTURES / "best_v2_probabilities.npy")
    assert probabilities.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert saved.class_names == tuple("0123456789")
    assert (saved.architecture, saved.target.kind) == ("identity-64", "classes")
