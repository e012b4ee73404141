"""One folder, one run: how a run ends, and what a run that did not end leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nas_gym.envs import BudgetExhausted
from nas_gym.errors import NASGymError
from nas_gym.traces import RunFolder, Trace, read_trace
from tests.helpers.fakes import fake_env
from tests.helpers.traced_runs import q_learning, recording, trace, walk

ROOT = Path(__file__).parents[2]


def test_the_budget_ends_the_trace_with_its_reason(tmp_path):
    env = trace(tmp_path)
    q_learning(env, 5)
    env.close()
    found = recording(tmp_path)
    assert (found.header.budget, found.header.scores) == (5, "q_values")
    assert (found.end.stopped, found.end.unique) == ("budget", 5)
    assert found.steps[-1].unique == 5


def test_after_finish_the_environment_works_on_unrecorded(tmp_path):
    env = trace(tmp_path)
    walk(env, 3)
    env.finish({"architecture": "relu-64", "score": 0.5, "stopped": "space exhausted", "mine": 1})
    assert env.ended
    walk(env, 4)
    env.evaluate("sigmoid-64")
    env.scalars({"train/loss": 1.0})
    env.finish()
    env.close()
    assert len(recording(tmp_path).lines) == 3
    assert recording(tmp_path).end.stopped == "space exhausted"
    assert RunFolder(tmp_path / "run").result()["mine"] == 1


def test_an_error_leaves_the_run_unfinished(tmp_path):
    def interrupted():
        with trace(tmp_path) as env:
            walk(env, 3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not RunFolder(tmp_path / "run").is_finished
    assert len(recording(tmp_path).lines) == 3


def test_the_end_of_the_budget_is_no_error(tmp_path):
    env = trace(tmp_path)
    env.unwrapped.start_run(1)
    env.reset()
    try:
        while True:
            env.step(1)
    except BudgetExhausted:
        env.close()
    assert RunFolder(tmp_path / "run").is_finished


def test_an_error_handled_before_the_run_began_does_not_leave_it_unfinished(tmp_path):
    try:
        raise ImportError
    except ImportError:
        env = trace(tmp_path)
        walk(env, 3)
        env.close()
    assert RunFolder(tmp_path / "run").is_finished


def test_a_finished_run_is_kept_unless_overwritten(tmp_path):
    env = trace(tmp_path)
    walk(env, 3)
    env.close()
    with pytest.raises(NASGymError, match="holds a finished run: choose another folder"):
        trace(tmp_path)
    again = trace(tmp_path, overwrite=True)
    walk(again, 5)
    again.close()
    assert len(recording(tmp_path).lines) == 5


def test_another_config_is_refused_before_anything_is_trained(tmp_path):
    env = trace(tmp_path, config={"alpha": 0.1})
    walk(env, 3)
    with pytest.raises(NASGymError, match=r"config.alpha is 0.1 there and 0.2 here"):
        trace(tmp_path, config={"alpha": 0.2})
    with pytest.raises(NASGymError, match=r"env.horizon is 20 there and 5 here"):
        trace(tmp_path, config={"alpha": 0.1}, horizon=5)
    env.close()


def test_a_folder_in_use_is_refused(tmp_path):
    first, second = trace(tmp_path), trace(tmp_path)
    walk(first, 3)
    with pytest.raises(NASGymError, match="is being written by a running search"):
        walk(second, 1)
    walk(first, 3)
    first.close()
    assert len(recording(tmp_path).lines) == 6


def test_one_trace_holds_one_run(tmp_path):
    env = trace(tmp_path)
    walk(env, 3)
    env.unwrapped.start_run(5)
    for more in (lambda: walk(env, 1), lambda: env.evaluate("sigmoid-64")):
        with pytest.raises(NASGymError, match=r"start_run\(\) was called in the middle of a trace"):
            more()
    assert env.unwrapped.stats.unique == 0


def test_an_unfinished_run_is_recorded_anew_exactly_as_if_undisturbed(tmp_path):
    once = Trace(fake_env(), tmp_path / "once")
    q_learning(once, 8)
    once.close()
    cut = Trace(fake_env(), tmp_path / "cut")
    walk(cut, 11, seed=5)
    cut._recorder.abandon()
    again = Trace(fake_env(), tmp_path / "cut")
    q_learning(again, 8)
    again.close()
    assert (tmp_path / "cut/trace.jsonl").read_bytes() == (tmp_path / "once/trace.jsonl").read_bytes()
    assert len(list((tmp_path / "cut").glob("events.out.tfevents.*"))) == 1


KILLED = """
import sys, time
from nas_gym.traces import Trace
from tests.helpers.fakes import fake_env
from tests.helpers.traced_runs import q_learning
env = Trace(fake_env(), sys.argv[1])
step = env.unwrapped.step
def slow(action):
    time.sleep(0.01)
    return step(action)
env.unwrapped.step = slow
q_learning(env, 12)
"""


def test_a_killed_run_leaves_a_readable_trace_and_no_lock(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (folder / "trace.jsonl").exists() or (folder / "trace.jsonl").read_bytes().count(b"\n") < 5:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(read_trace(folder / "trace.jsonl").steps) >= 4
    env = Trace(fake_env(), folder)
    q_learning(env, 12)
    env.close()
    undisturbed = Trace(fake_env(), tmp_path / "undisturbed")
    q_learning(undisturbed, 12)
    undisturbed.close()
    assert (folder / "trace.jsonl").read_bytes() == (tmp_path / "undisturbed/trace.jsonl").read_bytes()
