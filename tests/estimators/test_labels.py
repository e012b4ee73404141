"""Labels of any type are given back as they came, and their names go with the network."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from typer.testing import CliRunner

import nas_gym
from nas_gym.cli.app import app
from nas_gym.estimators import NASClassifier
from nas_gym.estimators.given import labels_named
from nas_gym.tasks import given_classes

pandas = pytest.importorskip("pandas")

QUICK = {"budget": 1, "minutes": 10, "agent": "random", "recipe": {"epochs": 3}}
OPTIONS = {**QUICK, "folds": 1, "report": False, "store": "memory"}
SECOND = np.arange(60) % 2 == 1
X = np.random.default_rng(0).normal(size=(60, 2)) + 3 * SECOND[:, None]


def of(first, second):
    return [second if one else first for one in SECOND.tolist()]


KINDS = {
    "int": np.array(of(10, 20)),
    "list": of(10, 20),
    "int8": np.array(of(-3, 2), dtype=np.int8),
    "bool": SECOND,
    "float": np.array(of(0.0, 1.0)),
    "str": np.array(of("no", "yes")),
    "texts": of("no", "yes"),
    "digits": np.array(of("1", "2")),
    "object": np.array(of("no", "yes"), dtype=object),
    "series": pandas.Series(of(10, 20), index=np.arange(60) + 7),
    "nullable": pandas.Series(of(10, 20), dtype="Int64"),
    "truth": pandas.Series(SECOND, dtype="boolean"),
    "string": pandas.Series(of("no", "yes"), dtype="string"),
    "categories": pandas.Series(pandas.Categorical(of("no", "yes"), categories=["yes", "no", "perhaps"])),
    "numbers": pandas.Series(pandas.Categorical(of(10, 20))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_labels_of_the_classes_are_as_they_were_given(kind):
    given = list(KINDS[kind])
    found = given_classes(KINDS[kind])
    assert found.tolist() == sorted(set(given))
    assert {type(one) for one in found.tolist()} == {type(one) for one in np.unique(given).tolist()}


@pytest.mark.parametrize("kind", ["int", "bool", "nullable", "categories"])
def test_labels_of_a_frame_and_of_arrays_are_given_back(kind, tmp_path):
    y = KINDS[kind]
    frame = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": getattr(y, "array", y)})
    of_frame = nas_gym.fit(frame, target="kind", folder=tmp_path / "frame", **OPTIONS)
    of_arrays = nas_gym.fit(X, y, folder=tmp_path / "arrays", **OPTIONS)
    for found, examples, truth in ((of_frame, frame[["a", "b"]], frame["kind"]), (of_arrays, X, y)):
        assert set(found.predict(examples).tolist()) <= set(truth)
        assert found.score(examples, truth) > 0.4


@pytest.mark.parametrize("kind", ["float", "texts", "categories"])
def test_an_estimator_gives_them_back_and_names_the_classes_of_its_network(kind):
    y = KINDS[kind]
    found = NASClassifier(**QUICK).fit(X, y)
    assert found.score(X, y) > 0.4
    assert found.network_.class_names == (("0", "1") if kind == "float" else ("no", "yes"))


def test_labels_last_through_pickle_clone_and_cross_validation(tmp_path):
    y = pandas.Series(of(10, 20))
    found = nas_gym.fit(pandas.DataFrame(X, columns=["a", "b"]), y, folder=tmp_path / "run", **OPTIONS)
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.predict(X), found.predict(X))
    assert again.classes_.tolist() == [10, 20]
    cloned = clone(found).fit(X, y)
    assert cloned.classes_.tolist() == [10, 20]
    assert np.isfinite(cross_val_score(cloned, X, y, cv=2, error_score="raise")).all()


def test_labels_of_a_file_are_those_that_pandas_reads(tmp_path):
    frame = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": of(10, 20)})
    frame.to_csv(tmp_path / "own.csv", index=False)
    found = nas_gym.fit(tmp_path / "own.csv", "kind", folder=tmp_path / "run", **OPTIONS)
    read = pandas.read_csv(tmp_path / "own.csv")
    assert found.classes_.tolist() == [10, 20]
    assert found.score(read[["a", "b"]], read["kind"]) > 0.4


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("1", "2", "10"), [1, 2, 10]),
        (("-1", "+1"), [-1, 1]),
        (("0.5", "1", "2.5e1"), [0.5, 1.0, 25.0]),
        (("False", "True"), [False, True]),
        (("false", "TRUE"), [False, True]),
        (("01", "1"), ["01", "1"]),
        (("1_0", "11"), ["1_0", "11"]),
        (("no", "yes"), ["no", "yes"]),
        (("1", "two"), ["1", "two"]),
        (("9" * 30, "1"), [int("9" * 30), 1]),
    ],
)
def test_names_are_read_as_labels(names, labels):
    found = labels_named(names)
    assert found.tolist() == labels
    assert [type(one) for one in found.tolist()] == [type(one) for one in labels]


def test_labels_of_rows_that_are_left_out_are_no_classes(tmp_path):
    y = pandas.Series(of(10.0, 20.0))
    y[3] = np.nan
    frame = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": y})
    with pytest.warns(UserWarning, match="1 of 60 values"):
        found = nas_gym.fit(frame, "kind", folder=tmp_path / "run", **OPTIONS)
    assert found.classes_.tolist() == [10.0, 20.0]


def test_other_names_of_the_classes_are_for_the_network_and_labels_stay(tmp_path):
    found = nas_gym.fit(X, of(10, 20), class_names=["low", "high"], folder=tmp_path / "run", **OPTIONS)
    assert found.network_.class_names == ("low", "high")
    assert found.classes_.tolist() == [10, 20]


def test_a_saved_network_answers_with_the_names_of_the_labels(tmp_path):
    NASClassifier(**QUICK).fit(X, of("setosa", "virginica")).save(tmp_path / "network.pt")
    assert nas_gym.load_network(tmp_path / "network.pt").class_names == ("setosa", "virginica")
    np.save(tmp_path / "rows.npy", X)
    command = ["predict", str(tmp_path / "network.pt"), str(tmp_path / "rows.npy"), "--out", "-"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert "probability setosa,probability virginica" in result.stdout.splitlines()[0]
