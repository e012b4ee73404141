"""Environments in which training is a function, for tests of agents."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Classes, Task
from tests.helpers.fakes import SMALL, FakeEvaluator


def tiny_task():
    x, y = np.zeros((6, 1, 16), dtype=np.float32), np.arange(6, dtype=np.int64) % 2
    return Task(
        name="tiny",
        x_train=x,
        y_train=y,
        x_validation=x,
        y_validation=y,
        x_test=x,
        y_test=y,
        target=Classes(("a", "b")),
        feature_names=(),
        mean=np.zeros((1, 1)),
        scale=np.ones((1, 1)),
        spec={"name": "arrays"},
    )


def scattered(architecture, seed):
    """A different accuracy for every architecture, without structure."""
    return (hash_of(str(architecture)) % 9973) / 9973


def relu_layers(architecture, seed):
    """Smooth: the more relu and the deeper the better."""
    relus = sum(activation == "relu" for _, activation in architecture.layers)
    return 0.2 + 0.1 * len(architecture.layers) + 0.1 * relus


def everything_fails(architecture, seed):
    return float("nan")


def hash_of(text):
    """The same on every run, unlike `hash`."""
    return int.from_bytes(text.encode(), "big")


def environment(score=scattered, space=SMALL, evaluator=FakeEvaluator, **kwargs):
    """An environment whose networks have the accuracy that a function gives."""
    task = tiny_task()
    search_space = make_search_space(space, task.input_shape, task.outputs)
    fake = evaluator(search_space, task, score)
    return gym.make("NAS-v0", search_space=search_space, task=task, evaluator=fake, **kwargs)


def texts(result):
    """The architectures of a search in the order of its evaluations."""
    return [evaluation.architecture for evaluation in result.evaluations]
