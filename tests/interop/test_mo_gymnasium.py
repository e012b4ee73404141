"""MO-Gymnasium's wrappers around environments of several objectives, one and several."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from tests.interop.tools import HORIZON, INFORMATION, needed

mo_gym = needed("mo_gymnasium")
wrappers = needed("mo_gymnasium.wrappers")
vectors = needed("mo_gymnasium.wrappers.vector")
pytestmark = pytest.mark.filterwarnings("ignore")

ID = "NASMultiObjective-v0"
THREE = ["score", "parameters", "flops"]


def options(**others):
    return {"evaluator": {"name": "table", "benchmark": "mlp"}, "horizon": HORIZON} | others


def episode(env):
    """Rewards and information of one episode of the same edit."""
    env.reset(seed=0)
    told, over = [], False
    while not over:
        _, reward, terminated, truncated, info = env.step(1)
        told.append((reward, info))
        over = terminated or truncated
    return told


def test_a_linear_reward_weighs_the_vector():
    weights = np.array([0.5, 0.3, 0.2])
    env = wrappers.LinearReward(mo_gym.make(ID, **options(objectives=THREE)), weight=weights)
    told = episode(env)
    assert len(told) == HORIZON
    for reward, info in told:
        assert reward == pytest.approx(info["vector_reward"] @ weights)
        assert info.keys() >= INFORMATION
    assert told[-1][1]["vector_reward"].shape == (3,)


def test_a_learner_of_one_number_learns_the_weighed_vector():
    ppo = needed("stable_baselines3").PPO
    env = wrappers.LinearReward(mo_gym.make(ID, **options(reward="step")), weight=np.array([0.8, 0.2]))
    model = ppo("MultiInputPolicy", env, n_steps=10, batch_size=10, seed=0)
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    model.learn(20)
    assert any((value != before[key]).any() for key, value in model.policy.state_dict().items())


def test_clipped_and_normalised_rewards_are_counted_by_episode():
    clipped = wrappers.MOClipReward(mo_gym.make(ID, **options(reward="step")), 1, -0.05, 0)
    assert all(-0.05 <= reward[1] <= 0 for reward, _ in episode(clipped))
    env = wrappers.MORecordEpisodeStatistics(wrappers.MONormalizeReward(clipped, 0))
    told = episode(env)
    assert told[-1][1]["episode"]["r"].shape == (2,)
    assert told[-1][1]["episode"]["l"] == HORIZON


def test_several_environments_pay_a_row_of_the_vector_each():
    envs = vectors.MOSyncVectorEnv([lambda: mo_gym.make(ID, **options(reward="step")) for _ in range(2)])
    native = gym.make_vec(ID, num_envs=2, **options(reward="step"))
    envs.reset(seed=0)
    native.reset(seed=0)
    for _ in range(HORIZON - 1):
        paid = [each.step(np.ones(2, dtype=int))[1] for each in (envs, native)]
        assert paid[0].shape == (2, 2)
        assert paid[0] == pytest.approx(paid[1])


def test_episodes_of_the_native_environments_are_counted():
    envs = vectors.MORecordEpisodeStatistics(gym.make_vec(ID, num_envs=2, **options()))
    envs.reset(seed=0)
    for _ in range(HORIZON):
        *_, info = envs.step(np.ones(2, dtype=int))
    assert info["episode"]["r"].shape == (2, 2)
    assert info["episode"]["r"][0].tolist() == info["episode"]["r"][1].tolist()


def test_a_point_of_the_front_has_the_shape_of_a_reward():
    env = mo_gym.make(ID, **options())
    front = env.unwrapped.pareto_front(gamma=0.9)
    assert env.unwrapped.reward_space.shape == (env.unwrapped.reward_dim,) == front[0].shape
