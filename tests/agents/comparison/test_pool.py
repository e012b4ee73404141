"""Worker processes outlive a job that fails, and never their parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from nas_agents.runs.pool import run_jobs

from nas_gym import _trust
from nas_gym.common import trusted
from nas_gym.errors import NASGymError


def write(job, report):
    path, content = job
    report(0.5)
    if content == "refuse":
        raise NASGymError("the budget is 0")
    if content == "break":
        raise RuntimeError("first line\nsecond line")
    if content == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    path.write_text(
        f"{content} {os.environ['OMP_NUM_THREADS']} {signal.getsignal(signal.SIGINT) is signal.SIG_IGN}"
    )


@pytest.mark.timeout(120)
def test_a_job_that_fails_or_kills_its_worker_is_named_and_the_others_are_done(tmp_path):
    contents = ["good", "refuse", "kill", "break", "last"]
    reports = []
    jobs = [(tmp_path / f"{number}", content) for number, content in enumerate(contents)]
    before, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
    failures = run_jobs(write, jobs, 2, lambda job, content: reports.append((job, content)))
    reasons = {failure.job: failure.reason for failure in failures}
    assert reasons == {
        1: "the budget is 0",
        2: "its process was killed by SIGKILL (out of memory?)",
        3: "RuntimeError: first line",
    }
    assert "second line" in next(failure.details for failure in failures if failure.job == 3)
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["good 1 True", "last 1 True"]
    for job in range(5):
        assert [content for number, content in reports if number == job] == [0.5, None]
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGINT) is handler


def test_no_jobs_start_no_worker():
    assert run_jobs(write, [], 4, lambda job, content: None) == []


def paid(job, report):
    path, reward = job
    path.write_text(str(reward(0.25, 0.5, False)))


@pytest.mark.timeout(120)
def test_jobs_with_a_lambda_or_a_local_object_are_done(tmp_path):
    class Gain:
        def __call__(self, before, after, done):
            return after - before

    rewards = [lambda before, after, done: 2 * after, Gain()]
    jobs = [(tmp_path / str(number), reward) for number, reward in enumerate(rewards)]
    assert run_jobs(paid, jobs, 1, lambda job, content: None) == []
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["1.0", "0.25"]


def tell_trusted(path, report):
    path.write_text(" ".join(trusted()))


@pytest.mark.timeout(120)
def test_files_may_name_in_a_worker_what_they_may_name_here(tmp_path, monkeypatch):
    monkeypatch.setattr(_trust, "_named", {"my_module"})
    assert run_jobs(tell_trusted, [tmp_path / "told"], 1, lambda job, content: None) == []
    assert "my_module" in (tmp_path / "told").read_text().split()


ENDLESS = """
import signal, sys, time
from pathlib import Path
from nas_agents.runs.pool import run_jobs

def beat(job, report):
    while True:
        report(None)
        Path(job).write_text(str(time.time()))
        time.sleep(0.05)

if __name__ == "__main__":
    # A job in the background of a shell begins with the signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_jobs(beat, [sys.argv[1]], 1, lambda job, content: None)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_when_the_parent_is_killed_or_interrupted(tmp_path, how):
    script, beat = tmp_path / "endless.py", tmp_path / "beat"
    script.write_text(textwrap.dedent(ENDLESS))
    parent = subprocess.Popen([sys.executable, script, beat], stderr=subprocess.PIPE, text=True)
    while not beat.exists():
        assert parent.poll() is None
        time.sleep(0.05)
    parent.send_signal(how)
    errors = parent.communicate(timeout=30)[1]
    assert parent.returncode != 0
    time.sleep(1)
    last = beat.read_text()
    time.sleep(0.5)
    assert beat.read_text() == last
    assert errors.count("Traceback") == (1 if how == signal.SIGINT else 0)
