"""A search on texts from the command line to an exported network."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app

SMALL = {"name": "language_id", "train_size": 200, "validation_size": 200, "test_size": 200}
SPACE = {"name": "transformer", "max_layers": 2}
QUICK = ["--search-space", json.dumps(SPACE), "--recipe", '{"epochs": 2}', "--store", "memory"]


@pytest.mark.slow
def test_a_search_on_texts_is_explained_predicts_and_is_exported(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    printed = invoke(
        "search", "--task", json.dumps(SMALL), "--agent", "random", "--budget", 2, *QUICK, "--out", "."
    )
    assert "of 200 test examples" in printed
    (run,) = tmp_path.glob("*/random/seed0")
    (tmp_path / "new.txt").write_text("polska\nsuomi\n", "utf-8")
    answers = invoke("predict", run, "new.txt", "--out", "-").splitlines()
    assert answers[0].startswith("name,predicted,probability Czech")
    assert [line.split(",")[0] for line in answers[1:]] == ["polska", "suomi"]
    assert "as the saved network does" in invoke("export", run, "--to", "onnx")
    invoke("explain", run, "--budget", 0)
    report = (run / "report.html").read_text("utf-8")
    assert "Validation examples, letter by letter" in report
    assert "Of the tokens it uses" in report
