"""``nas-gym explain``: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from tests.helpers.explain.runs import SPACE, recorded, walked


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs on the same landscape and one in another space."""
    folder = tmp_path_factory.mktemp("runs")
    recorded(folder / "q-learning" / "seed0")
    recorded(folder / "random" / "seed0", "random")
    walked(folder / "other", 4, search_space=SPACE | {"widths": [16]})
    return folder


def explain(*arguments):
    return CliRunner().invoke(
        app, ["explain", "--store", "memory", *map(str, arguments)], catch_exceptions=False
    )


def one_sentence(result):
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("nas-gym: ")
    return line


def test_a_run_is_explained_whole(runs):
    folder = runs / "q-learning" / "seed0"
    result = explain(folder)
    assert result.exit_code == 0
    assert f"report: {folder / 'report.html'}" in result.stdout
    values = json.loads((folder / "explanation.json").read_text())
    answered = {key for key, section in values["sections"].items() if not section["withheld"]}
    # A function trains no network, so there is none whose inputs could be explained.
    assert answered >= {"summary", "choices", "edits", "alternatives", "policy", "moments", "attention"}
    assert (folder / "report.html").stat().st_size < 3_000_000


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_a_policy_is_explained_without_it(runs):
    folder = runs / "random" / "seed0"
    result = explain(folder, "--out", runs / "elsewhere")
    assert result.exit_code == 0
    # That an agent without a policy has learned none is not something unknown.
    assert "What did the agent learn?" not in result.stdout
    values = json.loads((runs / "elsewhere" / "explanation.json").read_text())
    assert values["sections"]["policy"]["withheld"]
    assert values["sections"]["choices"]["answer"]
    assert not (folder / "report.html").exists()


@pytest.mark.usefixtures("undrawn")
def test_two_runs_are_compared(runs):
    result = explain(runs / "q-learning" / "seed0", runs / "random" / "seed0", "--out", runs / "compared")
    assert result.exit_code == 0
    written = {path.name for path in (runs / "compared").iterdir()}
    assert written == {f"comparison-of-policies{end}" for end in (".html", ".md", ".json", "_figures")}


@pytest.mark.parametrize("function", ["depth_and_relus", "always_fails"])
def test_a_run_of_one_step_has_an_honest_short_report(tmp_path, function):
    result = explain(walked(tmp_path / "run", 1, function=function))
    assert result.exit_code == 0
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_cut_trace_is_explained_and_a_damaged_one_is_refused(tmp_path):
    folder = walked(tmp_path / "run", 10, finished=False)
    trace = folder / "trace.jsonl"
    lines = trace.read_text().splitlines(keepends=True)
    trace.write_text("".join(lines[:-1]) + lines[-1][:50])
    assert explain(folder).exit_code == 0
    trace.write_text("".join(lines[:3]) + lines[3][:50] + "\n" + "".join(lines[4:]))
    assert "is damaged" in one_sentence(explain(folder))


@pytest.mark.usefixtures("undrawn")
def test_a_damaged_snapshot_withholds_what_needs_it(runs, tmp_path):
    folder = Path(shutil.copytree(runs / "q-learning" / "seed0", tmp_path / "run"))
    for file in (folder / "policy").iterdir():
        file.write_bytes(b"x" * 20)
    result = explain(folder)
    assert result.exit_code == 0
    answers = json.loads((folder / "explanation.json").read_text())["sections"]
    assert "is damaged" in answers["policy"]["answer"][0]
    assert not answers["choices"]["withheld"]


def test_a_run_of_an_environment_that_is_not_registered_is_refused(runs, tmp_path):
    folder = Path(shutil.copytree(runs / "q-learning" / "seed0", tmp_path / "run"))
    config = json.loads((folder / "config.json").read_text()) | {"env_id": "Nowhere-v0"}
    (folder / "config.json").write_text(json.dumps(config))
    assert "Nowhere-v0, is not registered here" in one_sentence(explain(folder))


def test_bad_input_is_refused_in_a_sentence(runs, tmp_path):
    run = runs / "q-learning" / "seed0"
    assert "holds no run" in one_sentence(explain(tmp_path))
    assert "holds no run" in one_sentence(explain(tmp_path / "gone"))
    assert "of different search spaces" in one_sentence(explain(run, runs / "other"))
    assert "both folders are the run" in one_sentence(explain(run, run))
    assert "--budget must be 0 or more" in one_sentence(explain(run, "--budget", "-1"))
    assert "at least 1" in one_sentence(explain(run, "--every", "0"))
    assert "not two" in one_sentence(explain(run, run, "--every", "3"))
    assert "leave --out away" in one_sentence(explain(run, "--every", "3", "--out", tmp_path))
    file = tmp_path / "file"
    file.write_text("")
    assert "is a file" in one_sentence(explain(run, "--out", file))


def test_help_has_an_example():
    result = explain("--help")
    assert result.exit_code == 0
    assert "nas-gym explain tensorboard_logs" in " ".join(result.stdout.split())


@pytest.mark.usefixtures("undrawn")
def test_a_search_explains_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = ["--recipe", '{"epochs": 1}', "--task", "breast_cancer", "--store", "memory", "--horizon", "4"]
    space = [
        "--search-space",
        '{"name": "mlp", "max_layers": 2, "widths": [16], "activations": ["relu", "tanh"]}',
    ]
    result = CliRunner().invoke(
        app, ["search", "--agent", "q-learning", "--budget", "4", "--explain", *quick, *space]
    )
    assert result.exit_code == 0
    folder = Path("tensorboard_logs/NAS-v0-mlp-breast_cancer/q-learning/seed0")
    assert f"report: {folder / 'report.html'}" in result.stdout
    assert (folder / "report.html").exists()
