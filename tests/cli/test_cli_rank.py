"""The command ``nas-gym rank``."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.evaluators import ProxyMeter
from nas_gym.explain import rank_scores
from nas_gym.tables import load_table
from nas_gym.tasks import make_task
from tests.helpers.data.tables import fake_table


def rank(*arguments):
    result = CliRunner().invoke(app, ["rank", *map(str, arguments)], catch_exceptions=False)
    if result.exit_code:
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
    return result


def test_it_prints_and_writes_the_same_numbers(tmp_path):
    arguments = (
        "mlp-mnist1d",
        "--scores",
        "synflow,az_nas",
        "--networks",
        30,
        "--seeds",
        2,
        "--fidelities",
        2,
    )
    files = ("--json", tmp_path / "found.json", "--csv", tmp_path / "found.csv", "--device", "cpu")
    result = rank(*arguments, *files)
    found = json.loads((tmp_path / "found.json").read_text())
    rows = found["rows"]
    assert [row["score"] for row in rows] == [
        "params",
        "flops",
        "training for 2 of 15 epochs",
        "synflow",
        "az_nas",
    ]
    written = list(csv.DictReader((tmp_path / "found.csv").open()))
    assert [row["tau"] for row in written] == [str(row["tau"]) for row in rows]
    assert [row["intervals_over"] for row in rows] == ["networks", "networks", "seeds", "seeds", "seeds"]
    for row in rows:
        assert f"{row['tau']:.2f}±" in result.stdout
    assert [row["cost"] for row in rows] == [None, None, 2 / 15, None, None]
    assert "13.3%" in result.stdout
    assert "30 of 4,680 networks of mlp-mnist1d, ranked by validation accuracy" in result.stdout


def test_its_numbers_are_those_of_the_table_and_of_the_proxy():
    table, task = load_table("mlp", "mnist1d"), make_task("mnist1d")
    found = rank_scores(
        table, task, ["synflow"], networks=40, seeds=(3,), draw=7, fidelities=[1], device="cpu"
    )
    rows = np.sort(np.random.default_rng(7).choice(table.size, 40, replace=False))
    architectures = [table.search_space.architecture(int(row)) for row in rows]
    values = ProxyMeter(table.search_space, task, "cpu").pool(architectures, ["synflow"], 3).values["synflow"]
    worth = table.validation[-1, rows].mean(axis=1)
    taus = {row.score: row.quality["tau"].value for row in found.rows}
    assert taus["synflow"] == pytest.approx(stats.kendalltau(values, worth).statistic)
    assert taus["params"] == pytest.approx(stats.kendalltau(table.parameters[rows], worth).statistic)
    by_seed = [stats.kendalltau(table.validation[0, rows, seed], worth).statistic for seed in range(3)]
    assert taus["training for 1 of 15 epochs"] == pytest.approx(np.mean(by_seed))
    # What else is measured changes nothing.
    with_others = rank_scores(
        table, task, ["snip", "synflow"], networks=40, seeds=(3,), draw=7, fidelities=[], device="cpu"
    )
    assert with_others.values["synflow"].tolist() == found.values["synflow"].tolist()


def test_a_supernet_stands_beside_one_that_was_trained_on_shuffled_labels(tmp_path, monkeypatch):
    monkeypatch.setattr("nas_gym.evaluators.supernet.cache.folder", lambda: tmp_path)
    spec = json.dumps([{"name": "supernet", "trainings": 0.2}])
    result = rank(
        "mlp-mnist1d",
        "--scores",
        spec,
        "--networks",
        20,
        "--seeds",
        1,
        "--store",
        "memory",
        "--json",
        tmp_path / "r",
    )
    rows = json.loads((tmp_path / "r").read_text())["rows"]
    labels = [row["score"] for row in rows if row["kind"] == "evaluator"]
    assert labels == ["supernet (trainings 0.2)", "supernet (trainings 0.2), shuffled labels"]
    assert [row["cost"] for row in rows if row["kind"] == "evaluator"] == [0.2 / 4680] * 2
    assert "shuffled" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mlp-mnist1d", "--scores", "synfow"), "unknown score 'synfow': did you mean 'synflow'"),
        (("mlp-mnist1d", "--networks", "3"), "networks must be from 20 to the 4,680"),
        (("mlp-mnist1d", "--fidelities", "1,x"), "--fidelities must be whole numbers"),
        (("mlp-mnist1d", "--fidelities", "99", "--scores", "params"), "has no fidelity 99"),
        (("mlp-mnist1d", "--task", "digits", "--scores", "snip"), "pass the task that it was recorded on"),
        (("nothing-mnist1d",), "unknown table benchmark 'nothing'"),
        (("mlp-mnist1d", "--scores", '[{"name": "proxy", "proxy": "az_nas"}]'), "no score by it"),
        (("mlp-mnist1d", "--scores", '[{"name": "surrogate", "agent": "ppo"}]'), "the model of an agent"),
        (("mlp-mnist1d", "--scores", "surrogate", "--networks", "0"), "compare at most 4,620 networks"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words):
    result = rank(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_table_that_does_not_know_its_data_needs_the_task():
    table = fake_table()
    found = rank_scores(table, None, [], networks=None, seeds=(0,))
    assert [row.kind for row in found.rows] == ["size", "size", "training", "training"]
    with pytest.raises(ValueError, match="pass --task with a name, JSON or a path"):
        rank_scores(table, None, ["synflow"], networks=None)
