"""Every example runs and shows what it is about."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
# Of each example smaller arguments than its own, and a part of what it then prints.
EXAMPLES = {
    "own_agent": ({"budget": 5}, "own_agent:GreedyWalk"),
    "own_data": ({}, "test accuracy of three fresh trainings: [0."),
    "own_search_space": ({}, "wide="),
    "plain_stable_baselines3": ({"steps": 40}, "networks were trained in 40 steps"),
    "random_agent": ({}, "best of the episode: 0."),
}


def test_every_example_is_run():
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == {*EXAMPLES, "q_learning_small"}  # which has tests of its own


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    options, shown = EXAMPLES[name]
    importlib.import_module(name).main(store="memory", **options)
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_asks_a_question_and_uses_faces_only(path):
    text = path.read_text()
    question = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    assert re.match(r"(How|What|Does)\b[^?]*\?", question), question
    assert not re.findall(r"^(?:from|import) nas_gym\.\w+\.\w+.*", text, re.MULTILINE)
