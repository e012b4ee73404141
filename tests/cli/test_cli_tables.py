"""Own tables on the command line: how they are read, and what is said of that."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from nas_gym.cli.task_options import tasks_of
from nas_gym.deploy import load_network
from tests.helpers.commands import QUICK, one_sentence, search


def test_own_data_is_searched_by_the_name_of_its_label_column(cli):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'good' if a > b else 'bad'}" for a, b in rng.random((120, 2))]
    Path("wine.csv").write_text("\n".join(["acid,sugar,quality", *rows]))
    result = search(cli, "--agent", "random", "--task", "wine.csv", "--target", "quality")
    assert result.exit_code == 0
    assert Path("tensorboard_logs/NAS-v0-mlp-wine/random/seed0/best.pt").exists()


def test_what_is_said_of_own_data_is_printed_once_as_a_line(cli):
    rows = [f'{row},"{row % 9},5",{"ab"[row % 2]}' for row in range(60)]
    Path("shop.csv").write_text("\n".join([",price,label", *rows]))
    own = ("--task", "shop.csv", "--target", "label")
    result = search(cli, "--agent", "random", *own)
    assert result.exit_code == 0, result.output
    notes = [line for line in result.stderr.splitlines() if "note:" in line]
    assert len(notes) == 2
    assert notes[0].startswith("nas-gym: note: the first column has no name")
    assert notes[1].startswith("nas-gym: note: column 'price' is read as numbers with a decimal comma")
    assert "Warning" not in result.stderr
    compared = cli(
        "compare",
        "--agents",
        "random,tpe",
        "--seeds",
        "2",
        "--budget",
        "2",
        "--jobs",
        "1",
        "--logdir",
        "both",
        *QUICK,
        *own,
    )
    assert compared.exit_code == 0, compared.output
    assert compared.stderr.count("note: column 'price'") == 1


@pytest.mark.parametrize(
    "name", ["data.csv.gz", "data.tsv", "data.xlsx", "data.npy", "data.parquet", "data.xls"]
)
def test_a_table_of_text_is_read_whatever_its_name_says(cli, name):
    content = "a\tb\ty\n" + "\n".join(f"{row % 7}\t{row % 5}\t{row % 2}" for row in range(60))
    Path(name).write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    assert "cannot be read as" in one_sentence(search(cli, "--agent", "random", "--task", name))
    result = search(cli, "--agent", "random", "--task", name, "--target", "y")
    assert result.exit_code == 0, result.output
    said = f"although it ends in {Path(name).suffix}, and is read as a table of text"
    assert (said in result.stderr) == (name in ("data.xlsx", "data.npy", "data.parquet"))


def test_a_table_in_json_takes_the_target_of_its_option(cli):
    rows = [f"{row % 7}^{row % 5}^{row % 2}" for row in range(60)]
    Path("data.txt").write_text("\n".join(["a^b^y", *rows]))
    task = json.dumps({"name": "csv", "path": "data.txt", "delimiter": "^"})
    assert search(cli, "--agent", "random", "--task", task, "--target", "y").exit_code == 0


def test_a_target_of_many_numbers_is_read_as_values_and_said(cli):
    result = search(cli, "--agent", "random", *homes())
    assert result.exit_code == 0, result.output
    assert "target 'price' is read as values, 90 different numbers: --categorical price" in result.stderr
    assert "test R² " in result.stdout
    classes = search(cli, "--agent", "random", *homes(), "--target-kind", "classes", "--name", "b")
    assert "looks like regression: pass --target-kind values to predict them" in one_sentence(classes)


def test_how_a_table_is_read_and_scored_stands_on_the_command_line(cli):
    rows = [
        f"{row * 7 % 60}^{row % 5}^{'-9' if row % 6 == 1 else row}^x{row % 9}^{'yn'[row % 3 == 0]}"
        for row in range(60)
    ]
    Path("data.txt").write_text("\n".join(["a^room^b^note, old^y", *rows]))
    table = ["--task", "data.txt", "--target", "y", "--delimiter", "^", "--drop", "note, old", "--drop", "a"]
    reading = ["--missing", "-9", "--categorical", "room", "--metric", "macro_f1"]
    result = search(cli, "--agent", "random", *table, *reading)
    assert result.exit_code == 0, result.output
    assert "test macro F1 " in result.stdout
    assert "test accuracy " in result.stdout
    (config,) = Path().rglob("config.json")
    task = json.loads(config.read_text())["env"]["task"]
    assert task["drop"] == ["note, old", "a"]
    assert (task["delimiter"], task["missing"], task["categorical"]) == ("^", ["-9"], ["room"])
    network = load_network(config.parent / "best.pt")
    rooms = [f"room={number}" for number in range(5)]
    assert list(network.feature_names) == [*rooms, "b", "b is missing"]


def test_options_of_reading_take_what_a_task_in_json_does_not_say():
    task = '{"name": "csv", "path": "a.csv", "drop": ["b"]}'
    reading = {"drop": ["a"], "delimiter": ";", "metric": "macro_f1"}
    (asked,) = tasks_of([task], "y", None, reading)
    assert asked == {
        "name": "csv",
        "path": "a.csv",
        "target": "y",
        "drop": ["b"],
        "delimiter": ";",
        "metric": "macro_f1",
    }
    assert tasks_of(["digits"], None, None, {"metric": "macro_f1"}) == [
        {"name": "digits", "metric": "macro_f1"}
    ]


def homes(kind="csv"):
    """A file of 90 homes whose price, a number, follows from their area."""
    area = np.random.default_rng(0).uniform(30, 200, (90, 1))
    if kind == "npz":
        np.savez("homes.npz", x=area, y=2500 * area[:, 0])
        return ["--task", "homes.npz"]
    rows = [f"{value:.2f},{2500 * value:.0f}" for (value,) in area]
    Path("homes.csv").write_text("\n".join(["area,price", *rows]))
    return ["--task", "homes.csv", "--target", "price"]


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_values_of_own_data_are_searched_by_their_r2_and_measured_in_their_units(cli, kind):
    epochs = ["--recipe", '{"epochs": 30}']
    result = search(cli, "--agent", "random", *homes(kind), "--target-kind", "values", *epochs)
    assert result.exit_code == 0, result.output
    (file,) = Path("tensorboard_logs/NAS-v0-mlp-homes").rglob("result.json")
    values = json.loads(file.read_text())
    assert (values["metric"], values["metric_label"], values["classes"]) == ("r2", "R²", None)
    assert (
        f"validation R² {values['validation_score']:.4f}, test R² {values['test_score']:.4f}" in result.stdout
    )
    assert f"always answering {values['constant_answer']['answer']} has a test R² of 0.0" in result.stdout
    rmse = np.mean([each["metrics"]["rmse"] for each in values["final"]])
    assert f"test RMSE {rmse:,.0f}, test MAE " in result.stdout
    assert f"R² that the search saw: {values['score']:.4f} (optimistic)" in result.stdout
    assert "accura" not in result.stdout
    assert "right for" not in result.stdout
    prices = 2500 * np.array([[50.0], [150.0]])
    predicted = load_network(file.parent / "best.pt").predict(prices / 2500)
    assert np.abs(predicted - prices).mean() < np.abs(prices - prices.mean()).mean()


def test_a_target_kind_that_does_not_exist_is_named_with_those_that_do(cli):
    sentence = one_sentence(search(cli, "--agent", "random", *homes(), "--target-kind", "valus"))
    assert "unknown target_kind 'valus': did you mean 'values'?" in sentence


def test_a_table_in_json_takes_the_target_kind_of_its_option_unless_it_has_its_own():
    task = '{"name": "csv", "path": "homes.csv"}'
    (asked,) = tasks_of([task], "price", "values")
    assert asked == {"name": "csv", "path": "homes.csv", "target": "price", "target_kind": "values"}
    (own,) = tasks_of([task[:-1] + ', "target_kind": "classes"}'], "price", "values")
    assert own["target_kind"] == "classes"


@pytest.mark.timeout(300)
def test_a_comparison_on_values_prints_and_reports_r2(cli):
    options = ["--task", "diabetes", "--store", "sqlite:///s.sqlite", "--jobs", "1"]
    result = cli(
        "compare", "--agents", "random,q-learning", "--seeds", "2", "--budget", "2", *QUICK[:2], *options
    )
    assert result.exit_code == 0, result.output
    assert "test R² [95%]" in result.stdout
    assert "test R², val.: of the chosen network" in result.stdout
    report = Path("tensorboard_logs/NAS-v0-mlp-diabetes/comparison.md").read_text()
    assert "**Test R²** is that of the network" in report
    assert "accura" not in result.stdout + report
