"""What scikit-learn expects of an estimator beside fit and predict: features, options, class weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone

import nas_gym
from nas_gym.errors import ConfigError
from nas_gym.estimators import NASClassifier, NASRegressor
from nas_gym.tasks import Task, make_task, target_of
from nas_gym.training import loss_of

pandas = pytest.importorskip("pandas")
QUICK = {"budget": 1, "minutes": 10, "agent": "random", "recipe": {"epochs": 3}}
X = np.random.default_rng(0).normal(size=(60, 2))
Y = np.where(np.arange(60) % 4 == 0, "rare", "usual")


def test_features_are_counted_and_named_as_they_were_given(tmp_path):
    frame = pandas.DataFrame({"age": X[:, 0], "town": np.tile(["Ulm", "Jena", "Bonn"], 20)})
    found = NASClassifier(**QUICK).fit(frame, Y)
    assert found.network_.search_space.input_shape == (4,)
    assert (found.n_features_in_, found.feature_names_in_.tolist()) == (2, ["age", "town"])
    assert found.feature_names_in_.dtype == object
    found.fit(X, Y)
    assert (found.n_features_in_, hasattr(found, "feature_names_in_")) == (2, False)
    options = {**QUICK, "folds": 1, "report": False, "store": "memory"}
    of_frame = nas_gym.fit(frame.assign(kind=Y), "kind", folder=tmp_path / "frame", **options)
    assert (of_frame.n_features_in_, of_frame.feature_names_in_.tolist()) == (2, ["age", "town"])
    frame.assign(kind=Y).to_csv(tmp_path / "own.csv", index=False)
    of_file = nas_gym.fit(tmp_path / "own.csv", "kind", folder=tmp_path / "file", **options)
    assert (of_file.n_features_in_, of_file.feature_names_in_.tolist()) == (2, ["age", "town"])


def test_metric_and_class_weight_are_options_like_others(tmp_path):
    made = NASClassifier(**QUICK, metric="macro_f1", class_weight={"rare": 3})
    params = clone(made).get_params()
    assert (params["metric"], params["class_weight"]) == ("macro_f1", {"rare": 3})
    found = made.fit(X, Y)
    assert found.network_.target.metric.name == "macro_f1"
    assert found.network_.target.class_weight == (3.0, 1.0)
    assert NASRegressor(**QUICK, metric="mae").fit(X, X[:, 0]).network_.target.metric.name == "mae_skill"
    options = {**QUICK, "folds": 1, "report": False, "store": "memory", "metric": "macro_f1"}
    fitted = nas_gym.fit(X, Y, class_weight="balanced", folder=tmp_path / "run", **options)
    assert (fitted.metric, fitted.class_weight, fitted.network_.target.class_weight) == (
        "macro_f1", "balanced", "balanced",
    )  # fmt: skip


def test_a_label_weighs_in_the_loss_as_it_was_asked_for():
    task = Task.from_arrays(X, Y, class_weight={"rare": 3.0})
    y, outputs = torch.as_tensor(np.array(task.y_train)), torch.randn(len(task.y_train), 2)
    loss = loss_of(task.target.loss)
    expected = torch.nn.functional.cross_entropy(outputs, y, torch.tensor([3.0, 1.0]))
    assert loss.mean(outputs, loss.targets(y, 2, 0.0)) == pytest.approx(float(expected), rel=1e-5)


def test_heavy_labels_are_found_more_often():
    found = []
    for weight in (None, {"rare": 20}):
        made = NASClassifier(**QUICK | {"recipe": {"epochs": 20}}, class_weight=weight).fit(X, Y)
        found.append(int((made.predict(X) == "rare").sum()))
    assert found[1] > found[0]


@pytest.mark.parametrize("labels", [(10, 20), (False, True), (0.0, 1.0), ("no", "yes")])
def test_weights_are_named_by_labels_of_any_type_and_written_down(labels):
    y = np.array(labels)[np.arange(60) % 2]
    task = Task.from_arrays(X, y, class_weight={labels[1]: 2})
    assert task.target.class_weight == (1.0, 2.0)
    assert target_of(task.target.config()) == task.target
    again = make_task(task.spec | {"x": X, "y": y})
    assert (again.target, again.fingerprint) == (task.target, task.fingerprint)
    assert task.fingerprint != Task.from_arrays(X, y).fingerprint


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ({"rar": 2}, "unknown label of class_weight 'rar': did you mean 'rare'"),
        ({"rare": 0}, "the class_weight of 'rare' must be a number above 0, not 0"),
        ({"rare": "2"}, "must be a number above 0, not '2'"),
        ("even", "unknown class_weight 'even'"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weight, sentence):
    with pytest.raises(ConfigError, match=sentence):
        NASClassifier(**QUICK, class_weight=weight).fit(X, Y)
