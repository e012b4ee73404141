"""Guessing is the best constant answer: the most frequent class in training, on the examples counted."""

import numpy as np
import pytest

from nas_gym.evaluators import TableEvaluator
from nas_gym.tables import load_table, table_task
from nas_gym.tasks import Classes, Task, constant_answer, make_task


def unequal(share: float, count: int = 1000) -> Task:
    y = np.where(np.arange(count) < share * count, "no", "yes")
    return Task.from_arrays(np.random.default_rng(0).normal(size=(count, 2)), y)


@pytest.mark.parametrize("share", [0.96, 0.7, 0.5])
def test_it_is_right_as_often_as_its_class_is_frequent(share):
    found = constant_answer(unequal(share))
    assert found.answer == "no"
    assert found.test == pytest.approx(share, abs=0.01)
    assert found.validation == pytest.approx(share, abs=0.01)


def test_it_is_chosen_by_training_examples_alone():
    # A class that is rare in training and frequent in the test part is not what one would have guessed.
    x = np.zeros((4, 1), dtype=np.float32)
    y = np.array([0, 0, 0, 1])
    target = Classes(("a", "b"))
    task = Task("own", x, y, x, 1 - y, x, np.array([1, 1, 1, 1]), target, (), *np.ones((2, 1)), {})
    found = constant_answer(task)
    assert (found.answer, found.validation, found.test) == ("a", 0.25, 0.0)


def test_nothing_is_said_of_data_without_examples():
    table = load_table("mlp", "mnist1d")
    assert constant_answer(table_task(table)) is None


def test_a_table_of_our_own_knows_the_data_it_was_recorded_on():
    task = make_task({"name": "digits", "train_size": 200, "validation_size": 800})
    assert TableEvaluator(load_table("mlp", "digits")).constant_answer() == constant_answer(task)
