"""The commands `predict` and `export`: a saved network in use, and every mistake as one sentence."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.deploy import load_network, save_network
from nas_gym.explain import read_evidence
from nas_gym.explain.sections.usage.section import explain_usage
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.traces import RunFolder


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The folder of a run on flowers.csv, which lies two folders above it."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(0)
    with open(folder / "flowers.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["length", "colour", "kind"])
        for _ in range(90):
            kind = rng.choice(["iris", "rose"])
            length = rng.normal(3 if kind == "iris" else 6)
            writer.writerow([f"{length:.3f}", rng.choice(["red", "white"]), kind])
    command = ["search", "--agent", "random", "--budget", "2", "--recipe", '{"epochs": 20, "batch_size": 8}']
    task = ["--task", str(folder / "flowers.csv"), "--target", "kind"]
    store = ["--store", str(folder / "store.db"), "--logdir", str(folder / "logs")]
    result = CliRunner().invoke(app, [*command, *task, *store], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return next((folder / "logs").rglob("best.pt")).parent


@pytest.fixture
def flowers(searched):
    return next(parent / "flowers.csv" for parent in searched.parents if (parent / "flowers.csv").exists())


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def sentence_of(result):
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr.strip()


def rows_of(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_predictions_stand_beside_the_rows(searched, flowers, tmp_path):
    rows = rows_of(flowers)
    (tmp_path / "new.csv").write_text(
        "id,colour,length\n" + "".join(f"{n},{row['colour']},{row['length']}\n" for n, row in enumerate(rows))
    )
    result = cli("predict", searched, tmp_path / "new.csv")
    assert result.exit_code == 0, result.output
    found = rows_of(tmp_path / "new-predicted.csv")
    assert list(found[0]) == [
        "id", "colour", "length", "predicted kind", "probability iris", "probability rose",
    ]  # fmt: skip
    assert [row["id"] for row in found] == [str(n) for n in range(90)]
    expected = load_network(searched / "best.pt").predict(tmp_path / "new.csv")
    probabilities = [[float(row["probability iris"]), float(row["probability rose"])] for row in found]
    assert np.abs(np.array(probabilities) - expected).max() < 1e-6
    right = np.mean([row["predicted kind"] == truth["kind"] for row, truth in zip(found, rows, strict=True)])
    assert right > 0.8
    counts = {kind: sum(row["predicted kind"] == kind for row in found) for kind in ("iris", "rose")}
    assert "new-predicted.csv: 90 rows, " in result.stdout
    assert all(f"{count} {kind}" in result.stdout for kind, count in counts.items())


def test_predictions_are_written_where_they_are_asked_for(searched, flowers, tmp_path):
    assert cli("predict", searched / "best.pt", flowers, "--out", tmp_path / "a.tsv").exit_code == 0
    printed = cli("predict", searched, flowers, "--out", "-").stdout
    assert rows_of(tmp_path / "a.tsv", "\t") == list(csv.DictReader(printed.splitlines()))
    sentence = sentence_of(cli("predict", searched, flowers, "--out", tmp_path / "a.xlsx"))
    assert "written as .csv or .tsv, not as 'a.xlsx'" in sentence


def test_of_a_folder_every_command_takes_the_network_that_was_trained_on_all_rows(
    searched, flowers, tmp_path
):
    run = Path(shutil.copytree(searched, tmp_path / "run"))
    kept, evidence = load_network(run), read_evidence(run)
    space, task = evidence.search_space, evidence.problem.task
    architecture = space.parse(kept.architecture)
    save_network(run / "network.pt", space, task, architecture, NetworkModule(space.network(architecture)))
    expected = load_network(run / "network.pt").predict(flowers)
    assert not np.allclose(expected, kept.predict(flowers))
    assert np.array_equal(load_network(run).predict(flowers), expected)
    printed = list(csv.DictReader(cli("predict", run, flowers, "--out", "-").stdout.splitlines()))
    assert np.allclose([float(row["probability iris"]) for row in printed], expected[:, 0], atol=1e-6)
    assert cli("export", run, "--to", "python", "--rows", flowers).exit_code == 0
    assert cli("export", run / "best.pt", "--to", "python", "--rows", flowers).exit_code == 0
    assert {"network-python", "best-python"} <= {path.name for path in run.iterdir()}
    assert str(run / "network.pt") in explain_usage(evidence).answer[0]
    RunFolder(run).wipe()  # as a run that begins again, whose network this is not
    assert not list(run.glob("*.pt"))


def test_a_file_of_rows_in_the_place_of_the_network_is_refused_in_a_clear_sentence(flowers):
    sentence = sentence_of(cli("predict", flowers, flowers))
    assert sentence == (
        f"nas-gym: {str(flowers)!r} is no saved network: pass a network.pt or best.pt that nas-gym wrote, or "
        "the folder of a run that holds one"
    )


def test_values_are_predicted_in_their_units(tmp_path):
    task = make_task("diabetes")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    save_network(tmp_path / "b.pt", space, task, architecture, NetworkModule(space.network(architecture)))
    rows = task.x_test[:5].astype(float) * task.scale + task.mean
    np.save(tmp_path / "new.npy", rows)
    result = cli("predict", tmp_path / "b.pt", tmp_path / "new.npy")
    assert result.exit_code == 0, result.output
    found = rows_of(tmp_path / "new-predicted.csv")
    (name,) = task.target.names
    expected = load_network(tmp_path / "b.pt").predict(rows)[:, 0]
    assert np.allclose([float(row[f"predicted {name}"]) for row in found], expected, rtol=1e-8)
    assert f"5 rows, {name} from {expected.min():.6g} to {expected.max():.6g}" in result.stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour\nred\n", "lacks a column that the network was trained on, unknown column 'length'"),
        ("length,colour\n1,green\n", "column 'colour' of new.csv has 'green' in row 1, which is none of its"),
        ("length,colour\nlong,red\n", "column 'length' of new.csv has 'long' in row 1, expected a number"),
        ("length,colour\n,red\n", "column 'length' misses 1 of 1 values"),
        ("length,colour,predicted kind\n1,red,rose\n", "has a column 'predicted kind' already"),
        ("length,colour\n", "new.csv"),
        ("", "new.csv"),
    ],
)
def test_rows_that_cannot_be_answered_are_refused_and_nothing_is_written(searched, tmp_path, text, sentence):
    (tmp_path / "new.csv").write_text(text)
    assert sentence in sentence_of(cli("predict", searched, tmp_path / "new.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_files_that_are_not_there_or_no_network_are_named(searched, tmp_path):
    (tmp_path / "new.csv").write_text("a\n1\n")
    assert "no saved network at" in sentence_of(cli("predict", tmp_path, tmp_path / "new.csv"))
    assert "is no saved network" in sentence_of(cli("predict", tmp_path / "new.csv", tmp_path / "new.csv"))
    assert "there is no file" in sentence_of(cli("predict", searched, tmp_path / "none.csv"))
    assert "no saved network at" in sentence_of(cli("export", tmp_path, "--to", "torch"))
    assert "unknown format 'onxx': did you mean 'onnx'?" in sentence_of(
        cli("export", searched, "--to", "onxx")
    )


def test_an_export_is_checked_with_test_examples_of_the_run(searched, flowers, tmp_path):
    result = cli("export", searched, "--to", "python")
    assert result.exit_code == 0, result.output
    assert (searched / "best-python" / "predict.py").exists()
    assert result.stdout.strip().endswith("; checked with test examples of the run")
    assert "already: name another folder" not in result.output
    assert "is there already" in sentence_of(cli("export", searched, "--to", "python"))
    result = cli("export", searched, "--to", "torch", "--out", tmp_path / "a.pt2", "--rows", flowers)
    assert "answers 90 of them as the saved network does" in result.stdout
    assert result.stdout.strip().endswith("checked with rows of flowers.csv")
    (tmp_path / "alone.pt").write_bytes(Path(searched / "best.pt").read_bytes())
    result = cli("export", tmp_path / "alone.pt", "--to", "torch")
    assert (tmp_path / "alone.pt2").exists()
    assert "checked with examples drawn like those in training" in result.stdout


LIGHT = """
import sys
HEAVY = ("stable_baselines3", "sb3_contrib", "optuna", "tensorboard", "sqlalchemy", "matplotlib", "sklearn",
         "scipy", "pandas", "nas_agents")
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from nas_gym.cli import main
main()
"""


def test_predicting_needs_neither_agents_nor_tensorboard(searched, flowers, tmp_path):
    command = ["predict", str(searched), str(flowers), "--out", str(tmp_path / "light.csv")]
    subprocess.run([sys.executable, "-c", LIGHT, *command], check=True)
    assert cli("predict", searched, flowers, "--out", tmp_path / "usual.csv").exit_code == 0
    assert (tmp_path / "light.csv").read_text() == (tmp_path / "usual.csv").read_text()


def test_a_saved_network_says_where_it_comes_from(searched):
    about = load_network(searched / "best.pt").about
    assert set(about["versions"]) == {"nas-gym", "torch", "numpy"}
    assert (about["task"]["target"], about["metric"]) == ("kind", "accuracy")
    assert about["evaluator"]["recipe"]["epochs"] == 20
    assert (
        0 <= about["on_new_examples"]["low"] <= about["test_score"] <= about["on_new_examples"]["high"] <= 1
    )
