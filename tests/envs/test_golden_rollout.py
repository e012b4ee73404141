"""The golden rollout of each id: a change of any of this must raise the id's version."""

from __future__ import annotations

import hashlib
import json

import gymnasium as gym
import pytest

from nas_gym.envs.registration import IDS

# Transitions are exact; accuracies may differ in a few of 5,000 examples between processors.
ROLLOUTS = {
    "NAS-v0": [
        (10, "relu-16 > relu-64", 0.4872, [1, 2, 0, 0]),
        (21, "relu-16 > relu-64 > tanh-16", 0.4938, [1, 2, 5, 0]),
        (50, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (0, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (33, "sigmoid-64 > tanh-16", 0.3454, [4, 5, 0, 0]),
        (60, "sigmoid-64 > tanh-16", 0.3454, [4, 5, 0, 0]),
        (3, "sigmoid-16 > sigmoid-64 > tanh-16", 0.3362, [3, 4, 5, 0]),
        (45, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (36, "relu-16 > sigmoid-64 > tanh-16", 0.4826, [1, 4, 5, 0]),
        (1, "relu-16 > relu-16 > sigmoid-64 > tanh-16", 0.4708, [1, 1, 4, 5]),
    ]
}
DEFAULTS = {
    "NAS-v0": {
        "search_space": {
            "name": "mlp",
            "max_layers": 4,
            "widths": [16, 64],
            "activations": ["relu", "sigmoid", "tanh", "identity"],
        },
        "task": {"name": "mnist1d"},
        "reward": {"name": "accuracy", "scale": [0.0, 1.0]},
        "horizon": 20,
        "evaluator": {
            "name": "train",
            "recipe": {
                "epochs": 15,
                "batch_size": 128,
                "optimizer": "adamw",
                "learning_rate": 0.01,
                "schedule": "cosine",
                "weight_decay": 0.01,
                "label_smoothing": 0.0,
                "max_parameters": None,
            },
            "seeds": [0],
        },
        "initial": "smallest",
        "observation": "dict",
        "device": "auto",
    }
}
NUMBERING = {
    "mlp": ("20e515526030e4a1", "relu-16"),
    "conv": ("03ddc43b6c9f8c57", "conv3-16-relu"),
    "cell": ("3e952e56bffcc989", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
}


@pytest.mark.parametrize("env_id", IDS)
def test_every_id_has_a_golden_rollout(env_id):
    env = gym.make(env_id, store="memory")
    env.reset(seed=0)
    for action, architecture, accuracy, layers in ROLLOUTS[env_id]:
        observation, reward, terminated, truncated, info = env.step(action)
        assert info["architecture"] == architecture
        assert reward == pytest.approx(accuracy, abs=0.01)
        assert observation["layers"].tolist() == layers
        assert not terminated
        assert not truncated


@pytest.mark.parametrize("env_id", IDS)
def test_every_id_has_golden_defaults(env_id):
    assert gym.make(env_id, store="memory").unwrapped.config() == DEFAULTS[env_id]


@pytest.mark.parametrize("space", NUMBERING)
def test_the_numbering_of_the_actions_and_the_start_state(space):
    env = gym.make("NAS-v0", search_space=space, task="digits", store="memory").unwrapped
    words = json.dumps([str(edit) for edit in env.search_space.actions]).encode()
    assert (hashlib.sha256(words).hexdigest()[:16], str(env.search_space.smallest())) == NUMBERING[space]


def test_the_split_of_digits():
    task = gym.make("NAS-v0", task="digits", store="memory").unwrapped.task
    assert task.fingerprint.startswith("3d293e62ae1361e3")
