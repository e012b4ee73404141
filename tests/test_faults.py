"""A disk that refuses and a terminal that lacks letters: one sentence, what is finished stays readable."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from nas_gym._files import write_text, writing
from nas_gym.cli.errors import BAD_INPUT, polite
from nas_gym.errors import NASGymError
from nas_gym.traces import EventFile, RunFolder, read_trace
from nas_gym.traces.file import TraceWriter
from nas_gym.traces.lines import Header
from tests.helpers.traced_runs import trace, walk

ROOT = Path(__file__).parents[1]
# A limit on the size of a file is a disk that fills, without a disk.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
del sys.argv[1]
from nas_gym.cli.app import main
main()
"""
TABLE = ["--env", "NASTable-MLP-v0", "--budget", "10"]
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")


def command(*arguments, cwd, limit=None, **environment):
    """What a command line printed, and how it ended."""
    program = ["-m", "nas_gym"] if limit is None else ["-c", LIMITED, str(limit)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "agents")])
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=cwd,
        # Python would keep what it could write of compiled modules, and fail to import them from then on.
        env=os.environ
        | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(cwd / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


def assert_one_sentence(ended):
    noise = ended.stdout + ended.stderr
    assert ended.returncode == BAD_INPUT, noise
    assert "Traceback" not in noise
    assert "Exception ignored" not in noise
    sentences = [line for line in ended.stderr.splitlines() if line.startswith("nas-gym: ")]
    assert len(sentences) == 1
    assert "cannot be used (" in sentences[0]


@needs_limits
@pytest.mark.parametrize("limit", [100, 20_000])
def test_a_search_on_a_disk_that_fills(tmp_path, limit):
    ended = command("search", "--agent", "q-learning", *TABLE, "--logdir", "logs", cwd=tmp_path, limit=limit)
    assert_one_sentence(ended)
    assert not list(tmp_path.rglob("result.json"))
    assert not list(tmp_path.rglob("*.unfinished"))
    for file in tmp_path.rglob("config.json"):
        assert json.loads(file.read_text())["format"]
    for file in tmp_path.rglob("trace.jsonl"):
        if b"\n" in file.read_bytes():
            assert read_trace(file).header.agent == "q-learning"


@needs_limits
def test_a_comparison_an_explanation_and_a_table_on_a_disk_that_fills(tmp_path):
    search = ["search", "--agent", "random", *TABLE, "--logdir", "logs"]
    assert command(*search, cwd=tmp_path).returncode == 0
    (result,) = tmp_path.rglob("result.json")
    assert_one_sentence(command("explain", str(result.parent), "--budget", "0", cwd=tmp_path, limit=20_000))
    assert json.loads(result.read_text())["budget"] == 10
    compared = ["compare", "--agents", "random,evolution", "--seeds", "2", *TABLE, "--jobs", "1"]
    assert_one_sentence(command(*compared, "--logdir", "cmp", cwd=tmp_path, limit=8_000))
    space = '{"name": "mlp", "max_layers": 1}'
    build = ["benchmark", "build", "--space", space, "--task", "breast_cancer", "--recipe", '{"epochs": 1}']
    assert_one_sentence(command(*build, "--out", "own.npz", cwd=tmp_path, limit=10))
    assert not (tmp_path / "own.npz").exists()


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


def own_data(folder):
    rows = [f"{number % 7},{number % 3},{'żółw' if number % 2 else 'naïve 日本'}" for number in range(60)]
    (folder / "größe.csv").write_text("\n".join(["größe,b,ziel", *rows]) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"PYTHONIOENCODING": "ascii"}, marks=pytest.mark.slow),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "C"],
)
def test_a_terminal_of_another_encoding_ends_no_command(tmp_path, environment):
    own_data(tmp_path)
    search = ["search", "--agent", "random", "--task", "größe.csv", "--target", "ziel", "--budget", "2"]
    training = ["--recipe", '{"epochs": 1}', "--store", "memory", "--logdir", "ł", "--explain"]
    ended = command(*search, *training, cwd=tmp_path, **environment)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    (result,) = (tmp_path / "ł").rglob("result.json")
    assert (result.parent / "report.html").exists()
