"""Scores of different fidelities are never compared, and an evaluator says which it has."""

from dataclasses import replace

import pytest

from nas_gym.envs import Ledger
from nas_gym.evaluators import Evaluation, TableEvaluator, incumbent, make_evaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.helpers.data.tables import fake_table
from tests.helpers.fakes import SMALL, FakeEvaluator

GOOD = Evaluation("relu-64", 0.5, (0.5,), 1, 1, 1.0, "ok", "", (0,))
SHORT = replace(GOOD, architecture="relu-64 > relu-64", score=0.9, fidelity=3)
SHORTER = replace(SHORT, score=0.95, fidelity=1)
FAILED = replace(GOOD, architecture="sigmoid-64", score=0.0, status="failed", error="diverged")


@pytest.mark.parametrize(
    ("evaluations", "chosen"),
    [
        ([SHORT, GOOD], GOOD),
        ([GOOD, SHORT], GOOD),
        ([SHORTER, SHORT], SHORT),
        ([SHORTER, FAILED], SHORTER),
        ([SHORT, replace(SHORT, architecture="other")], SHORT),
        ([FAILED, replace(FAILED, architecture="other", fidelity=1)], FAILED),
    ],
)
def test_the_incumbent_is_the_best_of_the_highest_fidelity_that_did_not_fail(evaluations, chosen):
    assert incumbent(evaluations) is chosen


def test_a_ledger_ranks_by_fidelity_first_too():
    task = make_task("breast_cancer")
    space = make_search_space(SMALL, task.input_shape, task.outputs)
    ledger = Ledger(FakeEvaluator(space, task, lambda architecture, seed: 0.9 - 0.1 * len(str(architecture))))
    small, large = space.parse("relu-64"), space.parse("relu-64 > relu-64")
    ledger.evaluate([small], 1)
    ledger.evaluate([large], 2)
    ledger.evaluate([small], 1)
    assert ledger.best.architecture == str(large)
    assert [each.architecture for each in ledger.top(2)] == [str(large), str(small)]


def test_a_training_evaluator_has_every_number_of_epochs_up_to_its_recipe_behind_a_store_too():
    task = make_task("breast_cancer")
    space = make_search_space(SMALL, task.input_shape, task.outputs)
    spec = {"name": "train", "recipe": {"epochs": 4}}
    assert make_evaluator(spec, space, task, store="memory").fidelities() == (1, 2, 3, 4)
    assert FakeEvaluator(space, task, lambda architecture, seed: 0.5).fidelities() == ()


def test_a_table_has_the_fidelities_up_to_its_own_that_recorded_the_seeds_asked_for():
    table = fake_table(fidelities=(1, 3, 9), unseeded=(1,))
    assert TableEvaluator(table).fidelities() == (1, 3, 9)
    assert TableEvaluator(table, fidelity=3).fidelities() == (1, 3)
    assert TableEvaluator(table, seeds="random").fidelities() == (3, 9)
    assert TableEvaluator(table, seeds=[0, 2]).fidelities() == (3, 9)
