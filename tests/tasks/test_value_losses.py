"""The option ``loss`` of tasks of values: Huber's, by which a few wild values do not decide."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from nas_gym import Task
from nas_gym.errors import ConfigError
from nas_gym.tasks import make_task
from nas_gym.tasks.targets.kinds import target_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4))
Y = X @ np.array([3.0, -2.0, 1.0, 0.5])


PARTS = np.array(["train"] * 400 + ["validation"] * 100 + ["test"] * 100)


def error_of(loss):
    wild = np.where((np.random.default_rng(1).random(600) < 0.06) & (PARTS == "train"), 150.0, 0.0)
    task = Task.from_arrays(X, Y + wild, target_kind="values", metric="mae", loss=loss, split=PARTS)
    recipe = {"epochs": 20, "batch_size": 32}
    env = gym.make("NAS-v0", task=task, store="memory", evaluator={"name": "train", "recipe": recipe})
    return env.unwrapped.evaluate("relu-64").metrics["mae"]


def test_wild_values_decide_less_by_huber():
    assert error_of("huber") < 0.5 * error_of("squared")


def test_the_usual_loss_goes_without_saying_and_another_is_kept():
    usual, squared, huber = (
        Task.from_arrays(X, Y, target_kind="values", **options)
        for options in ({}, {"loss": "squared"}, {"loss": "huber"})
    )
    assert usual.fingerprint == squared.fingerprint != huber.fingerprint
    assert usual.target.loss == "squared"
    assert huber.target.loss == "huber"
    assert target_of(huber.target.config()) == huber.target
    assert "error" not in usual.target.config()
    assert make_task({"name": "diabetes", "loss": "huber", "metric": "rmse"}).target.loss == "huber/rmse"
    assert make_task({"name": "seasonal", "stride": 40, "loss": "huber"}).target.loss == "huber/skill"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "breast_cancer", "loss": "huber"}, "loss is for values, and the task predicts 2 classes"),
        ({"name": "diabetes", "loss": "hubert"}, "unknown loss of the task 'hubert': did you mean 'huber'"),
    ],
)
def test_other_losses_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        make_task(options)
