"""What the tests of vector environments share."""

from __future__ import annotations

import math
import zlib

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import nas_gym  # noqa: F401 - registers the ids
from tests.helpers.fakes import SMALL, FakeEvaluator

PROBLEM = {"search_space": SMALL, "task": "breast_cancer", "store": "memory"}
MODES = {mode.name.lower(): mode for mode in AutoresetMode}
COUNT = 5
# An environment that trains; each test adds its store.
TRAINED = {
    "search_space": SMALL,
    "task": "breast_cancer",
    "evaluator": {"name": "train", "recipe": {"epochs": 1, "batch_size": 256}},
    "initial": "random",
    "horizon": 7,
}


def by_text(architecture, seed):
    """A number of its own for every architecture; some diverge."""
    number = zlib.crc32(str(architecture).encode())
    return math.nan if number % 7 == 0 else number / 2**32


class Watched(FakeEvaluator):
    """Keeps the batches that it was asked for."""

    def __init__(self, *args):
        super().__init__(*args)
        self.batches = []

    def stream(self, requests):
        self.batches.append([str(request.architecture) for request in requests])
        yield from super().stream(requests)


def make(keywords, count=COUNT, **more):
    return gym.make_vec("NAS-v0", num_envs=count, **keywords | more)


def sync(keywords, mode, count=COUNT, **more):
    options = keywords | more
    return SyncVectorEnv([lambda: gym.make("NAS-v0", **options)] * count, autoreset_mode=MODES[mode])


def walk(envs, rng, count, steps=300):
    """Random actions, illegal ones too."""
    for _ in range(steps):
        envs.step(rng.integers(envs.single_action_space.n, size=count))


def same(one, other):
    """Whether two values are equal, in type, dtype and structure, too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and one.dtype == object:
        return one.shape == other.shape and all(map(same, one.tolist(), other.tolist()))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other
