"""Malformed inputs: a sentence and exit code 2 each, and nothing is written."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import matplotlib.font_manager  # noqa: F401 - which writes into the cache when it is first imported
import pytest
from nas_agents.runs.run import RunSpec, run

from nas_gym.cli.app import app
from nas_gym.cli.errors import BAD_INPUT, told
from tests.faults.malformed import checkpoints, command_lines, data_files, run_folders, stores, tables
from tests.faults.malformed.case import Case, Material, good_rows

GROUPS = (command_lines, data_files, run_folders, stores, tables, checkpoints)
CASES = [case for group in GROUPS for case in group.CASES]
SPACE = {"name": "mlp", "max_layers": 2, "widths": [8], "activations": ["relu", "tanh"]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished run of Q-learning on a small table of text, which kept its network."""
    home = tmp_path_factory.mktemp("finished")
    data = home / "data.csv"
    data.write_text(good_rows())
    folder = home / "run"
    env = {
        "search_space": SPACE,
        "task": {"name": "csv", "path": str(data), "target": "kind"},
        "evaluator": {"name": "train", "recipe": {"epochs": 1}},
        "horizon": 4,
        "store": "memory",
    }
    run(RunSpec("q-learning", 4, str(folder), 0, "NAS-v0", env), keep_network=True)
    return folder


@pytest.fixture
def material(tmp_path, monkeypatch, finished) -> Material:
    home, tables = tmp_path / "home", tmp_path / "tables"
    home.mkdir()
    tables.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NAS_GYM_TABLES", str(tables))
    shutil.copytree(finished, home / "run")
    (home / "good.csv").write_text(good_rows())
    return Material(home, home / "run", tables)


def contents(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder, at any depth."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_there_are_200_and_no_two_are_the_same():
    assert len(CASES) >= 200
    assert Counter(case.name for case in CASES).most_common(1)[0][1] == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_input_is_one_sentence_and_nothing_is_written(case: Case, material, capsys):
    case.prepare(material)
    before = contents(material.home.parent)
    code = told(lambda: app(list(case.arguments), standalone_mode=False))
    printed = capsys.readouterr()
    said = printed.err.strip().splitlines()
    assert code == BAD_INPUT, printed
    assert len(said) == 1, printed.err
    assert said[0].startswith("nas-gym: ")
    assert "Traceback" not in printed.out + printed.err
    assert re.search(case.says, said[0]), said[0]
    assert not printed.out.strip()
    assert contents(material.home.parent) == before
