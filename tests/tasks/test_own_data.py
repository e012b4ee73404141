"""The user's own arrays and files, and what is said of those that make no task."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from nas_gym.tasks import Task, make_task
from tests.helpers.refusals import refused

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = np.arange(90) % 3


def raw(task, part="train"):
    return getattr(task, f"x_{part}") * task.scale + task.mean


@pytest.mark.parametrize(
    ("shape", "inputs", "input_shape"),
    [
        ((90, 4), None, (4,)),
        ((90, 2, 9), None, (2, 9)),
        ((90, 3, 8, 8), None, (3, 8, 8)),
        ((90, 9), "signal", (1, 9)),
        ((90, 8, 8), "image", (1, 8, 8)),
        ((90, 8, 8), "signal", (8, 8)),
        ((90, 16, 5, 3), "image", (16, 5, 3)),
    ],
)
def test_examples_are_tables_signals_or_images(shape, inputs, input_shape):
    task = Task.from_arrays(RNG.normal(size=shape), Y, inputs=inputs)
    assert task.input_shape == input_shape


@pytest.mark.parametrize(
    "y", [Y.tolist(), Y * 10 - 7, Y.astype(float), Y.astype(np.uint8), np.array(["no", "yes", "zero"])[Y]]
)
def test_labels_are_numbered_in_sorted_order(y):
    task = Task.from_arrays(X, y)
    assert task.y_train.tolist() == Task.from_arrays(X, Y).y_train.tolist()
    assert task.target.names == tuple(str(value).removesuffix(".0") for value in np.unique(y))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([1e19, 2e19, 3.0]), ("3", str(10**19), str(2 * 10**19))),
        ([-1, 2**63 + 1, 2**63 + 2], ("-1", str(2**63 + 1), str(2**63 + 2))),
        (np.array([2**63 + 1, 2**63 + 2, 5], dtype=np.uint64), ("5", str(2**63 + 1), str(2**63 + 2))),
        ([10**30, 10**30 + 1, -(10**30)], (str(-(10**30)), str(10**30), str(10**30 + 1))),
        (np.array(["a", "b ", "b"], dtype=object), ("a", "b", "b ")),
        (np.array([b"x", b"y", b"z"]), ("x", "y", "z")),
        ([1, 2.0, np.int8(3)], ("1", "2", "3")),
    ],
)
def test_labels_of_any_size_are_exact(labels, names):
    y = [labels[number] for number in Y] if isinstance(labels, list) else labels[Y]
    task = Task.from_arrays(X, y)
    assert task.target.names == names
    assert np.bincount(task.y_train).tolist() == [18, 18, 18]


def test_names_are_kept():
    task = Task.from_arrays(
        X, Y, name="mine", class_names=["a", "b", "c"], feature_names=["p", "q", "r", "s"]
    )
    assert (task.name, task.target.names, task.feature_names) == (
        "mine",
        ("a", "b", "c"),
        ("p", "q", "r", "s"),
    )
    assert make_task({"name": "arrays", "x": X, "y": Y}).name == "arrays"


def test_the_spec_of_arrays_is_json_and_checks_the_arrays_that_come_with_it():
    task = Task.from_arrays(X, Y, train_size=0.3, class_names=np.array(["a", "b", "c"]))
    spec = json.loads(json.dumps(task.spec))
    assert make_task(spec | {"x": X, "y": Y}).fingerprint == task.fingerprint
    refused("have fingerprint", spec | {"x": X + 1, "y": Y})
    refused("names their fingerprint only", spec)


def test_a_task_can_be_pickled():
    task = Task.from_arrays(X, Y)
    assert pickle.loads(pickle.dumps(task)).fingerprint == task.fingerprint


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (X[:-1], Y, "x has 89 examples and y 90 labels"),
        (X, Y * 0, "y has 1 class"),
        (X, Y[:, None], r"y.ravel\(\)"),
        (X, np.eye(3)[Y], r"y.argmax\(axis=1\)"),
        (X, [None] * 90, "y misses 90 of 90 labels"),
        (X, np.where(Y == 0, np.nan, Y), "y misses 30 of 90 labels, the first at 0"),
        (X, np.ma.masked_equal(Y, 2), "y has 30 masked labels"),
        (np.ma.masked_greater(X, 2), Y, "x has .* masked values"),
        (X, [1, "1", 2] * 30, "y mixes labels of several types, such as 1 and '1'"),
        (X, [True, 1, 0] * 30, "y mixes labels of several types"),
        (X, [1 + 0j, 2] * 45, "y has a complex"),
        (
            X,
            np.where(np.arange(90) < 2, 77, np.arange(90) % 11),
            "12 different numbers, 1 of them in fewer than 3 examples, which looks like regr",
        ),
        (np.arange(180).reshape(90, 2) + 2**60, Y, "different whole numbers that are equal in float64"),
        (X.astype(object), Y, r"x is of dtype object: convert it, for example with x.astype\(float\)"),
        (X.astype(str), Y, "x must hold real numbers"),
        (X + 1j, Y, "x must hold real numbers"),
        (X[:, 0], Y, r"x.reshape\(-1, 1\)"),
        (X.reshape(90, 2, 2, 1, 1), Y, "x must be of shape"),
        (np.zeros((90, 0)), Y, "x is empty"),
        (np.zeros((0, 3)), [], "x is empty"),
        ([[1, 2], [3]], [0, 1], "rows differ in length"),
        (np.where(X > 2, np.nan, X), Y, "NaN, infinite or beyond float32"),
        (np.where(X > 2, np.inf, X), Y, "NaN, infinite or beyond float32"),
        (X * 1e300, Y, "NaN, infinite or beyond float32"),
    ],
)
def test_arrays_that_make_no_task_are_refused_with_the_remedy(x, y, words):
    refused(words, {"name": "arrays", "x": x, "y": y})


def test_a_bad_value_is_found_by_example_and_feature():
    x = X.copy()
    x[17, 2] = np.nan
    names = ["a", "b", "age", "d"]
    refused(
        r"1 values .* the first at \(17, 2\), feature 'age'",
        {"name": "arrays", "x": x, "y": Y, "feature_names": names},
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inputs": "sound"}, "unknown inputs 'sound'"),
        ({"inputs": "image"}, "cannot be read with inputs='image'"),
        ({"class_names": ["a"]}, "class_names has 1 names for 3 classes"),
        ({"feature_names": ["a"]}, "feature_names has 1 names"),
        ({"y": None}, "needs x and y"),
        ({"labels": Y}, "unknown option of the task 'arrays' 'labels'"),
    ],
)
def test_options_that_do_not_fit_the_arrays_are_refused(options, words):
    refused(words, {"name": "arrays", "x": X, "y": Y} | options)


def test_an_outlier_that_float32_cannot_hold_after_standardisation_is_refused():
    x = np.full((90, 1), 1e-20)
    x[1::2] = 2e-20
    x[7] = 1e30
    task = Task.from_arrays(np.arange(90.0).reshape(-1, 1), Y)
    outside = int(np.round(raw(task, "test")[0, 0]))
    x[7], x[outside] = 1e-20, 1e30
    refused("too far from the training part", {"name": "arrays", "x": x, "y": Y})


def test_an_npz_file_is_a_task(tmp_path):
    path = tmp_path / "my data.npz"
    np.savez(path, x=X, y=Y)
    expected = Task.from_arrays(X, Y).fingerprint
    for spec in (str(path), path, {"name": "npz", "path": str(path)}):
        assert make_task(spec).fingerprint == expected
    task = make_task({"name": "npz", "path": path, "train_size": 30})
    assert task.name == "my-data"
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint


def test_an_npz_file_may_name_its_arrays(tmp_path):
    path = tmp_path / "named.npz"
    np.savez_compressed(path, inputs=X, labels=Y)
    task = make_task(
        {"name": "npz", "path": str(path), "x": "inputs", "y": "labels", "class_names": ["a", "b", "c"]}
    )
    assert task.fingerprint == Task.from_arrays(X, Y).fingerprint
    refused("unknown array of .*named.npz 'x': known: inputs, labels", str(path))


def parts(first=40, second=70):
    ends = {"train": (0, first), "validation": (first, second), "test": (second, 90)}
    return {
        f"{letter}_{part}": array[a:b]
        for part, (a, b) in ends.items()
        for letter, array in (("x", X), ("y", Y))
    }


def test_an_npz_file_in_parts_keeps_them(tmp_path):
    path = tmp_path / "parts.npz"
    np.savez(path, **parts())
    task = make_task(str(path))
    np.testing.assert_allclose(raw(task), X[:40], atol=1e-5)
    np.testing.assert_allclose(raw(task, "test"), X[70:], atol=1e-5)
    np.testing.assert_allclose(task.mean, X[:40].mean(axis=0), atol=1e-5)
    assert task.y_validation.tolist() == Y[40:70].tolist()
    refused("leaves nothing to train_size", {"name": "npz", "path": str(path), "train_size": 0.5})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y_test": Y[71:]}, "x_test of shape"),
        ({"x_validation": X[40:70, :2]}, "x_validation of shape"),
        ({"y_train": Y[:40] % 2}, "the train part has no example of class '2'"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(tmp_path, change, words):
    np.savez(tmp_path / "parts.npz", **(parts() | change))
    refused(words, str(tmp_path / "parts.npz"))


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    assert make_task("~/data.npz").outputs == 3


def test_python_objects_in_an_npz_file_are_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the file ran code",))

    path = tmp_path / "trap.npz"
    np.savez(path, x=np.array([Trap()], dtype=object), y=Y)
    refused("holds Python objects", str(path))


@pytest.mark.parametrize("name", ["text.npz", "half.npz", "bent.npz"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, name):
    np.savez(tmp_path / "whole.npz", x=X, y=Y)
    whole = (tmp_path / "whole.npz").read_bytes()
    contents = {
        "text.npz": b"not a zip",
        "half.npz": whole[:500],
        "bent.npz": whole[:400] + b"????" + whole[404:],
    }
    (tmp_path / name).write_bytes(contents[name])
    refused(f"{name} is (no .npz file|damaged)", str(tmp_path / name))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    refused("there is no file .*gone.npz", str(tmp_path / "gone.npz"))
    refused("is a folder", {"name": "npz", "path": tmp_path})
    refused("path must be the path", {"name": "npz", "path": 3})
