"""Every snippet of the README runs, in order, as a newcomer would run it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
SNIPPETS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
PROGRAM = "\n".join(code for language, code in SNIPPETS if language == "python")
COMMANDS = [
    line.partition("#")[0].strip()
    for language, code in SNIPPETS
    if language == "bash"
    for line in code.splitlines()
    if line.strip()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the newcomer's own file, and a cache of its own."""
    folder = tmp_path_factory.mktemp("newcomer")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3))
    quality = np.where(rows[:, 0] + rows[:, 1] > 0, "good", "bad")
    lines = [
        ",".join([*(f"{value:.3f}" for value in row), label])
        for row, label in zip(rows, quality, strict=True)
    ]
    (folder / "wine.csv").write_text("\n".join(["acid,sugar,age,quality", *lines]) + "\n")
    return folder


def run(arguments, folder):
    """Run a program in the newcomer's folder; its output, or a failed test with its errors."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "XDG_CACHE_HOME": str(folder / "cache"), "COLUMNS": "120"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_only_known_kinds_of_snippets_are_there():
    assert {language for language, _ in SNIPPETS} == {"python", "bash"}


def test_the_python_snippets_run_as_one_program(folder):
    program = folder / "readme.py"
    program.write_text(PROGRAM)
    output = run([sys.executable, str(program)], folder)
    assert "Stats(" in output
    assert (folder / "tensorboard_logs" / "by-hand" / "trace.jsonl").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs(command, folder):
    program, *arguments = shlex.split(command)
    if program == "make":  # the targets exist and say what they would do; CI is what runs `make test`
        assert "nas-gym compare" in run(["make", "--dry-run", "demo"], ROOT) or arguments == ["test"]
        run(["make", "--dry-run", *arguments], ROOT)
    elif program == "tensorboard":  # --inspect lists what TensorBoard finds instead of serving it
        assert "scalars" in run([program, *arguments, "--inspect"], folder)
    else:
        assert run([program, *arguments], folder)
