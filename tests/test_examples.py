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
    "predict_values": ({"budget": 15}, "random forest: R² 0.4"),
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
def test_an_example_asks_a_question(path):
    question = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    assert re.match(r"(How|What|Does)\b[^?]*\?", question), question


def test_examples_and_benchmarks_import_faces_only():
    """Files behind a face may move, and these programs are to run all the same."""
    programs = [*FOLDER.glob("*.py"), *FOLDER.parent.glob("benchmarks/*/*.py")]
    assert len(programs) > 20
    inside = re.compile(r"^\s*(?:from|import) (?:nas_gym\.\w+\.\w+|nas_agents\.).*", re.MULTILINE)
    assert {path.name: found for path in programs if (found := inside.findall(path.read_text()))} == {}
