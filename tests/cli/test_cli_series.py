"""Series on the command line: from a file to forecasts, reports and other programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from nas_gym import cli, load_network, save_network
from nas_gym.deploy import export_network
from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task


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


def write_load(path: str, steps: int, *, gap: bool = False) -> list[float]:
    """Write a series with a season of 6 around 1,000, and return its values."""
    rng = np.random.default_rng(0)
    time = np.arange(steps)
    values = 1000 + np.sin(time * np.pi / 3) + 0.5 * np.sin(time / 9) + 0.1 * rng.standard_normal(steps)
    with open(path, "w", newline="") as file:
        rows = [[step, f"{value:.4f}"] for step, value in enumerate(values) if not (gap and step == 30)]
        csv.writer(file).writerows([["time", "load"], *rows])
    return values.tolist()


TASK = {"name": "series", "path": "load.csv", "window": 12, "horizon": 3, "season": 6}
SEARCH = ("search", "--agent", "random", "--budget", "2", "--store", "memory", "--search-space")
SPACE = {"name": "forecaster", "max_layers": 2, "widths": [4], "channels": [3], "kernels": [3]}


def test_a_series_is_searched_forecast_and_exported(run):
    values = write_load("load.csv", 240, gap=True)
    code, out, told = run(*SEARCH, json.dumps(SPACE), "--task", json.dumps(TASK))
    assert code == 0, told
    assert "answering the value 6 steps before has a test skill of 0.0000" in out
    assert "'time' makes 1 jump, and no window crosses one" in told
    (file,) = Path("tensorboard_logs").rglob("best.pt")
    code, out, told = run("predict", str(file), "load.csv", "--out", "-")
    assert code == 0, told
    (row,) = csv.DictReader(out.splitlines())
    assert row["last time"] == "239"
    forecasts = [float(row[f"predicted load +{step}"]) for step in (1, 2, 3)]
    assert forecasts == pytest.approx(values[234:237], abs=3)  # in the units of the data
    saved = load_network(file)
    assert saved.predict("load.csv")[0] == pytest.approx(forecasts)
    assert export_network(saved, "python", "code", rows="load.csv").difference <= 1e-5
    write_load("short.csv", 5)
    with pytest.raises(NASGymError, match="a forecast needs the last 12"):
        saved.predict("short.csv")


@pytest.mark.slow
def test_a_report_on_a_series_speaks_of_steps_back_and_of_the_naive_forecast(run):
    write_load("load.csv", 400)
    code, _, told = run(*SEARCH, json.dumps(SPACE), "--task", json.dumps(TASK), "--explain")
    assert code == 0, told
    (report,) = Path("tensorboard_logs").rglob("report.md")
    text = report.read_text()
    assert "answering the value 6 steps before" in text
    assert "the share of the naive forecast's squared error that it avoids" in text
    assert "steps back" in text
    assert "ridge regression" in text
    assert "always answering" not in text


@pytest.mark.slow
def test_a_forecaster_is_written_as_onnx(run):
    write_load("load.csv", 240)
    text = "average-3 > trend-4 > season-4 > causal-3 > generic-4"
    space = SPACE | {"max_layers": 5}
    task = make_task(TASK)
    made = make_search_space(space, task.input_shape, task.outputs, task.facts)
    architecture = made.parse(text)
    save_network("best.pt", made, task, architecture, NetworkModule(made.network(architecture)).eval())
    saved = load_network("best.pt")
    for to, path in (("onnx", "network.onnx"), ("torch", "network.pt2"), ("python", "code")):
        assert export_network(saved, to, path).difference <= 1e-5
