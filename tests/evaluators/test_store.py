"""The store computes each key once, whoever asks, and keeps what is finished, whatever happens."""

from __future__ import annotations

import pickle

import pytest
import sqlalchemy as sa

from nas_gym.evaluators import Request, StoredEvaluator
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES, LEASES
from nas_gym.evaluators.store.store import Store, make_store
from tests.helpers.store_worker import SPACE, NotedEvaluator, evaluation, requests, rows


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return Store(tmp_path / "store.db" if request.param == "file" else "memory")


@pytest.fixture
def evaluator(store, tmp_path):
    return StoredEvaluator(NotedEvaluator(tmp_path / "log"), store)


def test_a_warm_store_an_empty_one_and_none_give_equal_evaluations(evaluator):
    without = evaluator.inner.evaluate(requests(0, 9))
    assert evaluator.evaluate(requests(0, 9)) == without
    assert evaluator.evaluate(requests(0, 9)) == without
    assert (evaluator.hits, evaluator.trained) == (9, 9)
    assert len(evaluator.inner.noted()) == 18


def test_only_what_is_missing_is_trained(evaluator):
    evaluator.evaluate(requests(2, 5))
    assert evaluator.evaluate(requests(0, 8)) == [evaluation(request) for request in requests(0, 8)]
    assert [line.split()[0] for line in evaluator.inner.noted()] == ["2", "3", "4", "0", "1", "5", "6", "7"]


def test_a_repeated_request_is_trained_once_and_counts_as_a_hit(evaluator):
    twice = requests(3, 4) + requests(5, 6) + requests(3, 4)
    assert evaluator.evaluate(twice) == [evaluation(request) for request in twice]
    assert (evaluator.hits, evaluator.trained) == (1, 2)


def test_architecture_seed_and_fidelity_are_in_the_key(evaluator):
    asked = [
        Request(SPACE.architecture(number), seed, fidelity)
        for number in (0, 1)
        for seed in (0, 1)
        for fidelity in (1, None)
    ]
    assert evaluator.evaluate(asked) == [evaluation(request) for request in asked]
    assert evaluator.trained == 8


def test_several_seeds_are_several_rows(evaluator):
    (mean,) = evaluator.evaluate_architectures([SPACE.architecture(4)])
    assert mean.seeds == (0, 1)
    assert [row.seed for row in rows(evaluator.store, EVALUATIONS.table)] == [0, 1]


def test_failed_evaluations_are_stored(evaluator):
    failed = evaluator.evaluate(requests(2, 3))
    assert failed[0].failed
    assert evaluator.evaluate(requests(2, 3)) == failed
    assert len(evaluator.inner.noted()) == 1


def test_a_row_has_the_key_in_readable_columns(evaluator):
    evaluator.evaluate(requests(0, 1))
    (row,) = rows(evaluator.store, EVALUATIONS.table)
    assert (row.architecture, row.task, row.recipe) == ("relu-16", evaluator.task.fingerprint, '{"epochs":3}')
    assert (row.seed, row.fidelity, row.engine, row.numerics) == (0, None, 1, "none")
    ((key, stored),) = evaluator.store.evaluations(evaluator.task.fingerprint)
    assert key == evaluator.key(requests(0, 1)[0])
    assert stored == evaluation(requests(0, 1)[0])
    assert not list(evaluator.store.evaluations("another task"))


def test_the_value_first_stored_is_the_value(evaluator):
    request = requests(1, 2)[0]
    key = evaluator.key(request)
    first = evaluation(requests(4, 5)[0])

    def work(positions):
        # Another process took the key over, and finishes it first.
        with evaluator.store._engine.begin() as connection:
            connection.execute(sa.insert(EVALUATIONS.table), EVALUATIONS.row(key, first))
        yield 0, evaluation(request)

    ((position, kept, was_stored),) = evaluator.store.compute(EVALUATIONS, [key], work)
    assert (position, was_stored, kept.score) == (0, False, first.score)
    assert not rows(evaluator.store, LEASES)


def test_final_scores_are_stored_apart_from_the_evaluations(evaluator):
    architecture = SPACE.architecture(1)
    scores = evaluator.test(architecture, [5, 6])
    assert [(score.seed, score.test_score) for score in scores] == [(5, 5 / 7), (6, 6 / 7)]
    assert evaluator.test(architecture, [6, 5, 7]) == [
        scores[1],
        scores[0],
        *evaluator.inner.test(architecture, [7]),
    ]
    assert evaluator.inner.noted() == ["test 2", "test 1", "test 1"]
    assert not rows(evaluator.store, EVALUATIONS.table)
    assert not any("test" in column.name for column in EVALUATIONS.table.columns)
    assert len(rows(evaluator.store, FINAL_SCORES.table)) == 3
    assert (evaluator.hits, evaluator.trained) == (0, 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("lost device"), MemoryError()])
def test_an_interruption_keeps_what_is_finished_and_releases_every_lease(evaluator, error):
    evaluator.inner.stop_after = (3, error)
    with pytest.raises(type(error)):
        evaluator.evaluate(requests(0, 6))
    assert len(rows(evaluator.store, EVALUATIONS.table)) == 3
    assert not rows(evaluator.store, LEASES)
    evaluator.inner.stop_after = None
    assert evaluator.evaluate(requests(0, 6)) == [evaluation(request) for request in requests(0, 6)]
    assert len(evaluator.inner.noted()) == 6


def test_leaving_an_iterator_releases_every_lease(evaluator):
    stream = evaluator.stream(requests(0, 4))
    next(stream)
    assert len(rows(evaluator.store, LEASES)) == 3
    stream.close()
    assert not rows(evaluator.store, LEASES)


def test_an_iterator_that_nobody_draws_from_does_not_block_its_own_thread(evaluator):
    left = evaluator.stream(requests(0, 4))
    next(left)
    assert len(evaluator.evaluate(requests(0, 4))) == 4
    assert dict(left)[3] == evaluation(requests(3, 4)[0])


def test_an_evaluator_that_leaves_requests_out_is_found_out(store):
    with pytest.raises(RuntimeError, match="1 of 2 requests were left without a result"):
        list(
            store.compute(EVALUATIONS, [key(1), key(2)], lambda _: iter([(0, evaluation(requests(0, 1)[0]))]))
        )
    assert not rows(store, LEASES)


def key(number):
    return NotedEvaluator(None).key(requests(number, number + 1)[0])


def test_thousands_of_keys_are_answered(evaluator):
    asked = requests(0, 1200)
    evaluator.evaluate(asked[:1100])
    assert evaluator.evaluate(asked) == [evaluation(request) for request in asked]
    assert (evaluator.hits, evaluator.trained) == (1100, 1200)


def test_a_pickled_store_has_the_same_rows_and_one_in_memory_is_empty(evaluator):
    evaluator.evaluate(requests(0, 3))
    other = pickle.loads(pickle.dumps(evaluator))
    other.evaluate(requests(0, 3))
    in_memory = evaluator.store.spec == "memory"
    assert len(evaluator.inner.noted()) == (6 if in_memory else 3)


def test_a_stored_evaluator_passes_on_what_is_not_the_stores(evaluator):
    # Results do not depend on the store, so neither does what they depend on.
    assert evaluator.config() == evaluator.inner.config()
    assert evaluator.fit(SPACE.architecture(0), 0)[1] == evaluation(requests(0, 1)[0])
    assert (evaluator.task, evaluator.search_space) == (evaluator.inner.task, SPACE)


def test_a_store_is_taken_as_it_is(store):
    assert make_store(store) is store
