"""Several labels at once: columns of yes and no, cells that list them, arrays and data frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nas_gym.deploy import export_network, load_network, predict_file, save_network
from nas_gym.errors import NASGymError
from nas_gym.estimators import NASClassifier, fit
from nas_gym.evaluators import TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Labels, Task, constant_answer, make_task
from nas_gym.testing import check_task
from tests.helpers.refusals import refused

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")


def frame_of(n=200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return pd.DataFrame(
        {
            "a": x[:, 0].round(3),
            "b": x[:, 1].round(3),
            "c": x[:, 2].round(3),
            "red": np.where(x[:, 0] > 0, "yes", "no"),
            "round": (x[:, 1] > 0.5).astype(int),
            "rare": x[:, 2] > 1.2,
        }
    )


NAMES = ["red", "round", "rare"]


@pytest.fixture
def table(tmp_path):
    frame = frame_of()
    frame.to_csv(tmp_path / "things.csv", index=False)
    return frame, tmp_path / "things.csv"


def test_columns_of_yes_and_no_are_labels_and_that_is_said(table):
    frame, path = table
    with pytest.warns(UserWarning, match="'red', 'round', 'rare' are read as labels"):
        task = make_task({"name": "csv", "path": str(path), "target": NAMES})
    check_task(task)
    assert (task.target, task.feature_names) == (Labels(tuple(NAMES)), ("a", "b", "c"))
    with_commas = make_task({"name": "csv", "path": str(path), "target": "red, round,rare"})
    of_frame = Task.from_arrays(frame[["a", "b", "c"]], frame[NAMES])
    assert task.fingerprint == with_commas.fingerprint == of_frame.fingerprint
    y = np.stack([frame["red"] == "yes", frame["round"] == 1, frame["rare"]], axis=1)
    for values in (y, y.astype(int), y.astype(float), y.tolist()):
        array = Task.from_arrays(frame[["a", "b", "c"]].to_numpy(), values, target_names=NAMES)
        assert array.target == task.target
        assert np.array_equal(array.y_test, task.y_test)


def test_cells_that_list_labels_are_taken_apart(table):
    frame, path = table
    listed = [
        "|".join(name for name in NAMES if row[name] in ("yes", 1, True)) for _, row in frame.iterrows()
    ]
    listed[0] += "|odd"
    frame[["a", "b", "c"]].assign(tags=listed).to_csv(path, index=False)
    spec = {"name": "csv", "path": str(path), "target": "tags", "label_separator": "|"}
    task = make_task(spec)
    check_task(task)
    assert task.target.names == ("rare", "red", "round")
    notes = " | ".join(task.notes)
    assert "labels of fewer than 3 examples are left out of 'tags': odd" in notes
    assert "of 200 rows have none of the labels in 'tags'" in notes
    together = np.concatenate([task.y_train, task.y_validation, task.y_test])
    assert together[:, 1].sum() == (frame["red"] == "yes").sum()
    refused("for one target column", {**spec, "target": ["tags", "a"]})
    refused("no label of at least 3 examples", {**spec, "target": "a", "label_separator": "/"})


def test_each_label_has_its_share_in_every_part_and_fold():
    rng = np.random.default_rng(0)
    y = (rng.random((500, 4)) < [0.5, 0.2, 0.06, 0.03]).astype(int)
    task = Task.from_arrays(rng.normal(size=(500, 2)), y, folds=5)
    whole = y.mean(axis=0)
    for part in (task.y_validation, task.y_test, *(task.known[1][fold] for fold in task.folds)):
        assert np.abs(part.mean(axis=0) - whole).max() < 0.03
    assert "a like share of each label" in task.split


@pytest.mark.parametrize("metric", [None, "macro_f1", "micro_f1", "hamming", "subset_accuracy"])
def test_the_best_constant_answer_is_the_best_there_is(metric):
    rng = np.random.default_rng(0)
    y = (rng.random((300, 3)) < [0.7, 0.3, 0.1]).astype(int)
    task = Task.from_arrays(rng.normal(size=(300, 2)), y, metric=metric)
    assert task.target.metric.name == (metric or "macro_f1")
    assert constant_answer(task) is not None
    _, answer = task.target.best_constant(task.y_train)
    best, _ = task.target.measure(np.tile(answer, (len(task.y_train), 1)), task.y_train)
    for other in np.ndindex(2, 2, 2):
        outputs = np.tile(2.0 * np.array(other) - 1, (len(task.y_train), 1))
        assert task.target.measure(outputs, task.y_train)[0] <= best + 1e-12


def test_several_columns_of_numbers_are_several_values(table):
    _, path = table
    task = make_task({"name": "csv", "path": str(path), "target": ["a", "b"]})
    assert (task.target.kind, task.target.names) == ("values", ("a", "b"))


def trained(path, tmp_path):
    task = make_task({"name": "csv", "path": str(path), "target": NAMES})
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    module, evaluation = TrainEvaluator(space, task, "cpu", recipe={"epochs": 100}).fit(architecture, 0)
    assert evaluation.score > 0.5
    assert set(evaluation.metrics) == {"micro_f1", "hamming", "subset_accuracy"}
    save_network(tmp_path / "n.pt", space, task, architecture, module)
    return load_network(tmp_path / "n.pt")


def test_a_saved_network_answers_each_label_and_exports(table, tmp_path):
    frame, path = table
    saved = trained(path, tmp_path)
    probabilities = saved.predict(frame)
    assert probabilities.shape == (200, 3)
    assert (
        (probabilities > 0.5) == np.stack([frame["red"] == "yes", frame["round"] == 1, frame["rare"]], 1)
    ).mean() > 0.9
    frame[["a", "b", "c"]].to_csv(path, index=False)
    found = predict_file(saved, path)
    assert found.names[3:] == tuple(
        f"{what} {name}" for name in NAMES for what in ("predicted", "probability")
    )
    assert [row[3] for row in found.rows] == [str(int(one > 0.5)) for one in probabilities[:, 0]]
    for to, name in (("torch", "n.pt2"), ("onnx", "n.onnx"), ("python", "folder")):
        assert export_network(saved, to, tmp_path / name).difference < 1e-5


@pytest.mark.slow
def test_the_estimator_takes_labels_as_scikit_learn_does(tmp_path):
    frame = frame_of()
    x = frame[["a", "b", "c"]].to_numpy()
    y = np.stack([frame["red"] == "yes", frame["round"] == 1, frame["rare"]], axis=1).astype(int)
    found = NASClassifier(minutes=0.2, budget=3, recipe={"epochs": 20}).fit(x, y)
    assert found.predict(x).shape == found.predict_proba(x).shape == (200, 3)
    assert set(np.unique(found.predict(x)).tolist()) <= {0, 1}
    assert 0 <= found.score(x, y) <= 1  # subset accuracy, as scikit-learn has it
    short = {"budget": 3, "recipe": {"epochs": 20}, "report": False}
    of_frame = fit(frame, NAMES, minutes=0.2, folder=tmp_path / "run", **short)
    assert isinstance(of_frame, NASClassifier)
    assert of_frame.network_.target.names == tuple(NAMES)


def test_bad_labels_are_refused_in_a_sentence(table):
    frame, path = table
    spec = {"name": "csv", "path": str(path), "target": NAMES}
    refused("unknown target column of things.csv 'rond'.*'round'", {**spec, "target": "red,rond"})
    refused("is named twice", {**spec, "target": ["red", "red"]})
    refused("are several labels or values, not classes", {**spec, "target_kind": "classes"})
    refused(
        "target 'a' has '.*' in row 1, and a label is 0 or 1",
        {**spec, "target": ["red", "a"], "target_kind": "labels"},
    )
    frame.assign(kinds="red;round").to_csv(path, index=False)
    refused(
        "'red;round' in row 1, .*: pass label_separator=';' where several labels stand in a cell",
        {**spec, "target": "kinds", "target_kind": "labels"},
    )
    frame.to_csv(path, index=False)
    refused("class_weight is for classes", {**spec, "class_weight": "balanced"})
    refused("metric 'accuracy' is not for labels", {**spec, "metric": "accuracy"})
    frame.assign(rare=False).to_csv(path, index=False)
    refused("no example of the train part has the label 'rare'", spec)
    x, y = np.zeros((9, 2)) + np.arange(9)[:, None], np.eye(3)[np.arange(9) % 3]
    with pytest.raises(NASGymError, match=r"y.argmax\(axis=1\)"):
        Task.from_arrays(x, y)  # one-hot classes
    with pytest.raises(NASGymError, match="has 'maybe' in row 1, and a label is 0 or 1"):
        Task.from_arrays(x, [["maybe", 1]] * 9, target_kind="labels")
    with pytest.raises(NASGymError, match="target_names must be 3 different names"):
        Task.from_arrays(x, y, target_kind="labels", target_names=["a"])


def test_labels_that_exclude_each_other_are_pointed_out():
    x, y = np.random.default_rng(0).normal(size=(90, 2)), np.eye(3)[np.arange(90) % 3]
    task = Task.from_arrays(x, y, target_kind="labels")
    assert any("exactly one of the labels" in note and "one column" in note for note in task.notes)
    y[0] = 1
    task = Task.from_arrays(x, y, target_kind="labels")
    assert not any("exactly one" in note for note in task.notes)
