"""The option ``metric`` says what networks are scored by, ``class_weight`` how classes count in the loss."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    roc_auc_score,
)

from nas_gym.deploy import load_network, save_network
from nas_gym.evaluators import Request, TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Classes, Task, Values, constant_answer, make_task, target_of
from nas_gym.tasks.targets.metrics import BINS, CUT
from tests.helpers.refusals import refused

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
RARE = (X[:, 0] + 0.5 * RNG.normal(size=200) > 1).astype(int)
PRICES = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=200)


def logits(examples=50, classes=3):
    return RNG.normal(size=(examples, classes)).astype(np.float32), RNG.integers(classes, size=examples)


def test_the_metrics_of_classes_are_those_of_scikit_learn():
    outputs, truth = logits()
    shares = np.bincount(truth) / len(truth)
    probabilities = torch.as_tensor(outputs).double().softmax(1).numpy()
    expected = {
        "accuracy": (outputs.argmax(1) == truth).mean(),
        "balanced_accuracy": balanced_accuracy_score(truth, outputs.argmax(1)),
        "macro_f1": f1_score(truth, outputs.argmax(1), average="macro"),
        "log_loss": 1 + log_loss(truth, probabilities) / (shares * np.log(shares)).sum(),
    }
    for metric, value in expected.items():
        score, others = Classes(("a", "b", "c"), metric).measure(outputs, truth)
        assert score == pytest.approx(max(0.0, value))
        assert others == pytest.approx({name: one for name, one in expected.items() if name != metric})
    assert math.isnan(Classes(("a", "b", "c"), "log_loss").measure(outputs * np.nan, truth)[0])


@pytest.mark.parametrize("classes", [2, 4])
def test_rankings_are_those_of_scikit_learn(classes):
    outputs, truth = logits(300, classes)
    others = [np.delete(outputs, each, axis=1).astype(float) for each in range(classes)]
    odds = np.stack([outputs[:, c] - logsumexp(others[c], axis=1) for c in range(classes)], axis=1)
    rounded = np.floor(odds * BINS / (2 * CUT) + BINS / 2)
    own = np.eye(classes)[truth][:, [1] if classes == 2 else slice(None)]
    scores = [exact[:, [1] if classes == 2 else slice(None)] for exact in (rounded, odds)]
    for metric, measure in (("roc_auc", roc_auc_score), ("average_precision", average_precision_score)):
        score, beside = Classes(tuple("abcd"[:classes]), metric).measure(outputs, truth)
        assert score == pytest.approx(measure(own, scores[0], average="macro"), abs=1e-9)
        assert score == pytest.approx(measure(own, scores[1], average="macro"), abs=5e-3)
        assert {"accuracy", "log_loss"} < set(beside)
        assert len(beside) == 5


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_rmse_and_mae_are_skills_beside_the_best_constant(metric):
    truth = RNG.normal(size=(80, 1)).astype(np.float32)
    outputs = truth + 0.5 * RNG.normal(size=(80, 1)).astype(np.float32)
    score, others = Values(("v",), (0.0,), (2.0,), metric).measure(outputs, truth)
    if metric == "rmse":
        expected = 1 - np.sqrt(np.square(outputs - truth).mean()) / truth.std()
    else:
        middle = np.full_like(truth, np.median(truth))
        expected = 1 - mean_absolute_error(truth, outputs) / mean_absolute_error(truth, middle)
    assert score == pytest.approx(expected, rel=1e-5)
    assert set(others) == {"rmse", "mae", "r2"}
    assert others["r2"] == pytest.approx(1 - np.square(outputs - truth).mean() / truth.var(), rel=1e-5)
    assert others["mae"] == pytest.approx(2 * np.abs(outputs - truth).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("y", "options", "metrics"),
    [
        (RARE, {"metric": "balanced_accuracy"}, {"accuracy", "macro_f1", "log_loss"}),
        (RARE, {"metric": "macro_f1", "class_weight": "balanced"}, None),
        (RARE, {"metric": "log_loss"}, None),
        (RARE, {"metric": "roc_auc"}, None),
        (RARE + (X[:, 1] > 1), {"metric": "average_precision", "class_weight": "balanced"}, None),
        (RARE, {"class_weight": "balanced"}, {"balanced_accuracy", "macro_f1", "log_loss"}),
        (PRICES, {"metric": "rmse", "target_kind": "values"}, {"r2", "rmse", "mae"}),
        (PRICES, {"metric": "mae", "target_kind": "values"}, {"r2", "rmse", "mae"}),
    ],
)
def test_a_search_is_paid_by_the_metric_of_the_task(tmp_path, y, options, metrics):
    task = Task.from_arrays(X, y, **options)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 8, "batch_size": 16})
    architecture = space.parse("relu-16")
    module, evaluation = evaluator.fit(architecture, 0)
    with torch.no_grad():
        outputs = module(torch.as_tensor(np.array(task.x_validation))).numpy()
    score, others = task.target.measure(outputs, task.y_validation)
    assert evaluation.score == pytest.approx(score, abs=1e-5)
    assert dict(evaluation.metrics) == pytest.approx(others, abs=1e-4)
    assert metrics is None or set(evaluation.metrics) == metrics
    assert 0.2 < score <= 1
    (found,) = evaluator.evaluate([Request(architecture, 0)])
    assert found.score == evaluation.score
    save_network(tmp_path / "best.pt", space, task, architecture, module)
    assert load_network(tmp_path / "best.pt").target == task.target
    assert target_of(json.loads(json.dumps(task.target.config()))) == task.target


def test_equal_weights_find_more_of_a_rare_class():
    found = []
    for weight in (None, "balanced"):
        task = Task.from_arrays(X, RARE, metric="balanced_accuracy", class_weight=weight)
        space = make_search_space("mlp", task.input_shape, 2)
        evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 8, "batch_size": 16})
        module, _ = evaluator.fit(space.parse("relu-16"), 0)
        with torch.no_grad():
            found.append(int(module(torch.as_tensor(np.array(task.x_train))).argmax(1).sum()))
    assert found[1] > found[0]


def test_the_fingerprint_knows_the_metric_and_the_weight():
    spec = {"name": "breast_cancer"}
    options = [{}, {"metric": "accuracy"}, {"metric": "macro_f1"}, {"class_weight": "balanced"}]
    tasks = [make_task(spec | each) for each in options]
    assert len({task.fingerprint for task in tasks}) == 4
    assert tasks[0].target == Classes(tasks[0].target.names)
    assert make_task(json.loads(json.dumps(tasks[2].spec))).fingerprint == tasks[2].fingerprint
    assert tasks[2].target.metric.label == "macro F1"
    values = {make_task({"name": "diabetes", "metric": metric}).fingerprint for metric in (None, "r2", "mae")}
    assert len(values) == 2


def test_the_best_constant_answer_is_that_of_the_metric():
    frequencies = constant_answer(Task.from_arrays(X, RARE, metric="log_loss"))
    assert frequencies.answer == "how frequent the classes are"
    assert frequencies.validation < 1e-3
    balanced = constant_answer(Task.from_arrays(X, RARE, metric="balanced_accuracy"))
    assert (balanced.answer, balanced.validation) == ("0", 0.5)
    task = Task.from_arrays(X, PRICES, metric="mae", target_kind="values")
    assert constant_answer(task).answer == f"{np.median(task.target.answers(task.y_train)):.6g}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "macro-f1"}, "unknown metric 'macro-f1': did you mean 'macro_f1'"),
        ({"metric": ["macro_f1"]}, "unknown metric"),
        (
            {"metric": "mae"},
            "metric 'mae' is not for classes, and the task predicts 2 classes",
        ),
        ({"metric": "accuracy", "y": PRICES, "target_kind": "values"}, "metric 'accuracy' is not for values"),
        ({"class_weight": "even"}, "unknown class_weight 'even'"),
        ({"class_weight": "balanced", "y": PRICES, "target_kind": "values"}, "class_weight is for classes"),
    ],
)
def test_metrics_and_weights_that_do_not_fit_are_refused(options, words):
    refused(words, {"name": "arrays", "x": X, "y": RARE} | options)
