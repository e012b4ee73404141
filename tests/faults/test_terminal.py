"""A terminal that lacks letters ends no command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.faults.launcher import ROOT


def own_data(folder):
    rows = [f"{number % 7},{number % 3},{'żółw' if number % 2 else 'naïve 日本'}" for number in range(60)]
    (folder / "größe.csv").write_text("\n".join(["größe,b,ziel", *rows]) + "\n", encoding="utf-8")


def command(*arguments, cwd, **environment):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "agents")])
    return subprocess.run(
        [sys.executable, "-m", "nas_gym", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(cwd / "cache")} | environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("environment", "explain"),
    [
        (C, []),
        pytest.param(C, ["--explain"], marks=pytest.mark.slow),
        pytest.param({"PYTHONIOENCODING": "ascii"}, ["--explain"], marks=pytest.mark.slow),
    ],
    ids=["C", "C and a report", "ascii and a report"],
)
def test_a_terminal_of_another_encoding_ends_no_command(tmp_path, environment, explain):
    own_data(tmp_path)
    search = ["search", "--agent", "random", "--task", "größe.csv", "--target", "ziel", "--budget", "2"]
    training = ["--recipe", '{"epochs": 1}', "--store", "memory", "--logdir", "ł", *explain]
    ended = command(*search, *training, cwd=tmp_path, **environment)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    (result,) = (tmp_path / "ł").rglob("result.json")
    assert (result.parent / "report.html").exists() == bool(explain)
