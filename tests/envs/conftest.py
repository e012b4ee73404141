"""Environments without training."""

from __future__ import annotations

import gymnasium as gym
import pytest

from tests.helpers.vectors import PROBLEM, Watched, by_text


@pytest.fixture(scope="module")
def problem():
    return gym.make("NAS-v0", **PROBLEM).unwrapped


@pytest.fixture
def keywords(problem):
    """The arguments of an environment with scores by text, for one and for many."""
    evaluator = Watched(problem.search_space, problem.task, by_text)
    parts = {"search_space": problem.search_space, "task": problem.task, "evaluator": evaluator}
    return parts | {"initial": "random", "horizon": 7}
