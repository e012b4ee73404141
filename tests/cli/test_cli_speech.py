"""Spoken words on the command line: from a search to a report, to predictions and to another format."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from nas_gym import load_network
from tests.cli.test_cli_own_data import run  # noqa: F401 - a fixture
from tests.tasks.test_media import sound

SMALL = {"words": ["yes", "no"], "accents": ["en-US"], "train_size": 120, "validation_size": 40}
SPACE = '{"name": "asr_cell", "channels": [8]}'


def searched(run, more=(), **options):  # noqa: F811
    """The path of the network that a search of two architectures chooses."""
    task = json.dumps({"name": "spoken_words", "test_size": 40, **SMALL, **options})
    quick = ("--recipe", '{"epochs": 2}', "--store", "memory", "--budget", "2", "--search-space", SPACE)
    code, out, told = run("search", "--agent", "random", "--task", task, *quick, *more)
    assert code == 0, told
    assert "right for" in out
    (path,) = Path().rglob("best.pt")
    return path


@pytest.mark.slow
def test_a_network_of_samples_is_searched_and_answers_for_recordings_in_any_format(run):  # noqa: F811
    path = searched(run, features="samples")
    nodes = load_network(path).module.network.nodes
    assert nodes[1].operation.name == "log_mel"
    time = np.arange(11_025) / 22_050
    sound(Path("new") / "tone.wav", 0.3 * np.sin(2 * np.pi * 500 * time), 22_050)
    code, _, told = run("predict", str(path), "new", "--out", "answers.csv")
    assert code == 0, told
    with open("answers.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == "tone.wav"
    assert row["predicted"] in ("yes", "no")
    code, _, told = run("export", str(path), "--to", "onnx", "--out", "words.onnx")
    assert code == 0, told
    assert Path("words.onnx").stat().st_size > 10_000


@pytest.mark.slow
def test_the_report_says_when_and_in_which_frequencies_the_network_listens(run):  # noqa: F811
    path = searched(run, ("--explain",))
    report = next(path.parent.rglob("report.html")).read_text("utf-8")
    assert "Of a recording of 0.80 seconds it listens most from" in report
    assert "When and in which frequencies the network listens" in report
