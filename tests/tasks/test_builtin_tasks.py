"""The built-in tasks, by the shapes and counts that their sources state."""

from __future__ import annotations

import json
import random
import warnings
from importlib import import_module

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tasks import TASKS, Data, Task, cache, make_task

mnist1d = import_module("nas_gym.tasks.builtin.mnist1d")  # the package has a function of that name


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.platformdirs, "user_cache_path", lambda *_, **__: tmp_path)
    return tmp_path / "tasks"


@pytest.fixture
def few(cache_folder, monkeypatch):
    """Generates 200 signals in place of 18,000."""
    monkeypatch.setattr(mnist1d, "EXAMPLES", 200)
    return {"name": "mnist1d", "train_size": 100, "validation_size": 50, "test_size": 50}


def counts(task):
    return [len(task.y_train), len(task.y_validation), len(task.y_test)]


def test_digits_are_images_of_ten_classes():
    task = make_task("digits")
    assert (task.name, task.inputs, task.input_shape, task.outputs) == ("digits", "image", (1, 8, 8), 10)
    assert sum(counts(task)) == 1797
    raw = task.x_test * task.scale + task.mean
    assert raw.min() == pytest.approx(0, abs=1e-4)
    assert raw.max() == pytest.approx(16, abs=1e-4)


def test_breast_cancer_is_a_table_with_names():
    task = make_task("breast_cancer")
    assert (task.inputs, task.input_shape) == ("features", (30,))
    assert task.target.names == ("malignant", "benign")
    assert len(task.feature_names) == 30
    assert "worst radius" in task.feature_names
    labels = np.concatenate([task.y_train, task.y_validation, task.y_test])
    assert np.bincount(labels).tolist() == [212, 357]


def test_mnist1d_has_4000_training_5000_validation_and_10000_test_examples(cache_folder):
    task = make_task("mnist1d")
    assert (task.inputs, task.input_shape) == ("signal", (1, 40))
    assert counts(task) == [4000, 5000, 10000]
    for part in (task.y_train, task.y_validation, task.y_test):
        assert len(set(np.bincount(part))) == 1
    again = make_task({"name": "mnist1d", "train_size": 500})
    np.testing.assert_array_equal(again.y_test, task.y_test)


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_a_built_in_task_has_the_declared_types(name):
    task = make_task(name)
    for part in ("train", "validation", "test"):
        x, y = getattr(task, f"x_{part}"), getattr(task, f"y_{part}")
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert set(y) == set(range(task.outputs))
        assert np.isfinite(x).all()
    assert task.mean.dtype == task.scale.dtype == np.float64
    assert len(task.fingerprint) == 64


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
@pytest.mark.parametrize(
    "options", [{}, {"train_size": 0.2, "label_noise": 0.1, "noise": 0.3, "split_seed": 4}]
)
def test_a_task_is_rebuilt_from_its_spec(name, options):
    task = make_task({"name": name, **options})
    again = make_task(json.loads(json.dumps(task.spec)))
    assert again.fingerprint == task.fingerprint
    assert again.spec == task.spec == {"name": name, **options}
    assert make_task(task) is task


def test_the_split_of_digits_is_as_it_was():
    # A change here changes every result on digits: it must raise the environment's version.
    assert make_task("digits").fingerprint.startswith("3d293e62ae1361e3")


def test_mnist1d_restores_the_global_generators(few):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    make_task(few)
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002


def test_mnist1d_is_what_the_package_makes(few):
    from mnist1d.data import get_dataset_args, make_dataset

    arguments = get_dataset_args()
    arguments.num_samples = 200
    state = np.random.get_state()  # noqa: NPY002
    made = make_dataset(arguments)
    np.random.set_state(state)  # noqa: NPY002
    raw = np.concatenate([made["x"], made["x_test"]]).astype(np.float32)
    task = make_task(few)
    mine = np.concatenate([task.x_train, task.x_validation, task.x_test])[:, 0] * task.scale[0] + task.mean[0]
    assert np.allclose(np.sort(mine, axis=0), np.sort(raw, axis=0), atol=1e-5)


def test_mnist1d_is_generated_once_and_again_if_its_file_is_broken(few, cache_folder, monkeypatch):
    made = []
    generate = mnist1d._generate
    monkeypatch.setattr(mnist1d, "_generate", lambda *options: made.append(options) or generate(*options))
    fingerprint = make_task(few).fingerprint
    (file,) = cache_folder.iterdir()
    assert make_task(few).fingerprint == fingerprint
    assert len(made) == 1
    whole = file.read_bytes()
    for broken in (b"", b"text", whole[: len(whole) // 2], whole[:3000] + b"\xff" * 8 + whole[3008:]):
        file.write_bytes(broken)
        assert make_task(few).fingerprint == fingerprint
        assert file.read_bytes() == whole
    assert len(made) == 5
    make_task(few | {"seed": 43})
    assert len(made) == 6


def test_a_cache_file_with_other_arrays_is_not_believed(few, cache_folder):
    fingerprint = make_task(few).fingerprint
    (file,) = cache_folder.iterdir()
    with np.load(file) as arrays:
        changed = dict(arrays)
    changed["x"] = changed["x"] + 1
    np.savez(file, **changed)
    assert make_task(few).fingerprint == fingerprint


def test_a_cache_folder_that_cannot_be_written_costs_a_warning_only(few, cache_folder):
    cache_folder.write_text("a file in the way")
    with pytest.warns(UserWarning, match="made anew each time"):
        first = make_task(few)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert make_task(few).fingerprint == first.fingerprint


def test_mnist1d_makes_more_examples_where_the_counts_ask_for_more(few):
    task = make_task(few | {"train_size": 300})
    assert counts(task) == [300, 50, 50]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "mnst1d",
            r"unknown task 'mnst1d': did you mean 'mnist1d'\? known: arrays, breast_cancer, csv",
        ),
        (
            {"name": "digits", "train": 3},
            "unknown option of the task 'digits' 'train': did you mean 'train_size'",
        ),
        ({"name": "mnist1d", "sed": 3}, "did you mean 'seed'"),
        ({"name": "mnist1d", "seed": -1}, "seed of mnist1d must be"),
        ({"name": "mnist1d", "train_size": "many"}, "train_size must be"),
        ({"name": ["digits"]}, "unknown task"),
        ({"path": "a.npz"}, "a task is a name, a dict with 'name'"),
        (7, "not int"),
    ],
)
def test_a_spec_that_names_no_task_is_refused_in_one_sentence(spec, words, cache_folder):
    with pytest.raises(NASGymError, match=words):
        make_task(spec)


def test_a_new_loader_is_one_line_in_the_registry(monkeypatch):
    def stripes(period: int = 2) -> Data:
        """Alternating numbers."""
        x = np.arange(60).reshape(-1, 1)
        return Data(x, x[:, 0] % period)

    monkeypatch.setitem(TASKS, "stripes", stripes)
    task = make_task({"name": "stripes", "period": 3, "train_size": 0.3})
    assert isinstance(task, Task)
    assert (task.outputs, len(task.y_train)) == (3, 18)
