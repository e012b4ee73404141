"""Every snippet of the README and of the pages in docs runs as a newcomer would run it."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MORE_PAGES = [
    "docs/offline_data.md",
    "docs/other_libraries.md",
    "docs/own_data.md",
    "docs/own_parts.md",
    "docs/proxies.md",
]
"""Pages whose snippets are a program of their own."""


def snippets(page, language):
    """The snippets of a page in a language, in order."""
    fences = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return [code for of, code in fences if of == language]


COMMANDS = [
    line.partition("#")[0].strip()
    for code in snippets("README.md", "bash")
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


@pytest.mark.documentation
@pytest.mark.xdist_group("programs")
@pytest.mark.parametrize("page", ["README.md", *MORE_PAGES])
def test_the_python_snippets_run_as_one_program(page, folder):
    program = folder / f"{Path(page).stem}.py"
    program.write_text("\n".join(snippets(page, "python")))
    output = run([sys.executable, str(program)], folder)
    if page == "README.md":
        assert "Stats(" in output
        assert (folder / "products.pt").exists()
        assert re.search(r"^R² 0\.\d+ {'rmse': [\d.]+, 'mae': [\d.]+}$", output, re.MULTILINE)
    if page == "docs/own_data.md":
        assert re.search(r"^R² 0\.\d+ {'rmse'", output, re.MULTILINE)
    if page == "docs/other_libraries.md":
        assert (folder / "tensorboard_logs" / "by-hand" / "trace.jsonl").exists()


@pytest.mark.documentation
@pytest.mark.xdist_group("commands")
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


@pytest.mark.documentation
@pytest.mark.xdist_group("commands")
def test_the_snippet_on_explanations_runs(folder):
    if not (folder / "tensorboard_logs" / "NASTable-MLP-v0-mlp-mnist1d").exists():  # as the README makes it
        table = ["--env", "NASTable-MLP-v0", "--agent", "q-learning", "--budget", "200"]
        run(["nas-gym", "search", *table], folder)
    (folder / "explanations.py").write_text("\n".join(snippets("docs/explanations.md", "python")))
    assert "accuracy" in run([sys.executable, "explanations.py"], folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"\b(?:nas_gym|agents|benchmarks|tests|examples|docs)/[\w/]+\.(?:py|md)\b", text):
        assert (ROOT / path).exists(), path
    for name in set(re.findall(r"\bnas_gym(?:\.\w+)+", text)):
        resolve(name)


def resolve(dotted):
    """The module or attribute of a dotted name."""
    found, *names = dotted.split(".")
    found = importlib.import_module(found)
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError:
            found = importlib.import_module(f"{found.__name__}.{name}")
    return found
