"""Every example runs and shows what it is about."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
PROGRAMS = sorted([*FOLDER.glob("*.py"), *FOLDER.parent.glob("benchmarks/*/*.py")])
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
    assert names == {*EXAMPLES, "q_learning_small", "offline_policy"}  # which have tests of their own


INSIDE = {
    "store": "nas_gym.evaluators.store.",
    "chemistry": "nas_gym.tasks.",
    "pretrained": "nas_agents.pretrained.",
    "pretrained_landscapes": "nas_agents.pretrained.",
}
"""Programs that look behind a face: one fills a database by the shortest way that it has, one gives the
molecules of a task to methods that read no graphs, and two exchange what a policy reads."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    options, shown = EXAMPLES[name]
    importlib.import_module(name).main(store="memory", **options)
    assert shown in capsys.readouterr().out


def test_a_policy_that_is_learned_offline_beats_random_search(monkeypatch, tmp_path, capsys):
    for package in ("minari", "h5py"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    importlib.import_module("offline_policy").main(
        steps=2000, updates=300, evaluations=20, seeds=50, tasks=("mnist1d",)
    )
    (lower,) = re.findall(r"CQL .* above random search by \S+ \[(\S+),", capsys.readouterr().out)
    assert float(lower) > 0


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_asks_a_question(path):
    question = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    assert re.match(r"(How|What|Does)\b[^?]*\?", question), question


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_examples_and_benchmarks_import_what_faces_show(path):
    """Files behind a face may move, and these programs are to run all the same."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
        for module in modules:
            room = re.fullmatch(r"nas_agents|nas_gym(\.\w+)?", module)
            inside = module.partition(".")[0] in ("nas_agents", "nas_gym") and not room
            assert not inside or module.startswith(INSIDE.get(path.stem, " ")), module
            if room and isinstance(node, ast.ImportFrom):
                face = importlib.import_module(module)
                assert [name for name in names if not hasattr(face, name)] == []
