"""Frames of an environment have one size, so that they make a video, and nothing is cut off."""

from __future__ import annotations

from typing import ClassVar

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import ChoiceSpace
from tests.helpers.fakes import SMALL, fake_env

SPACES = {
    "mlp": ("mlp", "breast_cancer"),
    "deep mlp": ({"name": "mlp", "max_layers": 40, "widths": [8]}, "breast_cancer"),
    "conv": ("conv", {"name": "mnist1d", "train_size": 200}),
    "cell": ("cell", "digits"),
    "macro": ("macro", "digits"),
    "tabular": ("tabular", "breast_cancer"),
    "ft_transformer": ("ft_transformer", "breast_cancer"),
}


def half(architecture):
    return 0.5


def framed(space, task, **options):
    evaluator = {"name": "function", "function": half}
    return gym.make(
        "NAS-v0",
        search_space=space,
        task=task,
        evaluator=evaluator,
        render_mode="rgb_array",
        horizon=100,
        **options,
    )


def growing(env, steps):
    """Frames of an episode that adds wherever it can, then edits at random."""
    _, info = env.reset(seed=0)
    env.action_space.seed(0)
    adds = np.array([edit.kind == "add" for edit in env.unwrapped.search_space.actions], dtype=np.int8)
    yield env.render()
    for step in range(steps):
        mask = info["action_mask"]
        if step < steps // 2 and (mask & adds).any():
            mask &= adds
        info = env.step(env.action_space.sample(mask))[4]
        yield env.render()


@pytest.mark.parametrize("name", SPACES)
def test_frames_of_an_episode_have_one_even_size_and_white_edges(name):
    shapes = set()
    for frame in growing(framed(*SPACES[name]), 12):
        shapes.add(frame.shape)
        edges = (frame[0], frame[-1], frame[:, 0], frame[:, -1])
        assert all((edge == 255).all() for edge in edges)
    ((height, width, colours),) = shapes
    assert (height % 2, width % 2, colours) == (0, 0, 3)


class Wordy(ChoiceSpace):
    name = "tests.envs.test_frames:Wordy"
    choices: ClassVar = {
        "a-choice-with-a-name-longer-than-a-box": ("the-first-of-two-values-with-long-names", "second"),
        "b": (1, 2),
    }

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        return builder.build(builder.linear(builder.input, self.outputs))


def test_long_words_are_made_smaller():
    shapes = {frame.shape for frame in growing(framed(Wordy((30,), 2), "breast_cancer"), 6)}
    assert len(shapes) == 1


def test_frames_of_a_vector_environment_are_those_of_a_single_one():
    options = {"search_space": SMALL, "task": "breast_cancer", "render_mode": "rgb_array"}
    options["evaluator"] = {"name": "function", "function": half}
    envs, env = gym.make_vec("NAS-v0", num_envs=3, **options), gym.make("NAS-v0", **options)
    envs.reset(options={"architecture": ["relu-64", "relu-64 > relu-64 > relu-64", "sigmoid-64"]})
    frames = envs.render()
    assert len({frame.shape for frame in frames}) == 1
    env.reset()
    assert (frames[0] == env.render()).all()


def test_an_environment_that_shows_no_frames_prepares_none():
    env = fake_env()
    env.reset()
    assert env.render() is None
    assert env.unwrapped._room is None
