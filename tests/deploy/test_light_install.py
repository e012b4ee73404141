"""Predicting and exporting need the few packages that docs name, and nothing else that searching needs."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib

import numpy as np
import pytest
from packaging.requirements import Requirement

from nas_gym.deploy import load_network, save_network
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task, unsaid
from tests.helpers.light_install import ROOT, install, run

PAGE = (ROOT / "docs" / "own_data.md").read_text()
PREDICTING = re.search(r"pip install --no-deps nas-gym\npip install ([a-z0-9 -]+)\n", PAGE)[1].split()
ONNX = re.search(r"for ONNX also `pip install ([a-z0-9 -]+)`", PAGE)[1].split()
SPACES = {"table": "tabular", "digits": "conv", "language_id": "transformer"}
PROGRAM = """
import json, sys
import nas_gym
from nas_gym.cli import main

asked = json.loads(sys.argv[1])
print(json.dumps([nas_gym.load_network(f"{name}.pt").predict(rows).tolist() for name, rows in asked]))
for arguments in json.loads(sys.argv[2]):
    sys.argv[:] = ["nas-gym", *arguments]
    try:
        main()
    except SystemExit as over:
        print("exit", over.code or 0)
"""


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A folder with untrained networks, and rows for each."""
    folder = tmp_path_factory.mktemp("networks")
    rows = [
        f"{number % 7 or ''},{('red', 'blue')[number % 2]},{'no' if number % 3 else 'yes'}"
        for number in range(40)
    ]
    (folder / "table.csv").write_text("\n".join(["size,colour,sold", *rows]) + "\n")
    table = {"name": "csv", "path": str(folder / "table.csv"), "target": "sold", "categorical": ["colour"]}
    for name, space in SPACES.items():
        with unsaid():
            task = make_task(table if name == "table" else name)
        built = make_search_space(space, task.input_shape, task.outputs, task.facts)
        module = NetworkModule(built.network(built.smallest())).eval()
        save_network(folder / f"{name}.pt", built, task, built.smallest(), module)
        np.save(folder / f"{name}.npy", task.x_test[:3] * task.scale + task.mean)
    return folder


def done(site, folder, asked, commands):
    made = run(site, ["-c", PROGRAM, json.dumps(asked), json.dumps(commands)], folder)
    assert made.returncode == 0, made.stderr
    answers, *lines = made.stdout.splitlines()
    return json.loads(answers), lines, made.stderr


def test_predicting_needs_no_more_packages_than_docs_name(networks, tmp_path):
    install(tmp_path / "site", PREDICTING)
    asked = [("table", "table.csv"), *((name, f"{name}.npy") for name in SPACES if name != "table")]
    commands = [
        ["predict", "table.pt", "table.csv", "--out", str(tmp_path / "answers.csv")],
        ["export", "table.pt", "--to", "python", "--out", str(tmp_path / "code")],
        ["search", "--agent", "random", "--budget", "1"],
    ]
    answers, lines, errors = done(tmp_path / "site", networks, asked, commands)
    for (name, rows), answer in zip(asked, answers, strict=True):
        expected = load_network(networks / f"{name}.pt").predict(str(networks / rows))
        assert np.abs(np.array(answer) - expected).max() < 1e-6
    assert [line for line in lines if line.startswith("exit")] == ["exit 0", "exit 0", "exit 2"]
    assert "needs gymnasium, which an install for predicting alone lacks: pip install nas-gym" in errors


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnx is not installed")
def test_exporting_to_onnx_needs_no_more_packages_than_docs_name(networks, tmp_path):
    install(tmp_path / "site", [*PREDICTING, *ONNX])
    command = ["export", "table.pt", "--to", "onnx", "--out", str(tmp_path / "table.onnx")]
    _, lines, _ = done(tmp_path / "site", networks, [], [command])
    assert lines[-1] == "exit 0"
    assert "answers 64 of them as the saved network does" in lines[0]


def test_the_packages_that_docs_name_are_required_by_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {Requirement(one).name for one in project["dependencies"]}
    assert set(PREDICTING) <= required
    assert set(ONNX) == {Requirement(one).name for one in project["optional-dependencies"]["onnx"]}
