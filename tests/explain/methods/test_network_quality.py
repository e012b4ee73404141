"""Confusion and calibration are those of an independent computation, and right where they are planted."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from nas_gym.explain.methods.attribution.calibration import calibration, confused_pairs, confusion


def planted(count, shift, seed, classes=4):
    """Probabilities and answers: the right class has the stated probability minus a shift."""
    rng = np.random.default_rng(seed)
    stated = rng.uniform(0.55, 0.95, count)
    predicted = rng.integers(classes, size=count)
    probabilities = np.tile(((1 - stated) / (classes - 1))[:, None], classes)
    probabilities[np.arange(count), predicted] = stated
    right = rng.random(count) < stated - shift
    y = np.where(right, predicted, (predicted + 1) % classes)
    return probabilities, y


def test_the_confusion_matrix_is_scikit_learns():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(5, size=200), rng.integers(5, size=200)
    assert (confusion(y, predicted, 5) == confusion_matrix(y, predicted, labels=range(5))).all()


def test_a_class_without_examples_has_an_empty_row():
    assert confusion(np.array([0, 2]), np.array([0, 0]), 3).tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_the_most_frequent_mistakes_come_first():
    matrix = np.array([[9, 1, 0], [4, 9, 0], [0, 0, 9]])
    assert confused_pairs(matrix, 3) == [(1, 0, 4), (0, 1, 1)]


def test_the_uncorrected_error_is_the_usual_one():
    probabilities, y = planted(1000, 0.1, 0)
    sure, right = probabilities.max(1), probabilities.argmax(1) == y
    parts = np.array_split(np.argsort(sure, kind="stable"), 10)
    expected = sum(len(part) / 1000 * abs(sure[part].mean() - right[part].mean()) for part in parts)
    assert calibration(probabilities, y, 0).uncorrected == pytest.approx(expected)


def test_a_network_that_is_as_sure_as_it_should_be_shows_no_more_error_than_chance():
    beyond = [calibration(*planted(1000, 0.0, seed), 0) for seed in range(40)]
    assert sum(one.uncorrected > one.error_by_chance for one in beyond) <= 6
    assert np.mean([one.error for one in beyond]) < np.mean([one.uncorrected for one in beyond]) * 0.7


def test_a_network_that_is_too_sure_is_found_out():
    found = calibration(*planted(2000, 0.1, 1), 0)
    assert found.uncorrected > found.error_by_chance
    assert found.gap_low <= 0.1 <= found.gap_high
    assert found.gap_low > 0


def test_intervals_of_the_error_hold_the_truth():
    held = sum(
        found.error_low <= 0.1 <= found.error_high
        for found in (calibration(*planted(1000, 0.1, seed), 0) for seed in range(60))
    )
    assert held >= 53


def test_fewer_examples_than_bins_are_no_trouble():
    found = calibration(*planted(4, 0.0, 0), 0)
    assert found.counts.sum() == 4
    assert np.isfinite(found.error)
