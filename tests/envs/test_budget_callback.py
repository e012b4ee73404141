"""A plain stable-baselines3 model ends at a budget of evaluations by one callback."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecNormalize

from nas_gym import NASGymError
from nas_gym.envs import BudgetCallback, SB3VecEnv
from nas_gym.traces import RunFolder, TraceCallback, load_policy, read_trace
from tests.helpers.fakes import fake_env

SHORT = {"n_steps": 8, "batch_size": 8, "n_epochs": 1}
OPTIONS = {PPO: SHORT, MaskablePPO: SHORT, DQN: {"learning_starts": 4, "train_freq": 4}}
ENDLESS = 10**6


def make_model(cls, env, policy="MultiInputPolicy"):
    return cls(policy, env, seed=0, gamma=0.9, device="cpu", **OPTIONS[cls])


@pytest.mark.parametrize("cls", OPTIONS)
def test_learn_ends_at_the_budget_and_raises_nothing(cls):
    env = fake_env(horizon=5)
    model = make_model(cls, env)
    callback = BudgetCallback(6)
    assert model.learn(ENDLESS, callback=callback) is model
    assert env.unwrapped.stats.unique == 6
    assert callback.reason == "budget"
    assert type(model.get_env()) is DummyVecEnv


def test_a_budget_in_seconds_is_not_exceeded():
    env = fake_env(horizon=5)
    make_model(PPO, env).learn(ENDLESS, callback=BudgetCallback({"seconds": 3.5}))
    assert env.unwrapped.stats.cost == 3.0


def test_an_agent_that_only_revisits_ends_by_its_steps():
    env = fake_env(horizon=5)
    callback = BudgetCallback(14)
    make_model(PPO, env).learn(ENDLESS, callback=callback)
    assert (callback.reason, env.unwrapped.stats.steps) == ("max_steps", 700)


def test_learn_may_end_before_the_budget_and_begins_a_new_run_each_time():
    env = fake_env(horizon=5)
    callback = BudgetCallback(6)
    model = make_model(PPO, env)
    model.learn(8, callback=callback)
    assert (callback.reason, env.unwrapped.stats.steps) == ("", 8)
    model.learn(ENDLESS, callback=callback, reset_num_timesteps=False)
    assert (callback.reason, env.unwrapped.stats.unique) == ("budget", 6)
    model.learn(8, callback=callback, reset_num_timesteps=False)
    assert (callback.reason, env.unwrapped.stats.steps) == ("", 8)


def test_the_budget_of_a_fused_vector_environment_is_counted_in_its_one_ledger():
    single = fake_env(horizon=5).unwrapped
    parts = {name: getattr(single, name) for name in ("search_space", "task", "evaluator")}
    envs = gym.make_vec("NAS-v0", num_envs=4, autoreset_mode="same_step", horizon=5, **parts)
    make_model(MaskablePPO, SB3VecEnv(envs)).learn(ENDLESS, callback=BudgetCallback(6))
    assert envs.stats.unique == 6


def test_the_flat_observation_can_be_normalised_and_traced(tmp_path):
    env = fake_env(horizon=5, observation="flat")
    callbacks = [TraceCallback(tmp_path / "run"), BudgetCallback(6)]
    model = make_model(PPO, env, "MlpPolicy")
    model.learn(ENDLESS, callback=callbacks)
    folder = RunFolder(tmp_path / "run")
    assert folder.is_finished
    steps = read_trace(folder.trace_file).steps
    assert len({step.architecture for step in steps}) >= 6
    assert load_policy(list(folder.snapshots().values())[-1], env.unwrapped.search_space)
    normalised = VecNormalize(DummyVecEnv([lambda: fake_env(horizon=5, observation="flat")]))
    make_model(PPO, normalised, "MlpPolicy").learn(ENDLESS, callback=BudgetCallback(6))
    assert np.isfinite(normalised.obs_rms.mean).all()
    assert normalised.get_attr("stats")[0].unique == 6


@pytest.mark.parametrize("kind", [DummyVecEnv, SubprocVecEnv])
def test_several_ledgers_are_refused_with_what_to_pass(kind):
    envs = kind([lambda: fake_env(horizon=5)] * 2)
    with pytest.raises(NASGymError, match=r"SB3VecEnv\(gym.make_vec"):
        make_model(PPO, envs).learn(8, callback=BudgetCallback(6))
    envs.close()


@pytest.mark.parametrize("budget", [0, -1, "6", {"seconds": 0}])
def test_a_budget_below_one_evaluation_is_refused(budget):
    with pytest.raises(NASGymError, match="budget must be"):
        BudgetCallback(budget)
