"""Stock stable-baselines3 algorithms train on the environment as it is."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from nas_gym import NASGymError
from nas_gym.envs import ActionMaskObservation
from tests.helpers.vectors import TRAINED


@pytest.mark.parametrize("reward", ["score", "final"])
@pytest.mark.parametrize(
    "make_model",
    [
        lambda env: PPO("MultiInputPolicy", env, n_steps=16, batch_size=16, seed=0),
        lambda env: DQN("MultiInputPolicy", env, learning_starts=8, seed=0),
        lambda env: MaskablePPO("MultiInputPolicy", env, n_steps=16, batch_size=16, seed=0),
    ],
    ids=["PPO", "DQN", "MaskablePPO"],
)
def test_stock_algorithms_train_on_the_default_observation(make_model, reward):
    env = gym.make("NAS-v0", **TRAINED, reward=reward, store="memory")
    model = make_model(env)
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.learn(48)
    after = list(model.policy.parameters())
    assert any((one != other).any() for one, other in zip(before, after, strict=True))
    assert env.unwrapped.stats.unique > 1


def test_maskable_ppo_never_takes_an_illegal_action_from_several_environments():
    def make():
        return gym.make("NAS-v0", **TRAINED, store="memory")

    venv = DummyVecEnv([make, make])
    illegal = []

    def watch(local, _):
        illegal.extend(info["illegal_action"] for info in local["infos"])
        return True

    model = MaskablePPO("MultiInputPolicy", venv, n_steps=16, batch_size=16, seed=0)
    model.learn(64, callback=watch)
    assert len(illegal) >= 64
    assert not any(illegal)


@pytest.mark.parametrize("dtype", ["int8", "bool", "float32"])
def test_the_mask_wrapper_puts_the_mask_where_other_libraries_look(dtype):
    env = ActionMaskObservation(
        gym.make("NAS-v0", **TRAINED, store="memory"), observation_key="observations", dtype=dtype
    )
    observation, info = env.reset(seed=0)
    assert isinstance(env.observation_space, spaces.Dict)
    assert env.observation_space.contains(observation)
    assert observation["action_mask"].dtype == np.dtype(dtype)
    assert (observation["action_mask"] == info["action_mask"]).all()
    assert set(observation) == {"observations", "action_mask"}
    rebuilt = gym.make(env.spec)
    assert rebuilt.observation_space == env.observation_space


def test_the_mask_wrapper_says_what_it_needs():
    env = gym.make("NAS-v0", **TRAINED, store="memory", observation="index")
    with pytest.raises(NASGymError, match="pass observation_key"):
        ActionMaskObservation(env)
    with pytest.raises(NASGymError, match="dtype of the action mask"):
        ActionMaskObservation(env, observation_key="obs", dtype="int64")
