"""Folds: every example but those of the test part is in one validation part, and seeds say in which."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import ConfigError, NASGymError
from nas_gym.evaluators import Request, Store, StoredEvaluator, TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task, unsaid


def task_of(n=150, classes=3, folds=5, values=False, seed=0, **options):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    if values:
        return Task.from_arrays(
            x, x[:, 0] + rng.normal(size=n) / 9, target_kind="values", folds=folds, **options
        )
    y = np.arange(n) % classes
    return Task.from_arrays(x + y[:, None], y, folds=folds, **options)


@settings(max_examples=40, deadline=None)
@given(st.integers(60, 200), st.integers(2, 4), st.integers(2, 12), st.booleans(), st.integers(0, 5))
def test_the_validation_parts_are_a_partition_of_all_but_the_test_part(n, classes, folds, values, seed):
    task = task_of(n, classes, folds, values, seed, split_seed=seed)
    known = len(task.y_train) + len(task.y_validation)
    assert known + len(task.y_test) == n
    assert sorted(np.concatenate(task.folds).tolist()) == list(range(known))
    sizes = [len(fold) for fold in task.folds]
    assert max(sizes) - min(sizes) <= 2
    x, y = task.known
    for number in range(folds):
        x_train, y_train, x_validation, y_validation = task.fold(number)
        assert len(y_train) + len(y_validation) == known
        assert np.array_equal(x_validation, x[task.folds[number]])
        assert np.array_equal(y_validation, y[task.folds[number]])
        assert len(np.unique(np.concatenate([x_train, x_validation])[:, 0])) == known
        if not values:
            shares = np.bincount(y_validation, minlength=classes)
            assert shares.max() - shares.min() <= 3  # of classes of equal size
    for one, other in zip(
        task.fold(0), (task.x_train, task.y_train, task.x_validation, task.y_validation), strict=True
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", ["classes", "values", "groups"])
def test_folds_are_cut_again_by_other_shuffles(kind):
    options = {"values": True} if kind == "values" else {}
    if kind == "groups":
        options = {"group": np.arange(150) // 3}
    with unsaid():
        once, thrice = task_of(**options), task_of(fold_repeats=3, **options)
    assert [fold.tolist() for fold in thrice.folds[:5]] == [fold.tolist() for fold in once.folds]
    assert len(thrice.folds) == 15
    known = len(once.known[1])
    for cut in (thrice.folds[:5], thrice.folds[5:10], thrice.folds[10:]):
        assert sorted(np.concatenate(cut).tolist()) == list(range(known))
    assert len({tuple(fold.tolist()) for fold in thrice.folds}) == 15
    assert (thrice.fold_of(7), once.fold_of(7)) == (7, 2)
    assert thrice.fingerprint != once.fingerprint
    for number in (5, 14):
        assert np.array_equal(thrice.fold(number)[2], thrice.known[0][thrice.folds[number]])


def test_groups_that_another_shuffle_cuts_the_same_way_are_refused_and_not_trained_on_twice():
    different = np.repeat(np.arange(12), np.arange(5, 17))
    group = np.concatenate([different, np.full(150 - len(different), 12)])
    with unsaid(), pytest.raises(ConfigError, match="twice into the same folds"):
        task_of(fold_repeats=3, folds=3, group=group)


def test_a_task_without_folds_is_what_it_was_and_one_with_folds_is_another():
    single = task_of(folds=1)
    assert single.folds == ()
    assert (single.fold_of(7), task_of(folds=5).fold_of(7)) == (0, 2)
    assert make_task("digits").fingerprint == make_task({"name": "digits", "folds": 1}).fingerprint
    prints = {task_of(folds=folds).fingerprint for folds in (1, 2, 4, 5)}
    assert len(prints) == 4
    assert task_of().fingerprint == task_of().fingerprint


@pytest.mark.parametrize("values", [False, True])
def test_a_seed_trains_on_its_fold_whatever_is_asked_for_with_it(values, tmp_path):
    task = task_of(values=values)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 12, "batch_size": 32})
    assert evaluator.seeds == (0, 1, 2, 3, 4)
    together = evaluator.evaluate([Request(architecture, seed) for seed in (3, 0, 8, 1)])
    for seed, found in zip((3, 0, 8, 1), together, strict=True):
        x, y, x_validation, y_validation = task.fold(seed % 5)
        alone = Task.from_arrays(
            np.concatenate([x, x_validation]),
            np.concatenate([y, y_validation]),
            **({"target_kind": "values"} if values else {}),
        )
        # The same examples as parts of a task of their own.
        object.__setattr__(alone, "x_train", x)
        object.__setattr__(alone, "y_train", y)
        object.__setattr__(alone, "x_validation", x_validation)
        object.__setattr__(alone, "y_validation", y_validation)
        object.__setattr__(alone, "target", task.target)
        (expected,) = TrainEvaluator(space, alone, "cpu", recipe=evaluator.recipe).evaluate(
            [Request(architecture, seed)]
        )
        assert (found.score, found.curve) == (expected.score, expected.curve)
    stored = StoredEvaluator(evaluator, Store("memory"))
    averaged = stored.evaluate_architectures([architecture])[0]
    assert averaged.seeds == (0, 1, 2, 3, 4)
    assert averaged.score == pytest.approx(
        np.mean([one.score for one in evaluator.evaluate([Request(architecture, seed) for seed in range(5)])])
    )


def test_a_refitted_network_learned_from_the_validation_part_too():
    task = task_of()
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 5})
    refitted = evaluator.refit(space.parse("relu-16"), 0).state_dict()
    fitted = evaluator.fit(space.parse("relu-16"), 0)[0].state_dict()
    assert not all(np.array_equal(refitted[name], fitted[name]) for name in fitted)
    again = evaluator.refit(space.parse("relu-16"), 0).state_dict()
    assert all(np.array_equal(refitted[name], again[name]) for name in again)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"folds": 0}, "folds must be a whole number from 1 to 100, not 0"),
        ({"folds": 2.5}, "folds must be a whole number"),
        ({"fold_repeats": 0}, "fold_repeats must be a whole number from 1 to 100, not 0"),
        ({"fold_repeats": 2}, "fold_repeats cuts the folds again, and there are none: pass folds, too"),
        ({"folds": 5, "noise": 0.1}, "folds train on every example .* leave out train_size, noise"),
        ({"folds": 5, "train_size": 20}, "folds train on every example"),
        ({"folds": 100}, "validation part would have 1 examples for 3 classes: raise validation_size"),
    ],
)
def test_folds_that_do_not_fit_are_refused(options, sentence):
    with pytest.raises(NASGymError, match=sentence):
        task_of(**({"folds": 1} | options))


def test_data_that_comes_in_parts_has_no_folds(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(90, 3)), np.arange(90) % 3
    parts = {
        f"{name}_{part}": a for name, a in (("x", x), ("y", y)) for part in ("train", "validation", "test")
    }
    np.savez(tmp_path / "parts.npz", **parts)
    with pytest.raises(ConfigError, match="the data comes in parts, which leaves nothing to folds"):
        make_task({"name": "npz", "path": str(tmp_path / "parts.npz"), "folds": 3})


def test_a_fold_that_leaves_nothing_to_learn_or_to_judge_by_is_refused():
    groups = np.repeat(np.arange(10), 12)
    x = np.random.default_rng(0).normal(size=(120, 4))
    y = x[:, 0].copy()
    y[groups == 3] = 1.0
    made = {split: _refusal(x, y, groups, split) for split in range(6)}
    # Where the equal values are those of the test part or of the first fold, that was refused before.
    assert any(
        "of the fold-" in words and "validation part, which leaves nothing" in words
        for words in made.values()
    )


def _refusal(x, y, groups, split):
    try:
        Task.from_arrays(x, y, target_kind="values", group=groups, folds=8, test_size=0.1, split_seed=split)
    except NASGymError as error:
        return str(error)
    return ""
