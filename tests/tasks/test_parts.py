"""Parts are disjoint, stratified and fixed; the standardisation knows the training part only."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import NASGymError
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.prepare import standardisation
from nas_gym.tasks.splits import stratified

NAMES = tuple("abcdefgh")


def numbered(rows=100, seed=0):
    """Data whose first feature is the number of the row, to see which rows a part has."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [np.arange(rows), rng.normal(5, 3, rows), np.full(rows, 0.1), rng.exponential(size=rows)]
    )
    return x, rng.permutation(np.arange(rows) % 3)


def rows_of(task, part):
    return np.round(part[:, 0] * task.scale[0] + task.mean[0]).astype(int)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(3, 40), min_size=2, max_size=8), st.data())
def test_parts_are_disjoint_have_their_size_and_every_class_in_proportion(totals, data):
    classes, examples = len(totals), sum(totals)
    test = data.draw(st.integers(classes, examples - 2 * classes))
    validation = data.draw(st.integers(classes, examples - test - classes))
    train = data.draw(st.integers(classes, examples - test - validation))
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), totals))
    parts = stratified(y, (train, validation, test), NAMES[:classes], seed=data.draw(st.integers(0, 9)))
    assert [len(part) for part in parts] == [train, validation, test]
    together = np.concatenate(parts)
    assert len(set(together.tolist())) == len(together)
    for part in parts:
        assert set(y[part]) == set(range(classes))


@given(st.integers(0, 1000))
def test_class_shares_of_a_part_differ_from_those_of_the_data_by_less_than_one_example(seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(3), (200, 61, 39)))
    for part in stratified(y, (180, 60, 60), NAMES[:3], seed):
        shares = np.bincount(y) * len(part) / len(y)
        assert np.all(np.abs(np.bincount(y[part]) - shares) < 1)


def test_another_training_size_leaves_the_other_parts_and_is_nested():
    x, y = numbered()
    large, small = Task.from_arrays(x, y), Task.from_arrays(x, y, train_size=20)
    for part in ("validation", "test"):
        first, second = (rows_of(task, getattr(task, f"x_{part}")) for task in (large, small))
        assert first.tolist() == second.tolist()
    assert len(small.y_train) == 20
    assert set(rows_of(small, small.x_train)) < set(rows_of(large, large.x_train))


def test_default_parts_are_60_20_20():
    task = Task.from_arrays(*numbered())
    assert [len(task.y_train), len(task.y_validation), len(task.y_test)] == [60, 20, 20]


def test_another_split_seed_is_another_split():
    x, y = numbered()
    first, second = Task.from_arrays(x, y), Task.from_arrays(x, y, split_seed=1)
    assert set(rows_of(first, first.x_test)) != set(rows_of(second, second.x_test))
    assert first.fingerprint != second.fingerprint


def test_the_standardisation_of_a_table_is_per_feature_of_the_training_part():
    x, y = numbered()
    task = Task.from_arrays(x, y)
    raw = x[rows_of(task, task.x_train)]
    np.testing.assert_allclose(task.mean, raw.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(task.scale[[0, 1, 3]], raw.std(axis=0)[[0, 1, 3]], rtol=1e-6)
    for part in (task.x_train, task.x_validation, task.x_test):
        np.testing.assert_allclose(
            part, (x[rows_of(task, part)] - task.mean) / task.scale, rtol=1e-5, atol=1e-6
        )


def test_values_outside_the_training_part_change_no_standardisation():
    x, y = numbered()
    task = Task.from_arrays(x, y)
    changed = x.copy()
    held_out = np.concatenate([rows_of(task, task.x_validation), rows_of(task, task.x_test)])
    changed[held_out, 1:] = 1e4
    other = Task.from_arrays(changed, y)
    np.testing.assert_array_equal(other.mean, task.mean)
    np.testing.assert_array_equal(other.scale, task.scale)


def test_a_constant_feature_has_scale_1_and_becomes_exactly_0():
    task = Task.from_arrays(*numbered())
    assert task.scale[2] == 1.0
    assert not task.x_train[:, 2].any()


@pytest.mark.parametrize("shape", [(50, 3, 7), (50, 3, 5, 4)])
def test_signals_and_images_have_one_mean_and_scale_per_channel(shape):
    x = np.random.default_rng(0).normal(7, 2, shape)
    mean, scale = standardisation(x)
    sides = (3,) + (1,) * (len(shape) - 2)
    assert mean.shape == scale.shape == sides
    for channel in range(3):
        assert mean.ravel()[channel] == pytest.approx(np.mean(x[:, channel]), abs=1e-5)
        assert scale.ravel()[channel] == pytest.approx(np.std(x[:, channel]), rel=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
def test_a_large_offset_costs_no_precision(offset):
    x = np.random.default_rng(0).integers(0, 100, (60, 1)) + offset
    mean, scale = standardisation(x)
    standardised = (x - mean) / scale
    assert abs(standardised.mean()) < 1e-5
    assert standardised.std() == pytest.approx(1, abs=1e-5)


def test_the_standardisation_does_not_depend_on_how_a_sum_is_rounded():
    x = np.random.default_rng(0).normal(size=(1000, 5))
    reversed_sums = standardisation(x[::-1])
    for forward, backward in zip(standardisation(x), reversed_sums, strict=True):
        np.testing.assert_array_equal(forward, backward)


def test_the_fingerprint_is_of_the_data_the_split_and_the_preprocessing():
    x, y = numbered()
    options = ({}, {"split_seed": 3}, {"train_size": 50}, {"label_noise": 0.1}, {"noise": 0.1})
    prints = {Task.from_arrays(x, y, **option).fingerprint for option in options}
    assert len(prints) == len(options)
    assert Task.from_arrays(x.copy(), y.tolist(), name="other").fingerprint in prints
    moved = x.copy()
    moved[0, 1] += 1e-3
    assert Task.from_arrays(moved, y).fingerprint not in prints


def test_label_noise_replaces_that_share_of_the_training_labels_by_other_classes():
    x, y = numbered(300)
    clean, noisy = Task.from_arrays(x, y), Task.from_arrays(x, y, label_noise=0.25)
    assert (clean.y_train != noisy.y_train).sum() == 45
    assert set(noisy.y_train) == {0, 1, 2}
    assert clean.y_validation.tolist() == noisy.y_validation.tolist()
    assert clean.y_test.tolist() == noisy.y_test.tolist()
    other = Task.from_arrays(x, y, label_noise=0.25, noise_seed=1)
    assert other.y_train.tolist() != noisy.y_train.tolist()


def test_noise_has_its_deviation_and_is_in_the_training_inputs_alone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 20, (2000, 5)), np.arange(2000) % 2
    clean, noisy = Task.from_arrays(x, y), Task.from_arrays(x, y, noise=0.5)
    assert (noisy.x_train - clean.x_train).std() == pytest.approx(0.5, rel=0.05)
    np.testing.assert_array_equal(noisy.x_validation, clean.x_validation)
    np.testing.assert_array_equal(noisy.x_test, clean.x_test)


def test_making_a_task_touches_no_global_generator():
    Task.from_arrays(*numbered(), label_noise=0.2, noise=0.1)  # what it imports may draw, once
    make_task("digits")
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    Task.from_arrays(*numbered(), label_noise=0.2, noise=0.1)
    make_task("digits")
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"train_size": 0.7}, "do not fit 100 examples"),
        ({"train_size": 61}, "do not fit 100 examples"),
        ({"validation_size": 0.999}, "do not fit 100 examples"),
        ({"validation_size": 0}, "validation_size must be a count"),
        ({"test_size": 1.0}, "test_size must be a count"),
        ({"test_size": "0.2"}, "not '0.2'"),
        ({"test_size": True}, "not True"),
        ({"train_size": 2}, "the train part would have 2 examples for 3 classes"),
        ({"label_noise": 1.0}, "label_noise must be a share"),
        ({"label_noise": float("nan")}, "label_noise must be a share"),
        ({"noise": -1}, "noise must be"),
        ({"split_seed": -1}, "split_seed must be"),
        ({"noise_seed": 0.5}, "noise_seed must be"),
    ],
)
def test_an_impossible_preparation_is_refused_in_one_sentence(options, words):
    with pytest.raises(NASGymError, match=words):
        Task.from_arrays(*numbered(), **options)


def test_a_class_with_too_few_examples_is_named():
    x, _ = numbered(50)
    y = ["common"] * 48 + ["rare"] * 2
    with pytest.raises(NASGymError, match="class 'rare' has 2 of the at least 3 examples"):
        Task.from_arrays(x, y)
    task = Task.from_arrays(x, ["common"] * 47 + ["rare"] * 3)
    assert [part.sum() for part in (task.y_train, task.y_validation, task.y_test)] == [1, 1, 1]
