"""Plain stable-baselines3 models get everything by one callback."""

from __future__ import annotations

import json

import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from nas_gym.errors import NASGymError
from nas_gym.traces import RunFolder, Trace, TraceCallback, load_policy, read_trace
from tests.helpers.fakes import fake_env
from tests.traces.test_tensorboard import accumulated

OPTIONS = {
    PPO: {"n_steps": 20, "batch_size": 10, "n_epochs": 2},
    MaskablePPO: {"n_steps": 20, "batch_size": 10, "n_epochs": 2},
    A2C: {},
    DQN: {"learning_starts": 10, "batch_size": 8, "train_freq": 4},
}
LOGGED = {
    PPO: {"train/entropy_loss", "train/value_loss", "train/approx_kl", "policy/entropy"},
    MaskablePPO: {"train/entropy_loss", "train/value_loss", "policy/entropy"},
    A2C: {"train/entropy_loss", "train/value_loss", "policy/entropy"},
    DQN: {"train/loss", "train/epsilon", "policy/best_q_value", "policy/q_value_gap"},
}


def make_model(cls, env, **options):
    return cls("MultiInputPolicy", env, seed=0, device="cpu", **OPTIONS[cls], **options)


@pytest.mark.parametrize("cls", OPTIONS)
def test_a_plain_model_is_traced_by_the_callback_alone(cls, tmp_path):
    model = make_model(cls, fake_env(horizon=5), gamma=0.9)
    model.learn(60, callback=TraceCallback(tmp_path / "run"))
    folder = RunFolder(tmp_path / "run")
    assert folder.is_finished
    recording = read_trace(folder.trace_file)
    assert recording.header.agent == cls.__name__
    assert recording.header.scores == ("q_values" if cls is DQN else "probabilities")
    assert len(recording.steps) == 60
    assert all(len(step.scores) == len(step.mask) for step in recording.steps)
    config = json.loads(folder.config_file.read_text())["config"]
    assert (config["gamma"], config["seed"]) == (0.9, 0)
    events = accumulated(folder.path)
    assert LOGGED[cls] <= set(events.Tags()["scalars"])
    assert "policy/heat_map" in events.Tags()["images"]
    assert "policy/start_state" in events.Tags()["tensors"]
    space = model.get_env().envs[0].unwrapped.search_space
    for snapshot in folder.snapshots().values():
        assert load_policy(snapshot, space).kind == recording.header.scores


def test_recording_does_not_change_what_a_model_learns(tmp_path):
    # One after the other, since stable-baselines3 draws from the global generators.
    plain = make_model(PPO, fake_env(horizon=5)).learn(60).policy.state_dict()
    model = make_model(PPO, fake_env(horizon=5))
    traced = model.learn(60, callback=TraceCallback(tmp_path / "run")).policy.state_dict()
    for name, weights in plain.items():
        assert (weights == traced[name]).all(), name


def test_a_trace_around_the_environment_is_used(tmp_path):
    env = Trace(fake_env(horizon=5), tmp_path / "run", agent="mine", config={"run": 1})
    make_model(PPO, env).learn(20, callback=TraceCallback())
    recording = read_trace(tmp_path / "run" / "trace.jsonl")
    assert (recording.header.agent, len(recording.steps)) == ("mine", 20)
    assert recording.end is not None


def test_several_calls_of_learn_can_be_one_run(tmp_path):
    model = make_model(A2C, fake_env(horizon=5))
    callback = TraceCallback(tmp_path / "run", finish=False)
    model.learn(20, callback=callback)
    model.learn(20, callback=callback, reset_num_timesteps=False)
    assert not RunFolder(tmp_path / "run").is_finished
    model.get_env().close()
    assert RunFolder(tmp_path / "run").is_finished
    assert len(read_trace(tmp_path / "run" / "trace.jsonl").steps) == 40


def test_learning_on_after_the_end_of_a_trace_is_refused(tmp_path):
    model = make_model(A2C, fake_env(horizon=5))
    callback = TraceCallback(tmp_path / "run")
    model.learn(10, callback=callback)
    with pytest.raises(NASGymError, match="has ended: pass finish=False"):
        model.learn(10, callback=callback)


def test_each_of_several_environments_is_a_run_of_its_own(tmp_path):
    envs = DummyVecEnv([lambda: fake_env(horizon=5), lambda: fake_env(horizon=5)])
    make_model(PPO, envs).learn(40, callback=TraceCallback(tmp_path / "run"))
    for number in range(2):
        assert len(read_trace(tmp_path / "run" / f"env{number}" / "trace.jsonl").steps) == 20


def test_neither_folder_nor_trace_gives_one_sentence():
    with pytest.raises(NASGymError, match="there is no Trace around the model's environment"):
        make_model(A2C, fake_env()).learn(10, callback=TraceCallback())


def test_environments_in_other_processes_are_refused(tmp_path):
    envs = SubprocVecEnv([fake_env], start_method="spawn")
    try:
        with pytest.raises(NASGymError, match="cannot record inside the processes of SubprocVecEnv"):
            make_model(A2C, envs).learn(10, callback=TraceCallback(tmp_path))
    finally:
        envs.close()
