"""stable-baselines3 collects from the native vector environment as from single ones."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from nas_gym import NASGymError
from nas_gym.envs import SB3VecEnv
from tests.helpers.fakes import action
from tests.helpers.vectors import COUNT, make, same, sync


def adapted(keywords, **more):
    return SB3VecEnv(make(keywords, autoreset_mode="same_step", **more))


@pytest.mark.parametrize("observation", ["dict", "index"])
@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
@pytest.mark.parametrize("kind", ["native", "gymnasium's sync"])
def test_it_equals_dummy_vec_env_over_single_environments(keywords, kind, reward, observation):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        options = keywords | {"reward": reward, "observation": observation}
        envs = adapted(options) if kind == "native" else SB3VecEnv(sync(options, "same_step"))
        dummy = DummyVecEnv([lambda: gym.make("NAS-v0", **options)] * COUNT)
        assert (envs.seed(5), envs.observation_space) == (dummy.seed(5), dummy.observation_space)
        assert equal(envs.reset(), dummy.reset())
        rng = np.random.default_rng(0)
        for _ in range(50):
            assert all(map(same, envs.reset_infos, dummy.reset_infos))
            actions = rng.integers(envs.action_space.n, size=COUNT)
            made, expected = envs.step(actions), dummy.step(actions)
            assert equal(made[0], expected[0])
            assert same(made[1:3], expected[1:3])
            assert all(map(same, made[3], expected[3]))


def watched(model, steps):
    """The infos of all steps of training."""
    infos = []

    def watch(local, _):
        infos.extend(local["infos"])
        return True

    model.learn(steps, callback=watch)
    return infos


def equal(one, other):
    """Whether observations are; DummyVecEnv gives an OrderedDict."""
    return same(dict(one), dict(other)) if isinstance(one, dict) else same(one, other)


@pytest.mark.parametrize(("reward", "bootstraps"), [("score", True), ("final", False)])
def test_the_end_says_whether_to_bootstrap(keywords, reward, bootstraps):
    envs = adapted(keywords, reward=reward, horizon=2, initial="relu-64")
    envs.reset()
    add = action(envs.envs, "add sigmoid-64 after layer 1")
    _, _, done, infos = envs.step(np.full(COUNT, add))
    assert not done.any()
    assert [info["TimeLimit.truncated"] for info in infos] == [False] * COUNT
    assert all("terminal_observation" not in info for info in infos)
    observations, _, done, infos = envs.step(np.zeros(COUNT, dtype=int))
    assert done.all()
    for info in infos:
        assert info["TimeLimit.truncated"] is bootstraps
        assert info["terminal_observation"]["layers"].tolist() == [1, 2, 0]
        assert info["architecture"] == "relu-64 > sigmoid-64"
    assert (observations["layers"] == [1, 0, 0]).all()
    assert [info["architecture"] for info in envs.reset_infos] == ["relu-64"] * COUNT


def test_ppo_bootstraps_from_the_state_before_the_reset(keywords):
    """The reward that PPO stores at a truncation is the reward plus gamma times the value there."""
    gamma, model_rewards = 0.9, {}
    for name, venv in {
        "native": adapted(keywords, horizon=3),
        "dummy": DummyVecEnv([lambda: gym.make("NAS-v0", **keywords | {"horizon": 3})] * COUNT),
    }.items():
        model = PPO("MultiInputPolicy", venv, n_steps=6, batch_size=30, n_epochs=1, gamma=gamma, seed=0)
        model.learn(6 * COUNT)
        model_rewards[name] = model.rollout_buffer.rewards.copy()
    assert np.array_equal(model_rewards["native"], model_rewards["dummy"])


@pytest.mark.parametrize("algorithm", [PPO, MaskablePPO, DQN])
@pytest.mark.parametrize("reward", ["score", "final"])
def test_algorithms_learn_the_same_as_from_single_environments(keywords, algorithm, reward):
    options = keywords | {"reward": reward}
    weights = []
    for venv in (
        adapted(options),
        DummyVecEnv([lambda: gym.make("NAS-v0", **options)] * COUNT),
    ):
        settings = {"n_steps": 8, "batch_size": 20} if algorithm is not DQN else {"learning_starts": 10}
        model = algorithm("MultiInputPolicy", VecMonitor(venv), seed=0, **settings)
        before = [parameter.detach().clone() for parameter in model.policy.parameters()]
        model.learn(80)
        weights.append([parameter.detach().clone() for parameter in model.policy.parameters()])
        assert any((old != new).any() for old, new in zip(before, weights[-1], strict=True))
    assert all((one == other).all() for one, other in zip(*weights, strict=True))


def test_ppo_gets_better(keywords):
    """With scores that reward depth, the return after learning is above the one before."""
    keywords["evaluator"].score = lambda architecture, seed: len(architecture.layers) / 3
    envs = VecMonitor(adapted(keywords, count=8, initial="smallest"))
    model = MaskablePPO(
        "MultiInputPolicy", envs, n_steps=14, batch_size=56, learning_rate=3e-3, seed=0, gamma=0.9
    )
    infos = watched(model, 3000)
    returns = [info["episode"]["r"] for info in infos if "episode" in info]
    assert np.mean(returns[-40:]) > np.mean(returns[:40]) + 1


def test_maskable_ppo_takes_no_illegal_action(keywords):
    model = MaskablePPO("MultiInputPolicy", adapted(keywords), n_steps=16, batch_size=40, seed=0)
    illegal = [info["illegal_action"] for info in watched(model, 160)]
    assert len(illegal) == 160
    assert not any(illegal)


def test_options_are_for_all_or_each_and_used_once(keywords):
    envs = adapted(keywords, initial="relu-64")
    envs.set_options({"architecture": "sigmoid-64"})
    envs.reset()
    assert {info["architecture"] for info in envs.reset_infos} == {"sigmoid-64"}
    envs.set_options([{"architecture": "sigmoid-64"}, *[{}] * (COUNT - 1)])
    envs.reset()
    assert [info["architecture"] for info in envs.reset_infos] == ["sigmoid-64"] + ["relu-64"] * (COUNT - 1)
    envs.reset()
    assert {info["architecture"] for info in envs.reset_infos} == {"relu-64"}


def test_attributes_and_methods_are_reached_by_name(keywords):
    envs = adapted(keywords, render_mode="rgb_array")
    assert envs.has_attr("action_masks")
    assert not envs.has_attr("no_such_thing")
    envs.reset()
    masks = envs.env_method("action_masks", indices=[2, 0])
    assert (masks == envs.envs.action_masks()[[2, 0]]).all()
    assert (envs.get_attr("action_masks", indices=1)[0]() == envs.envs.action_masks()[1]).all()
    assert envs.get_attr("stats") == [envs.envs.stats] * COUNT
    assert envs.get_attr("action_space", 0) == [envs.action_space]
    envs.env_method("start_run", 3)
    assert envs.get_attr("ledger")[0].remaining == 3
    envs.set_attr("device", "cpu")
    assert envs.envs.device == "cpu"
    with pytest.raises(NASGymError, match="cannot be set for some environments only"):
        envs.set_attr("device", "cpu", indices=[0])
    assert envs.env_is_wrapped(gym.Wrapper) == [False] * COUNT
    assert envs.render().shape[2] == 3
    envs.close()
    assert envs.envs.closed


def test_it_says_what_it_takes(keywords):
    with pytest.raises(NASGymError, match="make them with autoreset_mode='same_step'"):
        SB3VecEnv(make(keywords))
    with pytest.raises(NASGymError, match="SB3VecEnv takes a vector environment, not OrderEnforcing"):
        SB3VecEnv(gym.make("NAS-v0", **keywords))
