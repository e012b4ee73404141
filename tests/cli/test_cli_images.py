"""Images and generated tables from the command line: search, report, predict, export."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.deploy import load_network
from nas_gym.tasks import make_task

SIZES = {"train_size": 60, "validation_size": 40, "test_size": 40}
MACRO = {"name": "macro", "channels": 2, "head": 4, "blocks": ["identity", "mb3_k3_se"]}
CASES = {
    "images": ({"name": "scene_digits", "side": 12, **SIZES}, MACRO),
    "tables": ({"name": "friedman", **SIZES}, {"name": "mlp"}),
}


def cli(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_search_report_predict_and_export(case, tmp_path):
    spec, space = CASES[case]
    options = ("--agent", "random", "--budget", 3, "--recipe", '{"epochs": 2}', "--store", tmp_path / "s.db")
    where = ("--logdir", tmp_path / "logs", "--device", "cpu")
    cli("search", "--task", json.dumps(spec), "--search-space", json.dumps(space), *options, *where)
    folder = next((tmp_path / "logs").rglob("best.pt")).parent
    cli("explain", folder)
    assert list(folder.rglob("*.html"))

    task = make_task(spec)
    raw = task.x_test * task.scale + task.mean
    np.save(tmp_path / "new.npy", raw)
    cli("predict", folder, tmp_path / "new.npy")
    with open(tmp_path / "new-predicted.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    saved = load_network(folder / "best.pt")
    if case == "tables":
        found = np.array([float(row["predicted y"]) for row in rows])
        np.testing.assert_allclose(found, saved.predict(raw)[:, 0], rtol=1e-5)
    for form, out in (("onnx", tmp_path / "net.onnx"), ("python", tmp_path / "code")):
        assert "differ" in cli("export", folder, "--to", form, "--out", out)
        assert out.exists()
