"""On images and signals a fit searches convolutions and perceptrons, and validation decides between them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import nas_gym
from nas_gym.errors import NASGymError, StoreError
from nas_gym.estimators import NASRegressor, plan_for
from nas_gym.explain import read_evidence
from nas_gym.explain.evidence.together import read_together, run_folders
from nas_gym.explain.sections.summary.section import summarise
from nas_gym.tasks import Task

QUICK = {
    "budget": 6,
    "minutes": 10,
    "recipe": {"epochs": 10, "batch_size": 32},
    "folds": 1,
    "store": "memory",
    "report": False,
}


def sums(n=240, length=8):
    """Return noise whose class is a weighted sum of all of it: a linear model is the right answer."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 1, length))
    return x, (x[:, 0] @ rng.normal(size=length) > 0).astype(int)


def bumps(n=240, length=20):
    """Return noise with a bump up and down, or down and up, anywhere: a convolution is the right answer."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 0.3, size=(n, 1, length)), np.arange(n) % 2
    for row, at in enumerate(rng.integers(0, length - 4, n)):
        x[row, 0, at : at + 4] += np.array([2, 2, -2, -2]) * (1 if y[row] else -1)
    return x, y


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    place, told = tmp_path_factory.mktemp("fit"), []
    np.savez(place / "sums.npz", x=sums()[0], y=sums()[1])
    found = nas_gym.fit(place / "sums.npz", folder=place / "run", on_progress=told.append, **QUICK)
    return found, place / "run", told


def test_where_a_linear_model_is_right_a_perceptron_is_chosen(linear):
    found, _, _ = linear
    assert found.network_.search_space.name == "tabular"
    assert found.test_score_ > 0.85
    assert found.reasons_[1].startswith(
        "signal: the search spaces conv (convolutions) and, for 3 networks of "
    )
    (said,) = [one for one in found.reasons_ if "were both searched" in one]
    assert said.startswith("perceptrons and convolutions were both searched: the best perceptrons reach 0.")


def test_where_patterns_are_local_convolutions_are_chosen(tmp_path):
    found = nas_gym.fit(*bumps(), folder=tmp_path / "run", ensemble=2, **QUICK)
    assert not any("plain" in text for text in found.network_.members)
    assert found.network_.search_space.name == "conv"
    assert found.network_.about["evaluator"]["name"] == "train"
    assert found.test_score_ > 0.85
    assert any("convolutions were chosen" in one for one in found.reasons_)


def test_the_chosen_run_lies_in_the_folder_and_the_other_below_it(linear):
    found, folder, _ = linear
    result = json.loads((folder / "result.json").read_text())
    other = json.loads((folder / "convolutions" / "result.json").read_text())
    assert {"network.pt", "trace.jsonl", "best.pt"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "perceptrons").exists()
    assert result["architecture"] == found.architecture_
    assert (len(result["evaluations"]), len(other["evaluations"])) == (3, 3)
    kinds = result["kinds"]
    assert kinds["chosen"] == "perceptrons"
    assert kinds["scores"]["perceptrons"] > kinds["scores"]["convolutions"]
    assert result["finalists"][0]["seeds"] == other["finalists"][0]["seeds"]


def test_what_was_not_chosen_is_a_part_of_the_fit_and_no_run_beside_it(linear):
    _, folder, _ = linear
    assert [one.path for one in run_folders(folder.parent)] == [folder]
    assert read_together(folder.parent).evaluations == 3


def test_the_report_says_in_a_sentence_what_both_reach(linear):
    _, folder, _ = linear
    answer = " ".join(summarise(read_evidence(folder), []).answer)
    assert "Perceptrons and convolutions were both searched: the best perceptrons reach 0." in answer


def test_the_progress_of_both_searches_is_one(linear):
    _, _, told = linear
    assert told[-1].evaluations == 6
    for name in ("evaluations", "clock", "seconds"):
        values = [getattr(one, name) for one in told]
        assert values == sorted(values)
    best = [one.best for one in told if one.best is not None]
    assert best == sorted(best)


def test_a_finished_fit_is_not_repeated_and_another_is_refused(linear):
    found, folder, _ = linear
    file = folder.parent / "sums.npz"
    again = nas_gym.fit(file, folder=folder, **QUICK)
    assert again.architecture_ == found.architecture_
    assert again.reasons_ == found.reasons_
    assert np.array_equal(again.predict_proba(sums()[0]), found.predict_proba(sums()[0]))
    with pytest.raises(StoreError, match="holds a run of another config"):
        nas_gym.fit(file, folder=folder, **QUICK | {"budget": 7})


def test_the_progress_counts_a_search_that_was_finished_already(linear, tmp_path):
    _, folder, _ = linear
    shutil.copytree(folder, tmp_path / "run")
    (tmp_path / "run" / "convolutions" / "result.json").unlink()
    told = []
    nas_gym.fit(folder.parent / "sums.npz", folder=tmp_path / "run", on_progress=told.append, **QUICK)
    assert told[-1].evaluations == 6
    assert all(one.evaluations >= 3 and one.seconds > 0 and one.best is not None for one in told)


def test_a_folder_of_something_else_is_refused_and_left_as_it_is(tmp_path):
    mine = tmp_path / "out" / "outcome" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(StoreError, match=r"holds outcome but no config\.json, so it is no run"):
        nas_gym.fit(*bumps(), folder=tmp_path / "out", **QUICK)
    assert [path.name for path in mine.parent.parent.iterdir()] == ["outcome"]
    assert mine.read_text() == "mine"


def test_where_every_training_fails_an_ensemble_is_refused_in_a_sentence(tmp_path):
    failing = {"epochs": 2, "max_parameters": 1}
    with pytest.raises(NASGymError, match="raise max_parameters"):
        nas_gym.fit(*bumps(), folder=tmp_path / "run", ensemble=2, **QUICK | {"recipe": failing})


def test_a_fit_that_ends_by_its_budget_is_repeated_exactly(linear, tmp_path):
    found, folder, _ = linear
    other = nas_gym.fit(folder.parent / "sums.npz", folder=tmp_path / "run", **QUICK)
    assert other.reasons_ == found.reasons_
    assert other.architecture_ == found.architecture_
    assert np.array_equal(other.predict_proba(sums()[0]), found.predict_proba(sums()[0]))


def test_an_ensemble_of_both_kinds_is_one_file(tmp_path):
    x, y = sums()
    way = np.repeat([1.0, -1.0], 4)
    x = 0.5 * x + 0.3 * np.where(y == 1, 1, -1)[:, None, None] * way  # which both kinds answer
    found = nas_gym.fit(x, y, folder=tmp_path / "run", ensemble=4, **QUICK)
    assert ["plain" in text for text in found.network_.members] == [True, False] * 2
    assert found.test_score_ > 0.9
    evaluators = found.network_.about["evaluator"]
    assert [one["name"] for one in evaluators] == ["train"] * 4
    found.save(tmp_path / "network.pt")
    loaded = nas_gym.load_network(tmp_path / "network.pt")
    assert np.array_equal(loaded.predict(x), found.predict_proba(x))


def test_an_estimator_of_values_searches_both_kinds():
    x, _ = sums(100)
    options = {name: QUICK[name] for name in ("budget", "minutes")} | {"recipe": {"epochs": 2}}
    found = NASRegressor(**options).fit(x, x[:, 0].sum(axis=1))
    assert any("were both searched" in one for one in found.reasons_)
    assert found.predict(x).shape == (100,)


def test_the_plan_shares_the_time_and_the_budget():
    rng = np.random.default_rng(0)
    task = Task.from_arrays(rng.normal(size=(300, 1, 20)), np.arange(300) % 3)
    by_time, by_budget, small = (plan_for(task, 5, budget=budget) for budget in (None, 50, 5))
    assert by_time.before.search_space["name"] == "tabular"
    minutes = [one.minutes + one.finalist_seconds / 60 for one in (by_time.before, by_time)]
    assert minutes == pytest.approx([0.8, 3.2])
    assert (by_budget.before.budget, by_budget.budget) == (10, 40)
    assert by_time.before.seeds == by_time.seeds
    assert (small.before, small.budget) == (None, 5)
    table = Task.from_arrays(rng.normal(size=(300, 20)), np.arange(300) % 3)
    assert plan_for(table, 5).before is None
