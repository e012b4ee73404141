"""The wrapper: what an agent sees is unchanged, and all of it is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from nas_gym.envs import BudgetExhausted
from nas_gym.errors import NASGymError
from nas_gym.traces import NoTrace, RunFolder, State, TabularPolicy, Trace, load_policy, trace_of
from tests.helpers.fakes import fake_env
from tests.helpers.traced_runs import q_learning, recording, trace, walk


def test_a_traced_environment_returns_exactly_what_it_returns_untraced(tmp_path):
    traced, plain = trace(tmp_path), fake_env()
    for ours, theirs in zip(walk(traced, 45), walk(plain, 45), strict=True):
        assert ours[:4] == theirs[:4]
        assert {name: str(value) for name, value in ours[4].items()} == {
            name: str(value) for name, value in theirs[4].items()
        }


@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
def test_every_step_is_recorded_as_it_happened(tmp_path, reward):
    env = trace(tmp_path, reward=reward, horizon=6)
    made = walk(env, 20, legal=False)
    env.close()
    steps = recording(tmp_path).steps
    assert [(s.action, s.reward, s.terminated, s.truncated, s.next) for s in steps] == [
        (*step[:4], step[4]["architecture"]) for step in made
    ]
    assert [step.illegal_action for step in steps] == [step[4]["illegal_action"] for step in made]
    assert [step.edit for step in steps] == [step[4]["edit"] for step in made]
    assert [(step.episode, step.t) for step in steps] == [(number // 6, number % 6) for number in range(20)]
    for earlier, later in pairwise(steps):
        assert later.architecture == (earlier.next if later.t else "relu-64")
    space = env.unwrapped.search_space
    for step in steps:
        assert step.mask == np.flatnonzero(space.mask(space.parse(step.architecture))).tolist()
        evaluated = reward != "final" or step.terminated
        assert (step.score is not None) == evaluated
        assert step.steps_left == (6 - step.t if reward == "final" else None)
    assert steps[-1].unique == env.unwrapped.stats.unique


def test_scores_are_the_policys_before_the_step_of_the_legal_actions(tmp_path):
    env = trace(tmp_path)
    space = env.unwrapped.search_space
    table = {"relu-64": np.arange(len(space.actions), dtype=np.float64)}
    env.reset()
    env.step(0)
    env.watch(TabularPolicy(space, table))
    env.step(0)
    table["relu-64"] = table["relu-64"] * 2
    table["relu-64"][0] = np.nan
    env.step(0)
    env.close()
    without, before, after = recording(tmp_path).steps
    assert without.scores is None
    assert before.scores == [float(action) for action in before.mask]
    assert after.scores == [None, *(2.0 * action for action in after.mask[1:])]


def test_a_run_of_a_user_without_anything_else_has_every_artefact(tmp_path):
    env = Trace(fake_env(), tmp_path / "run")
    walk(env, 30)
    env.close()
    names = {path.name for path in (tmp_path / "run").iterdir() if not path.name.startswith("events")}
    projector = {"projector", "projector_config.pbtxt"}
    assert names == {"config.json", "trace.jsonl", "result.json", "outcome"} | projector
    assert len(list((tmp_path / "run").glob("events.out.tfevents.*"))) == 1
    result = RunFolder(tmp_path / "run").result()
    history = env.unwrapped.ledger.history
    best = max(history, key=lambda evaluation: evaluation.score)
    assert (result["architecture"], result["score"]) == (best.architecture, best.score)
    assert len(result["evaluations"]) == len(history)
    assert (result["stopped"], result["steps"]) == ("closed", 30)
    end = recording(tmp_path).end
    assert (end.architecture, end.lines, end.unique) == (best.architecture, 30, len(history))


def test_nothing_is_written_before_the_first_step(tmp_path):
    env = trace(tmp_path)
    env.reset(seed=0)
    env.close()
    assert list(tmp_path.iterdir()) == []


def test_snapshots_are_named_by_evaluations_and_hold_the_policy_of_their_moment(tmp_path):
    env = trace(tmp_path, config={"budget": 12})
    table = q_learning(env, 12)
    env.close()
    snapshots = RunFolder(tmp_path / "run").snapshots()
    assert list(snapshots) == [0, 2, 3, 6, 9, 12]
    last = load_policy(snapshots[12], env.unwrapped.search_space)
    assert {state: values.tolist() for state, values in last.table.items()} == {
        state: values.tolist() for state, values in table.items()
    }
    assert len(load_policy(snapshots[0], env.unwrapped.search_space).table) == 1


def test_architectures_asked_for_are_recorded_even_where_the_budget_cuts_the_batch(tmp_path):
    env = trace(tmp_path)
    env.unwrapped.start_run(5)
    texts = [str(architecture) for architecture in env.unwrapped.search_space]
    assert env.evaluate(texts[0]).architecture == texts[0]
    assert len(env.evaluate(texts[:3])) == 3
    with pytest.raises(BudgetExhausted):
        env.evaluate(texts[3:9])
    env.close()
    asks = recording(tmp_path).asks
    assert [ask.architecture for ask in asks] == [texts[0], *texts[:3], *texts[3:5]]
    assert [ask.batch for ask in asks] == [0, 1, 1, 1, 2, 2]
    assert asks[-1].unique == 5
    assert recording(tmp_path).end.stopped == "budget"


def test_a_failed_training_is_recorded_with_its_reason(tmp_path):
    env = trace(tmp_path, score=lambda architecture, seed: float("nan"))
    env.reset()
    env.step(0)
    env.evaluate("sigmoid-64")
    env.close()
    found = recording(tmp_path)
    assert (found.steps[0].score, found.steps[0].error) == (0.0, "training diverged")
    assert (found.asks[0].status, found.asks[0].error) == ("failed", "training diverged")
    assert found.end.score == 0.0


def test_a_run_asks_for_no_test_score_and_writes_none(tmp_path):
    env = trace(tmp_path)
    with pytest.raises(AssertionError, match="test accuracy was asked for"):
        env.unwrapped.evaluator.test(env.unwrapped.search_space.smallest(), [0])
    q_learning(env, 6)
    env.close()
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not any(b"test_score" in path.read_bytes() for path in files)


def test_both_checkers_accept_a_traced_environment(tmp_path):
    env = trace(tmp_path, horizon=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version.*")
        check_env(env)
        sb3_check_env(env)


def test_a_trace_works_inside_monitor_and_dummy_vec_env(tmp_path):
    env = DummyVecEnv([lambda: Monitor(trace(tmp_path, horizon=3))])
    env.reset()
    for _ in range(7):
        _, _, done, info = env.step([0])
        assert ("episode" in info[0]) == done[0]
    assert env.env_method("action_masks")[0].dtype == bool
    env.close()
    assert [step.episode for step in recording(tmp_path).steps] == [0, 0, 0, 1, 1, 1, 2]


def test_the_wrapper_is_part_of_the_specification(tmp_path):
    spec = trace(tmp_path, agent="mine", config={"alpha": np.float64(0.5)}).spec
    assert spec.additional_wrappers[-1].kwargs == {
        "folder": str(tmp_path / "run"),
        "agent": "mine",
        "config": {"alpha": 0.5},
        "snapshots": [0.0, 0.1, 0.25, 0.5, 0.75, 1.0],
        "overwrite": False,
        "minari": None,
        "tensorboard": True,
    }


def test_an_environment_of_another_kind_is_refused(tmp_path):
    with pytest.raises(NASGymError, match="Trace records NAS environments"):
        Trace(gym.make("CartPole-v1"), tmp_path)


def test_an_episode_left_early_and_a_state_that_was_set_are_recorded_where_they_start(tmp_path):
    env = trace(tmp_path, horizon=4)
    env.reset()
    env.step(0)
    env.reset(options={"architecture": "sigmoid-64"})
    env.step(0)
    env.unwrapped.set_state(env.unwrapped.get_state() | {"architecture": "relu-64 > relu-64", "steps": 2})
    env.step(0)
    env.close()
    assert [(step.episode, step.t, step.architecture) for step in recording(tmp_path).steps] == [
        (0, 0, "relu-64"),
        (1, 0, "sigmoid-64"),
        (1, 2, "relu-64 > relu-64"),
    ]


def test_trace_of_finds_the_trace_under_other_wrappers_and_else_records_nothing(tmp_path):
    env = trace(tmp_path)
    assert trace_of(Monitor(env)) is env
    plain = fake_env()
    nothing = trace_of(plain)
    assert isinstance(nothing, NoTrace)
    nothing.watch(None)
    nothing.scalars({"a": 1.0})
    nothing.finish()
    assert nothing.evaluate("relu-64").score == pytest.approx(0.45)
    assert [e.architecture for e in nothing.evaluate(["relu-64", "sigmoid-64"])] == ["relu-64", "sigmoid-64"]
    assert plain.unwrapped.stats.unique == 2


def test_the_state_key_tells_states_with_a_clock_apart():
    keys = {State("relu-64").key, State("relu-64", 3).key, State("relu-64", 4).key}
    assert len(keys) == 3


def test_importing_the_traces_imports_neither_torch_nor_tensorboard():
    heavy = "{'torch', 'stable_baselines3', 'matplotlib', 'tensorboard'}"
    code = f"import sys, nas_gym.traces; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_config_is_json_that_names_the_run(tmp_path):
    env = trace(tmp_path, agent="mine", config={"alpha": 0.1, "layers": (1, 2)})
    walk(env, 1)
    env.close()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["agent"], config["env_id"]) == ("mine", "NAS-v0")
    assert config["config"] == {"alpha": 0.1, "layers": [1, 2]}
    assert config["env"]["horizon"] == 20
    assert {"python", "nas-gym", "torch", "gymnasium"} <= set(config["versions"])
