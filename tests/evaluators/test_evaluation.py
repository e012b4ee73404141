"""An evaluation is a value: its metrics too cannot be changed, and it survives JSON and pickles."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_gym.evaluators import Evaluation, FinalScore
from nas_gym.evaluators.evaluation import mean

METRICS = st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=4)


def evaluation(**changes: Any) -> Evaluation:
    values: dict[str, Any] = {
        "architecture": "relu-16",
        "score": 0.5,
        "curve": (0.25, 0.5),
        "parameters": 3,
        "flops": 4,
        "seconds": 0.1,
        "status": "ok",
        "error": "",
        "seeds": (0,),
    }
    return Evaluation(**values | changes)


@given(METRICS, st.floats(0, 1), st.lists(st.floats(0, 1), max_size=3), st.none() | st.integers(1, 9))
def test_it_survives_json_and_pickles(
    metrics: dict[str, float], score: float, curve: list[float], fidelity: int | None
) -> None:
    one = evaluation(metrics=metrics, score=score, curve=tuple(curve), fidelity=fidelity)
    assert one.metrics == metrics
    again = Evaluation.from_dict(json.loads(json.dumps(one.as_dict())))
    for other in (again, pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert other == one
        assert hash(other) == hash(one)
        assert type(other.metrics) is type(one.metrics)


@given(METRICS)
def test_evaluations_with_other_metrics_are_others(metrics: dict[str, float]) -> None:
    one = evaluation(metrics=metrics)
    assert one == evaluation(metrics=dict(reversed(metrics.items())))
    assert one != evaluation(metrics=metrics | {"more than 5": 1.0})
    assert len({one, evaluation(metrics=metrics)}) == 1


CHANGES = {
    "set": lambda metrics: metrics.__setitem__("rmse", 0.0),
    "delete": lambda metrics: metrics.__delitem__("rmse"),
    "update": lambda metrics: metrics.update(rmse=0.0),
    "merge": lambda metrics: metrics.__ior__({"rmse": 0.0}),
    "pop": lambda metrics: metrics.pop("rmse"),
    "popitem": lambda metrics: metrics.popitem(),
    "setdefault": lambda metrics: metrics.setdefault("mae", 0.0),
    "clear": lambda metrics: metrics.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    "result", [evaluation(metrics={"rmse": 2.0}), FinalScore(0, 0.5, 0.5, metrics={"rmse": 2.0})]
)
def test_its_metrics_cannot_be_changed(result: Evaluation | FinalScore, change: Any) -> None:
    with pytest.raises(TypeError, match="cannot be changed: make a dict of them"):
        change(result.metrics)
    assert result.metrics == {"rmse": 2.0}
    assert dict(result.metrics) | {"rmse": 1.0} == {"rmse": 1.0}


def test_what_it_was_made_from_does_not_change_it() -> None:
    given_metrics = {"rmse": 2.0}
    one = evaluation(metrics=given_metrics)
    given_metrics["rmse"] = 3.0
    assert one.metrics == {"rmse": 2.0}


def test_an_evaluation_without_metrics_is_one_of_an_earlier_version() -> None:
    values = evaluation().as_dict()
    assert values.pop("metrics") == {}
    assert Evaluation.from_dict(values) == evaluation()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=4))
def test_metrics_of_several_seeds_are_averaged(errors: list[float]) -> None:
    merged = mean([evaluation(metrics={"rmse": error}, seeds=(seed,)) for seed, error in enumerate(errors)])
    assert merged.metrics["rmse"] == pytest.approx(sum(errors) / len(errors))
    assert merged.seeds == tuple(range(len(errors)))


def test_only_metrics_that_every_seed_has_are_averaged() -> None:
    some = evaluation(metrics={"rmse": 1.0, "latency": 5.0})
    assert mean([some, evaluation(metrics={"rmse": 3.0})]).metrics == {"rmse": 2.0}
    assert mean([evaluation(), some]).metrics == {}


def test_nothing_is_averaged_where_a_seed_failed() -> None:
    failed = evaluation(score=0.0, status="failed", error="training diverged")
    merged = mean([evaluation(metrics={"rmse": 1.0}), failed])
    assert (merged.score, merged.status, merged.metrics) == (0.0, "failed", {})
