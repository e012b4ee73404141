"""Searches on shared weights and by proxies from the command line: from a search to answers, and errors."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from tests.helpers.supernets import NARROW, RECIPE

CELLS = {"name": "cell", "channels": [4], "operations": ["none", "skip_connect", "nor_conv_3x3"]}
TASK = {"name": "mnist1d", "train_size": 64, "validation_size": 64, "test_size": 64}
OWN = {"name": "tests.helpers.own_space:OwnSpace"}
ALONE = {"name": "train", "recipe": RECIPE}
TRUST = ("--trust", "tests.helpers.own_space")


def nas_gym(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def options(folder, space=CELLS, evaluator=ALONE, task=TASK):
    return [
        *("--search-space", json.dumps(space), "--task", json.dumps(task)),
        *("--evaluator", json.dumps(evaluator)),
        *("--device", "cpu", "--store", "memory", "--logdir", folder / "logs"),
    ]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("nas_gym.evaluators.supernet.cache.folder", lambda: tmp_path / "supernets")


def test_a_network_found_on_shared_weights_answers_for_new_examples(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(*x, "yes" if x[0] > 0 else "no") for x in rng.normal(size=(90, 2)).round(3).tolist()]
    data, new = tmp_path / "data.csv", tmp_path / "new.csv"
    for file, part, columns in ((data, rows, 3), (new, rows[:4], 2)):
        with file.open("w", newline="") as opened:
            csv.writer(opened).writerows([["a", "b", "c"][:columns], *(row[:columns] for row in part)])
    given = options(tmp_path, space=NARROW)
    given[given.index("--task") + 1] = data
    found = nas_gym("search", "--agent", "enas", "--budget", 4, "--target", "c", *given)
    assert found.exit_code == 0
    assert "1 distinct evaluation, and " in found.stdout
    assert " that paid for weights that networks share, in " in found.stdout
    (run,) = (tmp_path / "logs").rglob("best.pt")
    answered = nas_gym("predict", run.parent, new, "--out", tmp_path / "answers.csv")
    assert answered.exit_code == 0
    answers = list(csv.DictReader((tmp_path / "answers.csv").open(newline="")))
    assert len(answers) == 4
    assert all({"yes", "no"} & set(row.values()) for row in answers)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--agent", "drnas", "--budget", 2), "one epoch of the shared weights costs as much as"),
        (("--agent", "enas", "--budget", 1), "leaves nothing to train shared weights for"),
        (("--agent", "darts", "--budget", "30s"), "pass a budget in evaluations alone"),
    ],
)
def test_a_budget_that_pays_for_no_search_is_refused_in_one_sentence(arguments, words, tmp_path):
    refused(nas_gym("search", *arguments, *options(tmp_path)), words, tmp_path)


def test_a_supernet_below_one_epoch_is_refused_in_one_sentence(tmp_path):
    shared = {"name": "supernet", "trainings": 0.2, "recipe": RECIPE}
    found = nas_gym("search", "--agent", "random", "--budget", 4, *options(tmp_path, evaluator=shared))
    refused(found, "0.2 trainings are less than one epoch of the supernet", tmp_path)


@pytest.mark.parametrize("agent", ["random-sharing", "darts"])
def test_a_space_without_places_is_refused_in_one_sentence(agent, tmp_path):
    found = nas_gym("search", "--agent", agent, "--budget", 9, *TRUST, *options(tmp_path, space=OWN))
    refused(found, "has no place|has no mixture", tmp_path)


def test_a_space_without_places_has_no_supernet(tmp_path):
    shared = {"name": "supernet", "trainings": 4, "recipe": RECIPE}
    given = options(tmp_path, space=OWN, evaluator=shared)
    refused(nas_gym("search", "--agent", "random", "--budget", 4, *TRUST, *given), "has no place", tmp_path)


@pytest.mark.parametrize("given", ["warm start", "evaluator"])
def test_a_proxy_of_classes_is_refused_for_a_task_that_has_none(given, tmp_path):
    proxy = {"proxy": "epe_nas"}
    if given == "evaluator":
        what = (options(tmp_path, NARROW, {"name": "proxy"} | proxy, {"name": "diabetes"}), "random")
    else:
        warm = ["--set", f"warm_start={json.dumps(proxy)}"]
        what = (options(tmp_path, NARROW, task={"name": "diabetes"}) + warm, "evolution")
    found = nas_gym("search", "--agent", what[1], "--budget", 4, *what[0])
    refused(found, "'epe_nas' compares examples of one class, and the task 'diabetes' has values", tmp_path)


def refused(found, words, folder):
    assert found.exit_code == 2
    (line,) = found.stderr.strip().splitlines()
    assert any(each in line for each in words.split("|")), line
    assert not list(folder.rglob("result.json"))
