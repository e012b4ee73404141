"""The contract of evaluators holds for every registered one, and finds what is planted."""

from __future__ import annotations

import dataclasses
import math

import gymnasium as gym
import pytest

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import EVALUATORS
from nas_gym.evaluators.supernet import cache
from nas_gym.testing import check_evaluator
from tests.helpers.fakes import fake_env

TRAIN = {"name": "train", "recipe": {"epochs": 2, "batch_size": 128}}
CASES = {
    "train": {"task": "breast_cancer", "evaluator": TRAIN | {"seeds": [3, 5]}},
    "train, all fail": {
        "task": "breast_cancer",
        "evaluator": TRAIN | {"recipe": {"epochs": 2, "max_parameters": 1}},
    },
    "train, values": {"task": "diabetes", "evaluator": TRAIN},
    "train, values, all fail": {
        "task": "diabetes",
        "evaluator": TRAIN | {"recipe": {"epochs": 2, "max_parameters": 1}},
    },
    "supernet": {
        "task": "breast_cancer",
        "evaluator": {"name": "supernet", "trainings": 2, "recipe": {"epochs": 2, "batch_size": 128}},
    },
    "supernet, all fail": {
        "task": "breast_cancer",
        "evaluator": {
            "name": "supernet",
            "trainings": 2,
            "recipe": {"epochs": 2, "batch_size": 128, "max_parameters": 1},
        },
    },
    "proxy": {"task": "breast_cancer", "evaluator": {"name": "proxy", "proxy": "nwot", "seeds": [0, 1]}},
    "table": {"evaluator": {"name": "table", "benchmark": "mlp"}},
    "table, random": {"evaluator": {"name": "table", "benchmark": "mlp", "seeds": "random"}},
    "function": {
        "evaluator": {"name": "function", "function": "nas_gym.testing.agents:scattered", "noise": 0.1}
    },
    "function, values": {
        "task": "diabetes",
        "evaluator": {"name": "function", "function": "nas_gym.testing.agents:scattered"},
    },
    "function, fails": {
        "evaluator": {"name": "function", "function": "nas_gym.testing.agents:fails_with_sigmoid"}
    },
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Keep the weights of supernets away from the user's."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "supernets")


def evaluator_of(case):
    return gym.make("NAS-v0", store="memory", **CASES[case]).unwrapped.evaluator


def test_the_cases_have_every_registered_evaluator():
    assert {options["evaluator"]["name"] for options in CASES.values()} == set(EVALUATORS)


@pytest.mark.parametrize("case", CASES)
def test_the_contract_holds(case):
    check_evaluator(evaluator_of(case))


def twice(found):
    return [found[0], *found]


def none(found):
    return found[1:]


def better(found):
    return [(position, dataclasses.replace(each, score=1.5)) for position, each in found]


def nameless(found):
    return [(position, dataclasses.replace(each, architecture="another")) for position, each in found]


def by_neighbours(found):
    return [(position, dataclasses.replace(each, score=1 / (1 + len(found)))) for position, each in found]


def unmeasured(found):
    return [(position, dataclasses.replace(each, metrics={"rmse": math.nan})) for position, each in found]


def half_failed(found):
    failed = {"status": "failed", "score": 0.0, "error": "training diverged", "metrics": {"rmse": 1.0}}
    return [(position, dataclasses.replace(each, **failed)) for position, each in found]


def silent_failure(found):
    return [(position, dataclasses.replace(each, status="failed")) for position, each in found]


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (twice, "answers request 0 twice"),
        (none, r"leaves the requests \[0\] without an evaluation"),
        (better, r"must be in \[0, 1\], not 1.5"),
        (nameless, "was asked for, not 'another'"),
        (by_neighbours, "asked for alone has the score 0.5 and not 0.25"),
        (unmeasured, "the metric 'rmse' of .* must be a finite number, not nan"),
        (half_failed, "its score must be 0.0, without metrics, and an error says why"),
        (silent_failure, "its score must be 0.0, without metrics, and an error says why"),
    ],
)
def test_a_planted_fault_is_told(plant, sentence):
    evaluator = fake_env().unwrapped.evaluator
    stream = evaluator.stream
    evaluator.stream = lambda requests: iter(plant(list(stream(requests))))
    with pytest.raises(AssertionError, match=sentence):
        check_evaluator(evaluator)
