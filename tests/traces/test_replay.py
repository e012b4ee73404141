"""A replay executes a recorded run again and finds any number that differs."""

from __future__ import annotations

import json
import re

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tasks import Task
from nas_gym.traces import Trace, read_trace
from nas_gym.traces.replaying import TOLERANCE, replay
from tests.helpers.fakes import SMALL, fake_env
from tests.helpers.traced_runs import q_learning, walk

TRAINED = {
    "search_space": SMALL,
    "task": "breast_cancer",
    "evaluator": {"name": "train", "recipe": {"epochs": 1, "batch_size": 128}},
    "store": "memory",
}


@pytest.fixture
def recorded(tmp_path):
    env = Trace(fake_env(horizon=6), tmp_path / "run")
    walk(env, 20, legal=False)
    env.evaluate(["relu-64", "sigmoid-64 > relu-64"])
    env.close()
    return tmp_path / "run"


def change(folder, number, **values):
    """Change one line of a recording."""
    path = folder / "trace.jsonl"
    lines = path.read_text().splitlines()
    lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | values)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
def test_a_trained_run_is_made_again_from_its_folder_alone(tmp_path, reward):
    env = Trace(gym.make("NAS-v0", reward=reward, horizon=5, **TRAINED), tmp_path / "run")
    walk(env, 12, legal=False)
    env.evaluate("sigmoid-64")
    env.close()
    report = replay(tmp_path / "run")
    assert report.ok, report.mismatch
    assert (report.steps, report.asks, report.tolerance, report.largest_difference) == (12, 1, 0.0, 0.0)
    assert report.why == "exactly, on the numerics of the recording"
    assert str(report) == (
        "12 steps and 1 evaluations made again, exactly, on the numerics of the recording: all agree "
        "(largest difference 0)"
    )


def test_a_run_on_values_is_made_again_and_told_of_in_their_metric(tmp_path):
    env = Trace(gym.make("NAS-v0", horizon=5, **TRAINED | {"task": "diabetes"}), tmp_path / "run")
    walk(env, 4)
    env.evaluate("sigmoid-64")
    env.close()
    assert replay(tmp_path / "run").ok
    change(tmp_path / "run", 3, score=0.123)
    assert re.search(r"line 3: .* has R² 0\.\d+, recorded was 0.123", replay(tmp_path / "run").mismatch)
    config = json.loads((tmp_path / "run/config.json").read_text()) | {"numerics": "cuda"}
    (tmp_path / "run/config.json").write_text(json.dumps(config))
    assert "within 0.02 of the recorded R², since" in replay(tmp_path / "run").why
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert (result["metric"], result["metric_label"]) == ("r2", "R²")
    assert set(result["evaluations"][0]["metrics"]) == {"rmse", "mae"}


def test_a_recording_that_a_kill_cut_is_made_again_as_far_as_it_goes(recorded):
    whole = (recorded / "trace.jsonl").read_bytes()
    lines = whole.split(b"\n")
    (recorded / "trace.jsonl").write_bytes(b"\n".join(lines[:9]) + b"\n" + lines[9][:30])
    report = replay(recorded, fake_env(horizon=6))
    assert report.ok
    assert (report.steps, report.cut, report.ended) == (8, True, False)
    assert "did not come to its end" in str(report)
    assert "cut off" in str(report)


@pytest.mark.parametrize(
    ("line", "values", "sentence"),
    [
        (4, {"reward": 0.123}, r"line 4: episode 0 step 2 \(.*\) pays 0\.\d+, recorded was 0.123"),
        (4, {"score": 0.123}, r"line 4: .* has accuracy 0\.\d+, recorded was 0.123"),
        (3, {"next": "relu-64 > relu-64 > relu-64"}, r"line 3: .* leads to '.*', recorded was 'relu-64 >"),
        (5, {"mask": [0]}, r"line 5: .* has legal actions \[0, .*\], recorded were \[0\]"),
        (7, {"truncated": False}, "line 7: .* ends the episode otherwise"),
        (6, {"error": "training diverged"}, "line 6: .* fails with '', recorded was 'training diverged'"),
        (22, {"score": 0.9}, "line 22: evaluation 1 of 'relu-64' has accuracy 0.45, recorded was 0.9"),
        (23, {"status": "failed"}, "line 23: .* is ok, recorded was failed"),
        (23, {"parameters": 7}, "line 23: .* has 1 parameters, recorded were 7"),
    ],
)
def test_the_first_difference_is_named(recorded, line, values, sentence):
    assert replay(recorded, fake_env(horizon=6)).ok
    change(recorded, line, **values)
    report = replay(recorded, fake_env(horizon=6))
    assert not report.ok
    assert "mismatch: " in str(report)
    assert "\n" not in report.mismatch
    assert re.search(sentence, report.mismatch), report.mismatch


def test_another_environment_does_not_pass_as_the_recorded_one(recorded):
    other = fake_env(horizon=6, space={**SMALL, "max_layers": 2})
    assert "different search spaces or versions" in replay(recorded, other).mismatch
    worse = fake_env(horizon=6, score=lambda architecture, seed: 0.1)
    assert "has accuracy 0.1" in replay(recorded, worse).mismatch


def test_other_numerics_are_compared_within_a_stated_tolerance(recorded):
    def nearly(by):
        return fake_env(horizon=6, score=lambda a, seed: 0.3 + 0.1 * len(a.layers) + by)

    exact = Trace(nearly(0.0), recorded.parent / "exact")
    walk(exact, 10)
    exact.close()
    config = json.loads((recorded.parent / "exact/config.json").read_text())
    config["numerics"] = "cuda, bf16, torch 2.13.0"
    (recorded.parent / "exact/config.json").write_text(json.dumps(config))
    report = replay(recorded.parent / "exact", nearly(TOLERANCE / 2))
    assert report.ok
    assert report.tolerance == TOLERANCE
    assert report.largest_difference == pytest.approx(TOLERANCE / 2)
    assert "of the recorded accuracy, since the recording is of cuda, bf16, torch 2.13.0" in report.why
    assert not replay(recorded.parent / "exact", nearly(2 * TOLERANCE)).ok


def test_a_scaled_reward_scales_the_tolerance(tmp_path):
    def env(by):
        scaled = {"name": "score", "scale": [0.4, 0.5]}
        return fake_env(horizon=6, reward=scaled, score=lambda a, seed: 0.41 + by)

    traced = Trace(env(0.0), tmp_path)
    walk(traced, 3)
    traced.close()
    config = json.loads((tmp_path / "config.json").read_text()) | {"numerics": "cuda"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert replay(tmp_path, env(0.9 * TOLERANCE)).ok
    assert not replay(tmp_path, env(1.1 * TOLERANCE)).ok


def test_a_run_with_set_states_and_early_resets_is_made_again(tmp_path):
    env = Trace(fake_env(horizon=6), tmp_path)
    env.reset()
    env.step(1)
    env.reset(options={"architecture": "sigmoid-64"})
    env.step(1)
    env.unwrapped.set_state(env.unwrapped.get_state() | {"architecture": "relu-64", "steps": 4})
    env.step(1)
    env.step(0)
    env.close()
    report = replay(tmp_path, fake_env(horizon=6))
    assert report.ok, report.mismatch
    assert report.steps == 4


def test_the_run_of_an_agent_with_a_budget_is_made_again(tmp_path):
    env = Trace(fake_env(), tmp_path)
    q_learning(env, 10)
    env.close()
    report = replay(tmp_path, fake_env())
    assert report.ok, report.mismatch
    assert report.steps == len(read_trace(tmp_path / "trace.jsonl").steps)


def test_a_folder_that_holds_no_run_gives_one_sentence(tmp_path):
    with pytest.raises(NASGymError, match="holds no run"):
        replay(tmp_path)


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        ({"env": None}, r"config\.json is damaged \(it has no 'env'\)"),
        ({"env_id": None}, r"config\.json of the run is damaged \(KeyError\('env_id'\)\)"),
        ({"env": {}}, r"config\.json of the run is damaged \(KeyError\('task'\)\)"),
    ],
)
def test_a_config_without_its_environment_gives_one_sentence(recorded, lacking, sentence):
    file = recorded / "config.json"
    config = json.loads(file.read_text()) | lacking
    file.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
    with pytest.raises(NASGymError, match=sentence):
        replay(recorded)


def test_an_environment_of_the_users_own_objects_must_be_passed_in(recorded):
    with pytest.raises(NASGymError, match=r"cannot be built from its config.json .*: pass env=\.\.\."):
        replay(recorded)


def test_a_task_of_arrays_in_memory_must_be_passed_in(tmp_path):
    rng = np.random.default_rng(0)
    task = Task.from_arrays(rng.normal(size=(200, 5)).astype(np.float32), rng.integers(0, 2, 200))
    env = Trace(gym.make("NAS-v0", **TRAINED | {"task": task}), tmp_path)
    walk(env, 3)
    env.close()
    with pytest.raises(NASGymError, match="pass env="):
        replay(tmp_path)
    assert replay(tmp_path, gym.make("NAS-v0", **TRAINED | {"task": task})).ok
