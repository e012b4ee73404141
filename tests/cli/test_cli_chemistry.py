"""Molecules and materials on the command line: from the file to predictions for new ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nas_gym import cli, load_network
from tests.tasks.domains.test_chemistry import molecule_rows, written


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the command line in an empty folder: exit code, output and messages."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        monkeypatch.setattr("sys.argv", ["nas-gym", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return invoke


RECIPE = '{"epochs": 2, "batch_size": 16}'
QUICK = ("--agent", "random", "--budget", "2", "--store", "memory", "--recipe", RECIPE)


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_molecules_from_search_to_predictions_and_onnx(run):
    written(Path("made.csv"), "smiles,value", [*molecule_rows(), ("C1CC", 3)])
    written(Path("new.csv"), "smiles", [("CCO",), ("c1ccccc1CC",)])
    written(Path("wrong.csv"), "smiles", [("CCO",), ("C1CC",)])
    task = '{"name": "molecules", "path": "made.csv", "target": "value", "target_kind": "values"}'
    code, _, told = run("search", "--task", task, "--search-space", "graph", *QUICK)
    assert code == 0, told
    assert "1 with an invalid SMILES" in told
    (best,) = Path().rglob("best.pt")
    code, _, told = run("predict", str(best), "new.csv", "--out", "answers.csv")
    assert code == 0, told
    assert [row["smiles"] for row in rows_of("answers.csv")] == ["CCO", "c1ccccc1CC"]
    code, _, told = run("predict", str(best), "wrong.csv", "--out", "answers.csv")
    assert code != 0
    assert "molecule 2, 'C1CC', has an invalid SMILES" in told
    assert load_network(best).predict(["CCO"]).shape == (1, 1)
    code, _, told = run("export", str(best), "--to", "onnx", "--out", "made.onnx")
    assert code == 0, told


def test_materials_from_search_to_predictions(run):
    metals, others = ("Li", "Na", "K", "Mg", "Ca", "Fe", "Cu", "Zn"), ("O", "S", "Cl", "F", "Br")
    rows = [(f"{one}{other}{count}", count) for one in metals for other in others for count in (1, 2)]
    written(Path("made.csv"), "formula,value", rows)
    written(Path("new.csv"), "id,formula", [("a", "Al2O3"), ("b", "CuSO4·5H2O")])
    task = '{"name": "materials", "path": "made.csv", "target": "value", "target_kind": "values"}'
    space = '{"name": "tabular", "max_layers": 1}'
    code, _, told = run("search", "--task", task, "--search-space", space, *QUICK)
    assert code == 0, told
    (best,) = Path().rglob("best.pt")
    code, _, told = run("predict", str(best), "new.csv", "--out", "answers.csv")
    assert code == 0, told
    assert [row["formula"] for row in rows_of("answers.csv")] == ["Al2O3", "CuSO4·5H2O"]
