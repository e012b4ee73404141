"""Own data on the command line: splits, folders and several labels, from the file to predictions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nas_gym import cli, load_network
from nas_gym.cli.task_options import tasks_of
from nas_gym.errors import NASGymError
from tests.tasks.test_media import folder_of, sound


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


QUICK = ("--minutes", "0.3", "--budget", "2", "--store", "memory", "--no-report", "--out", "run")


@pytest.mark.slow
def test_a_folder_of_sounds_from_fit_to_predictions(run):
    rng = np.random.default_rng(0)
    for number in range(24):
        time = np.arange(160 + 4 * number) / 8000
        pitch = 400 if number % 2 else 1600
        sound(
            Path("sounds") / ("low" if number % 2 else "high") / f"{number:02}.wav",
            np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6)) * rng.uniform(0.5, 0.9),
        )
    code, out, told = run("fit", "sounds", "--length", "100", "--rate", "4000", *QUICK)
    assert code == 0, told
    assert "signal: the search space conv" in out
    assert "signals of 8,000 points a second are resampled to 4,000" in told
    saved = load_network("run/network.pt")
    assert saved.files.config() == {"kind": "signal", "channels": 1, "length": 100, "rate": 4000}
    code, _, told = run("predict", "run/network.pt", "sounds", "--out", "answers.csv")
    assert code == 0, told
    with open("answers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "predicted", "probability high", "probability low"]
    assert len(rows) == 24
    assert run("export", "run/network.pt", "--to", "torch", "--out", "n.pt2", "--rows", "sounds")[0] == 0


def test_groups_and_labels_from_fit_to_predictions(run):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2)).round(3)
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(
        patient=np.arange(90) % 15, sick=(x[:, 0] > 0).astype(int), old=np.where(x[:, 1] > 0.3, "yes", "no")
    )
    frame.to_csv("people.csv", index=False)
    code, out, told = run("fit", "people.csv", "--target", "sick,old", "--group", "patient", *QUICK)
    assert code == 0, told
    assert "are read as labels" in told
    assert "by column 'patient', whose groups stay together" in told
    assert "test macro F1" in out
    assert "groups stay together" in load_network("run/network.pt").about["split"]
    frame[["a", "b"]].to_csv("new.csv", index=False)
    code, out, _ = run("predict", "run/network.pt", "new.csv", "--out", "-")
    assert code == 0
    assert out.splitlines()[0] == "a,b,predicted sick,probability sick,predicted old,probability old"


def test_options_go_to_the_tasks_that_take_them(tmp_path):
    folder_of(tmp_path / "pets")
    (tmp_path / "wine.csv").write_text("acid,quality\n1,good\n2,bad\n")
    reading = {"split": "part", "size": "16", "metric": "macro_f1"}
    texts = ["digits", str(tmp_path / "pets"), str(tmp_path / "wine.csv")]
    digits, pets, wine = tasks_of(texts, "quality", None, reading)
    assert digits == {"name": "digits", "metric": "macro_f1"}
    assert pets == {"name": "folder", "path": texts[1], "target": "quality", **reading}
    assert wine == {
        "name": "csv",
        "path": texts[2],
        "target": "quality",
        "split": "part",
        "metric": "macro_f1",
    }
    with pytest.raises(NASGymError, match="--label-separator says how data in a file is read and"):
        tasks_of(["digits"], None, None, {"label_separator": "|"})
    with pytest.raises(NASGymError, match="--size says how data in a file is read and"):
        tasks_of([texts[2]], "quality", None, {"size": "16"})


def test_a_folder_as_a_task_of_a_search_needs_no_target(run):
    folder_of(Path("pets"), each=10)
    options = ("--agent", "random", "--budget", "2", "--recipe", '{"epochs": 1}', "--store", "memory")
    code, _, told = run("search", "--task", "pets", "--search-space", "conv", "--size", "8", *options)
    assert code == 0, told
    code, _, told = run("search", "--task", "pets", "--colour", "blue", *options)
    assert code == 2
    assert "unknown colour 'blue'" in told
