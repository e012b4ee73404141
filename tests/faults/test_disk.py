"""A disk that refuses: one sentence, what is finished stays, and given again all ends as undisturbed."""

from __future__ import annotations

import errno
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import typer

from nas_gym._files import write_text, writing
from nas_gym.cli.errors import BAD_INPUT, polite
from nas_gym.errors import NASGymError
from nas_gym.traces import EventFile, RunFolder, read_trace
from nas_gym.traces.file import TraceWriter
from nas_gym.traces.lines import Header
from tests.faults import folders
from tests.faults.launcher import ROOT, wait_until
from tests.faults.test_kills import SCENES, build, comparison, search
from tests.helpers.traced_runs import trace, walk

LIMITED = """
import sys
from tests.faults.hooks import limit_file_size
limit_file_size(int(sys.argv.pop(1)))
from nas_gym.cli.app import main
main()
"""
TABLE = ["--env", "NASTable-MLP-v0", "--budget", "10"]
LIMIT, LOCKS, READ_ONLY = (
    f"tests.faults.hooks:{name}" for name in ("limit_file_size", "wait_for_locks", "read_only_after")
)
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
needs_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs the /proc of Linux")


def assert_one_sentence(noise: str) -> str:
    assert "Traceback" not in noise
    assert "Exception ignored" not in noise
    sentences = [line for line in noise.splitlines() if line.startswith("nas-gym: ")]
    assert len(sentences) == 1, noise
    assert "cannot be used (" in sentences[0]
    return sentences[0]


@needs_limits
def test_a_search_on_a_disk_that_fills_as_a_user_starts_it(tmp_path):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "agents")])
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            LIMITED,
            "20000",
            "search",
            "--agent",
            "q-learning",
            *TABLE,
            "--logdir",
            "logs",
        ],
        cwd=tmp_path,
        # Python would keep what it could write of compiled modules, and fail to import them from then on.
        env=os.environ
        | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == BAD_INPUT
    assert_one_sentence(ended.stdout + ended.stderr)
    check_unfinished(tmp_path)


def check_unfinished(home: Path) -> None:
    assert not list(home.rglob("result.json"))
    assert not list(home.rglob("*.unfinished"))
    for file in home.rglob("config.json"):
        assert json.loads(file.read_text())["format"]
    for file in home.rglob("trace.jsonl"):
        if b"\n" in file.read_bytes():
            assert read_trace(file).header.agent == "q-learning"


@needs_linux
def test_a_search_on_a_disk_without_room(tmp_path, launcher):
    search = ["search", "--agent", "q-learning", *TABLE]
    ended = launcher.run(*search, home=tmp_path, hook=(LIMIT, 400), code=BAD_INPUT)
    assert_one_sentence(ended.printed())
    check_unfinished(tmp_path)


@needs_linux
@pytest.mark.faults
def test_a_comparison_on_a_disk_that_fills(tmp_path, launcher):
    compare = ["compare", "--agents", "random,evolution", "--seeds", "2", *TABLE, "--jobs", "1"]
    ended = launcher.run(*compare, home=tmp_path, hook=(LIMIT, 8_000), code=BAD_INPUT)
    assert_one_sentence(ended.printed())


@needs_linux
def test_a_table_and_an_explanation_on_a_disk_that_fills(tmp_path, launcher):
    ended = launcher.run(*build(tmp_path), home=tmp_path, hook=(LIMIT, 1_500), code=BAD_INPUT)
    assert_one_sentence(ended.printed())
    assert not (tmp_path / "own.npz").exists()
    scene = SCENES["explanation"]
    scene.prepare(launcher, tmp_path)
    (result,) = tmp_path.rglob("result.json")
    ended = launcher.run(*scene.arguments(tmp_path), home=tmp_path, hook=(LIMIT, 60_000), code=BAD_INPUT)
    assert_one_sentence(ended.printed())
    assert json.loads(result.read_text())["budget"] == 12
    assert not (result.parent / "report.html").exists()


@pytest.fixture(scope="module")
def expected(launcher, tmp_path_factory):
    """What a search makes that nothing disturbs, and its store."""
    home = tmp_path_factory.mktemp("undisturbed")
    launcher.run(*search(home), home=home)
    return SCENES["search"].outcome(home), folders.stored(home / "store.db")


def check_given_again(launcher, home, expected):
    before = folders.stored(home / "store.db")
    launcher.run(*search(home), home=home)
    after = folders.stored(home / "store.db")
    assert {key: after.get(key) for key in before} == before
    assert (SCENES["search"].outcome(home), after) == expected


SIZES = [
    pytest.param(size, marks=[] if number < 1 else pytest.mark.faults)
    for number, size in enumerate([60_000, *random.Random(0).sample(range(100, 120_000), 20)])
]


@needs_linux
@pytest.mark.parametrize("size", SIZES)
def test_a_store_on_a_disk_that_fills_loses_nothing(tmp_path, launcher, expected, size):
    command = launcher.start(*search(tmp_path), home=tmp_path, hook=(LIMIT, size))
    code = command.wait()
    assert code in (0, BAD_INPUT), command.printed()
    if code:
        assert_one_sentence(command.printed())
        folders.check_believable(tmp_path / "logs")
    check_given_again(launcher, tmp_path, expected)


def lock(path: Path) -> sqlite3.Connection:
    """Lock a store as a process that writes into it does."""
    wait_until(path.exists)
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


@needs_linux
def test_a_store_that_is_locked_for_a_while_is_waited_for(tmp_path, launcher, expected):
    command = launcher.start(*search(tmp_path), home=tmp_path)
    with closing(lock(tmp_path / "store.db")) as connection:
        time.sleep(0.4)
        assert not command.ended()
        connection.execute("ROLLBACK")
    assert command.wait() == 0, command.printed()
    check_given_again(launcher, tmp_path, expected)


LOCKED_AFTER = [
    pytest.param(seconds, marks=[] if number < 1 else pytest.mark.faults)
    for number, seconds in enumerate([0.1, *(random.Random(1).uniform(0, 0.6) for _ in range(20))])
]


@needs_linux
@pytest.mark.parametrize("seconds", LOCKED_AFTER)
def test_a_store_that_stays_locked_is_one_sentence_and_nothing_is_lost(tmp_path, launcher, expected, seconds):
    command = launcher.start(*search(tmp_path), home=tmp_path, hook=(LOCKS, 0.2))
    wait_until((tmp_path / "store.db").exists)
    time.sleep(seconds)
    with closing(lock(tmp_path / "store.db")):
        code = command.wait()
    assert code in (0, BAD_INPUT), command.printed()
    if code:
        assert "database is locked" in assert_one_sentence(command.printed())
    check_given_again(launcher, tmp_path, expected)


CHANGES = [pytest.param(number, marks=[] if number == 10 else pytest.mark.faults) for number in range(26)]


@needs_linux
@pytest.mark.parametrize("changes", CHANGES)
def test_a_run_folder_that_becomes_read_only_is_one_sentence_and_nothing_is_lost(
    tmp_path, launcher, expected, changes
):
    hook = (READ_ONLY, str(tmp_path / "logs"), changes)
    command = launcher.start(*search(tmp_path), home=tmp_path, hook=hook)
    code = command.wait()
    assert code in (0, BAD_INPUT), command.printed()
    if code:
        assert "Read-only file system" in assert_one_sentence(command.printed())
        assert not list(tmp_path.rglob("result.json"))
        folders.check_believable(tmp_path / "logs")
    check_given_again(launcher, tmp_path, expected)


@needs_linux
@pytest.mark.faults
def test_a_comparison_on_a_locked_store_fails_its_runs_and_goes_on_when_given_again(tmp_path, launcher):
    command = launcher.start(*comparison(tmp_path), home=tmp_path)
    with closing(lock(tmp_path / "store.db")):
        time.sleep(1)
    assert command.wait() == 0, command.printed()


def fail_from(number, monkeypatch, owner, name):
    """Let a method fail with a full disk from its call of that number on."""
    original, calls = getattr(owner, name), []

    def failing(*arguments):
        calls.append(1)
        if len(calls) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments)

    monkeypatch.setattr(owner, name, failing)


def walk_slowly(env, steps):
    for _ in range(steps):
        walk(env, 1)
        time.sleep(0.02)


@pytest.mark.parametrize(
    "where", ["nas_gym.traces.file.write_whole", "nas_gym.traces.tensorboard.events.write_whole"]
)
def test_a_run_whose_files_cannot_be_written_is_left_unfinished_even_if_it_is_closed(
    tmp_path, monkeypatch, where
):
    # TensorBoard's file is written by a thread, whose failure the next step tells.
    monkeypatch.setattr("nas_gym.traces.tensorboard.events.FLUSH_SECONDS", 0.01)
    env = trace(tmp_path)
    walk(env, 3)
    module, _, name = where.rpartition(".")
    with monkeypatch.context() as full:
        fail_from(1, full, sys.modules[module], name)
        with pytest.raises(NASGymError, match="No space left on device"):
            walk_slowly(env, 200)
    walk(env, 2)  # the environment works on, unrecorded
    env.close()
    assert not RunFolder(tmp_path / "run").is_finished
    assert len(read_trace(tmp_path / "run" / "trace.jsonl").steps) >= 3
    again = trace(tmp_path)
    walk(again, 3)
    again.close()
    assert RunFolder(tmp_path / "run").is_finished


def test_a_run_whose_end_cannot_be_written_has_no_result(tmp_path, monkeypatch):
    env = trace(tmp_path)
    walk(env, 3)
    fail_from(1, monkeypatch, os, "replace")
    with pytest.raises(NASGymError, match="No space left on device"):
        env.close()
    monkeypatch.undo()
    assert not RunFolder(tmp_path / "run").is_finished
    assert not list((tmp_path / "run").glob("*.unfinished"))
    walk(again := trace(tmp_path), 1)
    again.close()


def test_a_text_is_there_whole_or_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "text"
    write_text(file, "before")
    fail_from(1, monkeypatch, os, "replace")
    with pytest.raises(
        NASGymError, match=r"text cannot be used \(No space left on device\): what is finished"
    ):
        write_text(file, "after")
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_the_writers_themselves_say_what_is_full():
    full = TraceWriter(Path("/dev/full"))
    with pytest.raises(NASGymError, match=r"/dev/full cannot be used \(No space left on device\)"):
        full.write(Header("random", 3, ["keep"], None))
    full.close()


def test_an_event_file_in_a_folder_that_cannot_be_made_gives_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NASGymError, match="cannot be used"):
        EventFile(tmp_path / "file" / "run")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
def test_what_the_system_refuses_ends_a_command_in_one_sentence(number, capsys):
    @polite
    def refused():
        raise OSError(number, os.strerror(number), "somewhere")

    with pytest.raises(typer.Exit) as ended:
        refused()
    assert ended.value.exit_code == BAD_INPUT
    assert f"nas-gym: somewhere cannot be used ({os.strerror(number)})" in capsys.readouterr().err


def test_a_users_mistake_passes_through_as_it_is(tmp_path):
    with pytest.raises(NASGymError, match="mistake"), writing(tmp_path):
        raise NASGymError("mistake")
