"""Short loops through Gymnasium's own wrappers."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers

from tests.interop.tools import HORIZON, INFORMATION, MODES, needed, single, vector


def loop(env, steps):
    """Legal random steps; the infos of resets and steps."""
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    infos = [info]
    for _ in range(steps):
        _, _, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))
        infos.append(info)
        if terminated or truncated:
            _, info = env.reset()
            infos.append(info)
    return infos


@pytest.mark.parametrize("reward", ["score", "final"])
def test_wrappers_around_one_another(reward):
    env = single(reward=reward)
    env = wrappers.NormalizeReward(wrappers.FlattenObservation(wrappers.RecordEpisodeStatistics(env)))
    infos = loop(wrappers.TimeLimit(env, 3), 12)
    assert all(info.keys() - {"episode"} == INFORMATION for info in infos)
    assert [info["episode"]["l"] for info in infos if "episode" in info] == []
    ends = [info for info in loop(env, 2 * HORIZON) if "episode" in info]
    assert [info["episode"]["l"] for info in ends] == [HORIZON] * 2


def test_autoreset_and_frames_in_a_list():
    env = wrappers.RenderCollection(wrappers.Autoreset(single(render_mode="rgb_array")))
    _, info = env.reset(seed=0)
    for _ in range(HORIZON + 2):
        info = env.step(env.action_space.sample(info["action_mask"]))[4]
        assert info.keys() == INFORMATION
    frames = env.render()
    assert len({frame.shape for frame in frames}) == 1


def videos(folder):
    return [file for file in sorted(folder.glob("*.mp4")) if file.stat().st_size > 1000]


def test_every_episode_makes_a_video(tmp_path):
    needed("moviepy")
    env = wrappers.RecordVideo(
        single(render_mode="rgb_array"), str(tmp_path / "videos"), episode_trigger=lambda number: number < 2
    )
    loop(env, 2 * HORIZON)
    env.close()
    assert len(videos(tmp_path / "videos")) == 2


@pytest.mark.parametrize("kind", ["native", "sync"])
def test_environments_make_a_video_together(kind, tmp_path):
    needed("moviepy")
    envs = wrappers.vector.RecordVideo(
        vector(kind, "next_step", render_mode="rgb_array"),
        str(tmp_path / "videos"),
        video_length=HORIZON,
        step_trigger=lambda number: number == 0,
    )
    envs.reset(seed=0)
    for _ in range(HORIZON + 2):
        envs.step(envs.action_space.sample())
    envs.close()
    assert len(videos(tmp_path / "videos")) == 1


@pytest.mark.parametrize("kind", ["native", "sync"])
@pytest.mark.parametrize("mode", MODES)
def test_vector_wrappers_around_one_another(kind, mode):
    envs = wrappers.vector.RecordEpisodeStatistics(vector(kind, mode))
    envs = wrappers.vector.ClipReward(envs, 0.1, 0.9)
    _, infos = envs.reset(seed=0)
    lengths = []
    for _ in range(2 * HORIZON):
        assert {key for key in infos if not key.startswith("_")} == INFORMATION
        _, _, terminated, truncated, infos = envs.step(np.zeros(3, dtype=int))
        done = terminated | truncated
        if done.any():
            last = infos["final_info"] if mode == "same_step" else infos
            assert last.keys() >= INFORMATION
            lengths += infos.pop("episode")["l"][done].tolist()
            infos.pop("final_info", None)
            infos.pop("final_obs", None)
        if done.any() and mode == "disabled":
            envs.reset(options={"reset_mask": done})
    assert lengths[:3] == [HORIZON] * 3


@pytest.mark.parametrize("kind", ["native", "sync"])
def test_vector_observations_are_flattened_and_infos_listed(kind):
    envs = wrappers.vector.DictInfoToList(wrappers.vector.FlattenObservation(vector(kind, "next_step")))
    observations, infos = envs.reset(seed=0)
    for _ in range(HORIZON + 2):
        assert envs.observation_space.contains(observations)
        assert [set(info) for info in infos] == [INFORMATION] * 3
        assert all(isinstance(info["architecture"], str) for info in infos)
        observations, *_, infos = envs.step(envs.action_space.sample())


def test_an_environment_is_matched_by_its_specification():
    from gymnasium.utils.env_match import check_environments_match

    check_environments_match(single(), gym.make(single().spec), 20, seed=0)
