"""Every command of the README runs as a newcomer would run it, and what pages name is there."""

from __future__ import annotations

import importlib
import re
import shlex
import sys

import pytest

from tests.documentation.newcomer import PAGES, ROOT, run, snippets

COMMANDS = [
    line.partition("#")[0].strip()
    for code in snippets("README.md", "bash")
    for line in code.splitlines()
    if line.strip()
]


@pytest.mark.documentation
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
