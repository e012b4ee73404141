"""Two commands on one folder: the second is refused before it touches anything, the first goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nas_agents
import nas_agents.runs.run as running
import pytest
from nas_agents.comparison.plan import Plan, prepare
from nas_agents.comparison.runner import undisturbed
from nas_agents.runs.run import RunSpec, run

from nas_gym._lock import PATIENCE, held, hold, is_held, release
from nas_gym.errors import NASGymError
from nas_gym.explain import explain
from nas_gym.traces import RunFolder, read_trace
from tests.helpers.traced_runs import trace, walk

ROOT = Path(__file__).parents[2]
ON_TABLE = "NASTable-MLP-v0"

START = 64  # bytes of the first record


def state(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file of a folder; of TensorBoard's, which a running search adds to in a thread, the start."""
    return {
        path: (0, path.read_bytes()[:START])
        if "tfevents" in path.name
        else (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_is_held_by_one_until_it_lets_go(tmp_path):
    path = tmp_path / "lock"
    with held(path, "busy"):
        assert is_held(path)
        with pytest.raises(NASGymError, match="busy"):
            hold(path, "busy")
    assert not path.exists()
    assert not is_held(path)
    file = hold(path, "busy")
    release(file, path)


def test_who_waits_for_a_file_that_is_removed_gets_the_new_one(tmp_path):
    path = tmp_path / "lock"
    first = hold(path, "busy")
    path.unlink()
    second = hold(path, "busy")
    assert is_held(path)
    release(second, path)
    first.close()


HOLDER = """
import sys, time
from pathlib import Path
from nas_gym._lock import hold
file = hold(Path(sys.argv[1]), "busy")
print("held", flush=True)
time.sleep(60)
"""


def test_a_hold_ends_with_its_process_however_that_ends(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    assert is_held(tmp_path / "lock")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not is_held(tmp_path / "lock")
    hold(tmp_path / "lock", "busy").close()


@pytest.mark.parametrize("traced", [True, False])
def test_a_search_into_the_folder_of_a_running_one_touches_nothing(tmp_path, traced):
    going_on = trace(tmp_path)
    walk(going_on, 5)
    before = state(tmp_path)
    other = RunSpec("random", 3, str(tmp_path / "run"), env_id=ON_TABLE, trace=traced)
    with pytest.raises(NASGymError):
        run(other)
    with pytest.raises(NASGymError, match="is being written by a running search"):
        walk(trace(tmp_path), 1)
    assert state(tmp_path) == before
    walk(going_on, 5)
    going_on.close()
    assert len(read_trace(tmp_path / "run" / "trace.jsonl").steps) == 10


@pytest.mark.parametrize("traced", [True, False])
@pytest.mark.parametrize("when", ["search", "score"])
def test_the_same_command_again_is_refused_while_the_first_goes_on(tmp_path, monkeypatch, traced, when):
    """Also where the run is not recorded, and while its network is being scored."""
    spec = RunSpec("random", 3, str(tmp_path / "exp" / "run"), env_id=ON_TABLE, trace=traced)
    owner, name = (nas_agents.RandomSearch, "run") if when == "search" else (running, "score")
    original = getattr(owner, name)
    refused = []

    def again(*arguments):
        monkeypatch.setattr(owner, name, original)
        if when == "search" and traced:
            arguments[1].ask([arguments[1].search_space.smallest()])
        before = state(tmp_path)
        with pytest.raises(NASGymError, match="is being written by a running search"):
            run(spec)
        assert state(tmp_path) == before
        refused.append(True)
        return original(*arguments)

    monkeypatch.setattr(owner, name, again)
    result = run(spec)
    assert refused == [True]
    assert run(spec) == result
    assert sorted(path.name for path in (tmp_path / "exp").iterdir()) == ["run"]
    assert not (tmp_path / "exp" / "run" / "explanation.lock").exists()


def test_a_run_that_another_finished_meanwhile_is_not_recorded_over(tmp_path):
    late = trace(tmp_path)
    first = trace(tmp_path)
    walk(first, 4)
    first.close()
    before = state(tmp_path)
    with pytest.raises(NASGymError, match="holds a finished run, which another process made meanwhile"):
        walk(late, 1)
    assert state(tmp_path) == before


def test_a_search_that_was_ended_before_it_began_leaves_room(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "trace.jsonl").touch()
    env = trace(tmp_path)
    walk(env, 2)
    env.close()
    assert RunFolder(tmp_path / "run").is_finished


def test_a_second_comparison_in_the_same_folder_is_refused(tmp_path):
    plan = Plan(["random", "local-search"], 1, 3, env_id=ON_TABLE, logdir=str(tmp_path))
    experiments = prepare(plan)
    with undisturbed(experiments):
        before = state(tmp_path)
        another = undisturbed(prepare(plan))
        with (
            pytest.raises(NASGymError, match=r"another comparison is under way .* another name or logdir"),
            another,
        ):
            pass
        assert state(tmp_path) == before
    assert not list(tmp_path.rglob("*.lock"))


def test_a_run_that_goes_on_may_be_explained_and_is_not_disturbed(tmp_path):
    env = trace(tmp_path)
    walk(env, 5)
    lines = (tmp_path / "run" / "trace.jsonl").read_bytes()
    with pytest.raises(NASGymError, match="cannot be built"):  # a fake cannot be; it was read, not written
        explain(tmp_path / "run")
    assert (tmp_path / "run" / "trace.jsonl").read_bytes() == lines
    walk(env, 5)
    env.close()


def test_explanations_of_one_run_are_written_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr("nas_gym.traces.run_folder.EXPLAINING_SECONDS", 0.1)
    folder = RunFolder(tmp_path)
    with folder.explained_by_one():
        started = time.monotonic()
        another = folder.explained_by_one()
        with pytest.raises(NASGymError, match="an explanation is being written into"), another:
            pass
        assert time.monotonic() - started < PATIENCE + 1
    with folder.explained_by_one():
        assert [path.name for path in tmp_path.iterdir()] == ["explanation.lock"]
