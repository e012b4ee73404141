"""What the table evaluator answers is what the table holds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import NASGymError
from nas_gym.evaluators import Evaluator, Request, TableEvaluator, make_evaluator
from nas_gym.tables import Table
from tests.helpers.data.tables import fake_table, shelve

# One architecture lacks seed 2, one failed with seed 1, one fidelity has no seeds.
TABLE = fake_table(
    fidelities=(2, 8), seeds=(5, 7, 9), unseeded=(2,), missing=((4, 2),), failed=((6, 1),), resumable=False
)
CURVES = fake_table(failed=((6, 1),))


def at(table: Table, index: int):
    return table.search_space.architecture(index)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    index=st.integers(0, TABLE.size - 1),
    fidelity=st.sampled_from([None, 1, 3, 9]),
    seeds=st.one_of(st.just("mean"), st.lists(st.sampled_from([0, 1, 2]), min_size=1, unique=True)),
    default=st.sampled_from([None, 1, 3, 9]),
)
def test_an_evaluation_is_exactly_what_the_table_holds(index, fidelity, seeds, default) -> None:
    evaluator = TableEvaluator(CURVES, fidelity=default, seeds=seeds)
    (found,) = evaluator.evaluate_architectures([at(CURVES, index)], fidelity)
    epochs = fidelity or default or 9
    columns = [0, 1, 2] if seeds == "mean" else seeds
    numbers = CURVES.validation[CURVES.fidelities.index(epochs), index, columns]
    failed = bool(CURVES.failed[index, columns].any())
    assert found.score == (0.0 if failed else np.mean(numbers))
    assert found.score == evaluator.score_by_index(fidelity)[index]
    assert found.status == ("failed" if failed else "ok")
    assert found.architecture == str(at(CURVES, index))
    assert found.seeds == tuple(columns)
    assert found.fidelity == fidelity
    assert found.parameters == CURVES.parameters[index]
    assert found.flops == CURVES.flops[index]
    assert found.seconds == pytest.approx(CURVES.seconds[index] * epochs / 9 * len(columns))
    assert found.seconds == evaluator.cost_by_index(fidelity)[index]
    if not failed:
        passed = [number for number, each in enumerate(CURVES.fidelities) if each <= epochs]
        assert found.curve == pytest.approx(CURVES.validation[passed, index][:, columns].mean(axis=1))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(index=st.integers(0, TABLE.size - 1), seed=st.integers(0, 2**32))
def test_a_drawn_evaluation_is_of_one_recorded_seed(index, seed) -> None:
    evaluator = TableEvaluator(TABLE, seeds="random")
    drawn = evaluator.draw(at(TABLE, index), np.random.default_rng(seed))
    assert drawn == evaluator.draw(at(TABLE, index), np.random.default_rng(seed))
    assert drawn in evaluator.recorded(index)
    (found,) = evaluator.evaluate_architectures([at(TABLE, index)], None, [drawn])
    assert found.score == TABLE.validation[1, index, (5, 7, 9).index(drawn)]
    assert found.seeds == (drawn,)
    assert found.seconds == TABLE.seconds[index]


def test_every_recorded_seed_is_drawn_and_no_other() -> None:
    evaluator, rng = TableEvaluator(TABLE, seeds="random"), np.random.default_rng(0)
    drawn = {index: {evaluator.draw(at(TABLE, index), rng) for _ in range(60)} for index in (0, 4)}
    assert drawn == {0: {5, 7, 9}, 4: {5, 7}}


def test_a_missing_seed_is_left_out_of_the_mean_and_of_the_cost() -> None:
    evaluator = TableEvaluator(TABLE)
    (found,) = evaluator.evaluate_architectures([at(TABLE, 4)])
    assert found.score == pytest.approx(TABLE.validation[1, 4, :2].mean())
    assert found.seeds == (5, 7)
    assert found.seconds == pytest.approx(2 * TABLE.seconds[4])


def test_a_fidelity_without_seeds_is_one_training_of_its_own_schedule() -> None:
    evaluator = TableEvaluator(TABLE, fidelity=2)
    (found,) = evaluator.evaluate_architectures([at(TABLE, 3)])
    assert evaluator.seeds == found.seeds == ()
    assert found.score == TABLE.validation[0, 3, 0]
    assert found.seconds == pytest.approx(TABLE.seconds[3] * 2 / 8)
    assert found.curve == (found.score,)


def test_scores_by_index_cannot_be_changed_by_who_reads_them() -> None:
    evaluator = TableEvaluator(TABLE)
    for values in (evaluator.score_by_index(), evaluator.cost_by_index(), evaluator.score_by_index(2)):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0


def test_a_choice_is_scored_by_all_recorded_seeds_at_the_full_fidelity() -> None:
    evaluator = TableEvaluator(TABLE, fidelity=2)
    assert evaluator.final_seeds(run_seed=3) == [5, 7, 9]
    scores = evaluator.test(at(TABLE, 0), evaluator.final_seeds(0))
    assert [score.validation_score for score in scores] == TABLE.validation[1, 0].tolist()
    assert [score.test_score for score in scores] == TABLE.test[0].tolist()
    assert [score.seed for score in evaluator.test(at(TABLE, 4), [5, 7, 9])] == [5, 7]
    assert [score.status for score in evaluator.test(at(TABLE, 6), [5, 7, 9])] == ["ok", "failed", "ok"]
    assert evaluator.optimum() == max(TABLE.mean_score())


def test_a_table_without_any_seeds_scores_by_its_only_number() -> None:
    table = fake_table(fidelities=(4,), unseeded=(4,))
    evaluator = TableEvaluator(table)
    (score,) = evaluator.test(at(table, 1), evaluator.final_seeds(0))
    assert score.validation_score == table.validation[0, 1, 0]


def test_an_evaluator_is_built_again_from_its_configuration(shelf) -> None:
    table = shelve(TABLE)
    for options in ({}, {"fidelity": 2}, {"seeds": [7, 5]}, {"seeds": "random", "fidelity": 8}):
        spec = {"name": "table", "benchmark": "fake", **options}
        evaluator = make_evaluator(spec, table.search_space, TableEvaluator(table).task)
        assert isinstance(evaluator, Evaluator)
        config = json.loads(json.dumps(evaluator.config()))
        again = make_evaluator(config, table.search_space, evaluator.task)
        assert again.config() == config
        assert again.draws == evaluator.draws == (options.get("seeds") == "random")
        assert (again.score_by_index() == evaluator.score_by_index()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fidelity": 3}, r"has no fidelity 3: pass one of 2, 8"),
        ({"fidelity": True}, r"has no fidelity True"),
        ({"fidelity": 2, "seeds": "random"}, r"recorded no seeds at 2 epochs: pass seeds='mean'"),
        ({"fidelity": 2, "seeds": [5]}, r"recorded no seeds at 2 epochs: pass seeds='mean'"),
        ({"seeds": [5, 6]}, r"recorded no seed 6 at 8 epochs: pass one of 5, 7, 9"),
        ({"seeds": "all"}, r"must be 'mean', 'random' or a list .*, not 'all'"),
        ({"seeds": []}, r"must be 'mean', 'random' or a list .*, not \[\]"),
        ({"seeds": [5, 5]}, r"must be 'mean', 'random' or a list .*, not \[5, 5\]"),
        ({"seeds": 5}, r"must be 'mean', 'random' or a list .*, not 5"),
    ],
)
def test_what_a_table_does_not_have_is_refused_in_one_sentence(options, message) -> None:
    with pytest.raises(NASGymError, match=message) as caught:
        TableEvaluator(TABLE, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("seeds", "ask", "message"),
    [
        ("mean", lambda e: e.evaluate_architectures([at(TABLE, 0)], 4), "has no fidelity 4"),
        ("random", lambda e: e.evaluate_architectures([at(TABLE, 0)], 2, [5]), "recorded no seed 5 at 2"),
        ("random", lambda e: e.score_by_index(4), "has no fidelity 4"),
        (
            "mean",
            lambda e: e.evaluate([Request(at(TABLE, 4), 9)]),
            "recorded no seed 9 of .*: pass one of 5, 7",
        ),
        ("mean", lambda e: e.test(at(TABLE, 0), [1]), "recorded no seed 1 at 8 epochs"),
        ([9], lambda e: e.evaluate_architectures([at(TABLE, 0)]), "lacks seeds .9. of some architectures"),
    ],
)
def test_a_request_for_what_was_not_recorded_is_refused(seeds, ask, message) -> None:
    with pytest.raises(NASGymError, match=message):
        ask(TableEvaluator(TABLE, seeds=seeds))
