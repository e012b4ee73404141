"""Evaluators declare what they can do, and a store or a walk in front of one declares the same."""

import pickle

import numpy as np
import pytest

from nas_gym.evaluators import (
    FunctionEvaluator,
    Request,
    Store,
    StoredEvaluator,
    TableEvaluator,
    TrainEvaluator,
    make_evaluator,
)
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.helpers.data.tables import fake_table
from tests.helpers.fakes import SMALL, FakeEvaluator

TASK = make_task("breast_cancer")
SPACE = make_search_space(SMALL, TASK.input_shape, TASK.outputs)
DECLARED = ("seeds", "draws", "resumable", "selects_on_test", "free", "trains", "storable", "table", "engine")


def declared(evaluator):
    return {name: getattr(evaluator, name) for name in (*DECLARED, "numerics")}


def test_an_evaluator_of_ones_own_states_only_what_differs():
    plain = FakeEvaluator(SPACE, TASK, lambda architecture, seed: 0.5)
    assert declared(plain) == dict.fromkeys(DECLARED, False) | {
        "seeds": (0,),
        "table": None,
        "engine": None,
        "numerics": None,
    }
    assert make_evaluator(plain, SPACE, TASK) is plain
    with pytest.raises(NotImplementedError, match="results of FakeEvaluator cannot be stored"):
        plain.key(Request(SPACE.smallest(), 0))
    with pytest.raises(NotImplementedError, match="FakeEvaluator trains no networks"):
        plain.fit(SPACE.smallest(), 0)


def test_a_store_declares_what_the_evaluator_behind_it_does():
    trainer = TrainEvaluator(SPACE, TASK, "cpu", recipe={"epochs": 2}, seeds=(0, 1))
    stored = pickle.loads(pickle.dumps(StoredEvaluator(trainer, Store("memory"))))
    assert declared(stored) == declared(trainer)
    assert (stored.trains, stored.storable, stored.free) == (True, True, False)
    assert stored.numerics.startswith("cpu")
    assert stored.parts() == {"evaluator": stored.inner}
    assert (stored.fidelities(), stored.final_seeds(3)) == (trainer.fidelities(), trainer.final_seeds(3))


def test_what_is_looked_up_or_computed_is_free():
    recorded = fake_table()
    table = TableEvaluator(recorded)
    function = FunctionEvaluator(SPACE, TASK, function=lambda architecture: 0.5)
    for evaluator in (table, function):
        assert (evaluator.free, evaluator.trains, evaluator.storable) == (True, False, False)
    assert (table.table, function.table) == (recorded, None)


@pytest.mark.parametrize("seeds", ["mean", "random"])
def test_scores_are_means_where_seeds_are_drawn(seeds):
    table = TableEvaluator(fake_table(), seeds=seeds)
    architectures = list(table.search_space)[:5]
    assert (table.scores(architectures) == table.score_by_index()[:5]).all()
    plain = FakeEvaluator(SPACE, TASK, lambda architecture, seed: seed / 10, seeds=(1, 3))
    assert np.allclose(plain.scores([SPACE.smallest()]), [0.2])
