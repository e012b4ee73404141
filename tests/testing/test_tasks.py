"""The contract of tasks holds for every registered one, and finds what is planted."""

from __future__ import annotations

import dataclasses
import itertools
import random
from inspect import signature

import numpy as np
import pytest

from nas_gym.tasks import TASKS, Data, make_task
from nas_gym.testing import check_task

BUILT_IN = sorted(
    name
    for name, loader in TASKS.items()
    if name != "arrays" and all(one.default is not one.empty for one in signature(loader).parameters.values())
)
SMALLER = {
    "spoken_words": {
        "words": ["yes", "no"],
        "accents": ["en-US"],
        "train_size": 100,
        "validation_size": 50,
        "test_size": 50,
    }
}
"""Options of tasks that take long to make."""
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(300, 4)), RNG.integers(0, 3, size=300)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_contract_holds(name):
    spec = {"name": name, **SMALLER.get(name, {})}
    check_task(spec)
    if make_task(spec).coded is None:
        check_task({**spec, "split_seed": 3, "noise": 0.1})


@pytest.mark.parametrize("shape", [(300, 4), (300, 2, 5), (300, 1, 6, 6)])
def test_the_contract_holds_for_arrays_of_every_kind(shape):
    check_task(make_task({"name": "arrays", "x": RNG.normal(size=shape), "y": Y}))


@pytest.mark.parametrize("values", [(), (3,)])
def test_the_contract_holds_for_values(values):
    y = RNG.normal(5, 2, size=(300, *values))
    check_task(make_task({"name": "arrays", "x": X, "y": y, "target_kind": "values"}))


def test_the_contract_holds_for_a_file(tmp_path):
    np.savez(tmp_path / "own.npz", x=X, y=Y)
    check_task(str(tmp_path / "own.npz"))
    np.savez(tmp_path / "values.npz", x=X, y=X[:, 0] + Y)
    check_task({"name": "npz", "path": str(tmp_path / "values.npz"), "target_kind": "values"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda task: {"x_test": task.x_test.astype(np.float64)}, "test part must be float32 and int64"),
        (lambda task: {"x_train": np.full_like(task.x_train, np.nan)}, "NaN or infinite"),
        (lambda task: {"y_validation": np.zeros_like(task.y_validation)}, "validation part has the classes"),
        (lambda task: {"y_train": task.y_train[1:]}, "train part has shapes"),
        (lambda task: {"feature_names": ("a",)}, "1 feature_names for 4 features"),
        (lambda task: {"scale": task.scale * 0}, "scale must be above 0"),
        (lambda task: {"mean": task.mean + 1}, "is not the sample that is kept"),
        (lambda task: {"spec": {"name": {1, 2}}}, "spec of the task 'arrays' must be JSON-able"),
    ],
)
def test_a_planted_fault_is_told(change, sentence):
    task = make_task({"name": "arrays", "x": X, "y": Y})
    with pytest.raises(AssertionError, match=sentence):
        check_task(dataclasses.replace(task, **change(task)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda task: {"y_test": task.y_test.astype(np.float64)}, "test part must be float32 and float32"),
        (lambda task: {"y_validation": task.y_validation[:, 0]}, "validation part has shapes"),
        (lambda task: {"y_train": 2 * task.y_train}, "means and deviations .* expected 0 and 1"),
        (lambda task: {"y_train": task.y_train + 1}, "means and deviations .* expected 0 and 1"),
        (lambda task: {"y_test": np.full_like(task.y_test, np.inf)}, "NaN or infinite"),
        (lambda task: {"target": dataclasses.replace(task.target, names=("a", "b"))}, "has shapes"),
        (lambda task: {"target": dataclasses.replace(task.target, mean=[0.0])}, "when its config builds it"),
    ],
)
def test_a_planted_fault_in_values_is_told(change, sentence):
    task = make_task("diabetes")
    with pytest.raises(AssertionError, match=sentence):
        check_task(dataclasses.replace(task, **change(task)))


def test_a_task_that_differs_each_time_is_told(monkeypatch):
    seeds = itertools.count()
    monkeypatch.setitem(
        TASKS, "moving", lambda: Data(np.random.default_rng(next(seeds)).normal(size=(90, 2)), Y[:90])
    )
    with pytest.raises(AssertionError, match="another each time it is built"):
        check_task("moving")


def test_a_task_that_draws_globally_is_told(monkeypatch):
    def drawing():
        random.random()
        return Data(X, Y)

    monkeypatch.setitem(TASKS, "drawing", drawing)
    with pytest.raises(AssertionError, match="changes the global random state of random"):
        check_task("drawing")
