"""Data in memory have a report as data in a file have, and what was found can be asked about later."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import nas_gym
from nas_gym._clock import Clock
from nas_gym.cli.app import app
from nas_gym.errors import ConfigError, DataError
from nas_gym.estimators import NASClassifier
from nas_gym.estimators.fitting import report_minutes
from nas_gym.explain import read_evidence
from nas_gym.tasks import Task, load_task, save_task
from tests.helpers.clock import fake_clock

pandas = pytest.importorskip("pandas")
QUICK = {"budget": 2, "minutes": 0.1, "agent": "random", "recipe": {"epochs": 5}, "store": "memory"}


def people(n=90):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, n).astype(float)
    age[5] = np.nan
    town = rng.choice(["Ulm", "Jena", "Köln"], n)
    return pandas.DataFrame({"age": age, "town": town, "left": np.where(age > 45, 20, 10)})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    from tests.helpers.explain.drawing import undrawn

    folder = tmp_path_factory.mktemp("fit") / "run"
    with undrawn(), pytest.warns(nas_gym.errors.DataWarning):
        return nas_gym.fit(people(), "left", folder=folder, **QUICK)


def test_a_frame_has_a_report(fitted, monkeypatch):
    page = fitted.report()
    assert page == fitted.report_ == fitted.folder_ / "report.html"
    summary = json.loads(page.with_name("explanation.json").read_text())["sections"]["summary"]
    assert summary["answer"]
    assert not summary["withheld"]
    shown = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    assert fitted.report(show=True) == page
    assert shown == [page.resolve().as_uri()]


def test_that_the_data_were_kept_is_said(fitted):
    assert any(str(fitted.folder_ / "task.npz") in reason for reason in fitted.reasons_)


def test_the_run_is_read_again_with_its_data(fitted):
    task = read_evidence(fitted.folder_).problem.task
    assert task.fingerprint == load_task(fitted.folder_ / "task.npz").fingerprint
    assert task.target.names == ("10", "20")
    assert task.encoder.names == ("age", "town")
    answers = nas_gym.load_network(fitted.folder_).predict(people())
    assert np.array_equal(answers, fitted.predict_proba(people()))


def test_the_commands_have_the_data_too(fitted, tmp_path):
    command = ["export", str(fitted.folder_), "--to", "python", "--out", str(tmp_path / "code")]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert "checked with test examples of the run" in result.stdout, result.output


def test_without_a_report_nothing_is_kept_and_that_is_said(tmp_path):
    frame = people()
    found = nas_gym.fit(
        frame[["age"]].fillna(0), frame["left"], folder=tmp_path / "run", report=False, **QUICK
    )
    assert not (tmp_path / "run" / "task.npz").exists()
    with pytest.raises(ConfigError, match="no report was written: nas"):
        found.report()


@pytest.mark.parametrize("shape", [(60, 3), (60, 1, 8), (60, 2, 4, 4)])
@pytest.mark.parametrize("kind", ["classes", "values", "labels"])
def test_a_task_is_kept_as_it_is(shape, kind, tmp_path):
    rng = np.random.default_rng(0)
    y = {"classes": np.arange(60) % 3, "values": rng.normal(size=60), "labels": rng.integers(2, size=(60, 2))}
    task = Task.from_arrays(rng.normal(size=shape), y[kind], target_kind=kind, folds=3, name="mine")
    save_task(tmp_path / "task.npz", task)
    again = load_task(tmp_path / "task.npz")
    assert again.fingerprint == task.fingerprint
    for part in ("name", "target", "spec", "feature_names", "notes", "split", "inputs"):
        assert getattr(again, part) == getattr(task, part)
    assert np.array_equal(again.sample.raw, task.sample.raw)
    assert np.array_equal(again.fold(2)[0], task.fold(2)[0])


def test_a_damaged_file_of_a_task_is_refused(tmp_path):
    file = tmp_path / "task.npz"
    save_task(file, Task.from_arrays(np.eye(30), np.arange(30) % 2))
    arrays = dict(np.load(file))
    np.savez(file, **arrays | {"x_test": arrays["x_test"] + 1})
    with pytest.raises(DataError, match="holds other data than it says"):
        load_task(file)
    file.write_bytes(b"PK")
    with pytest.raises(DataError, match="no task that nas-gym kept, or it is damaged"):
        load_task(file)


def test_an_estimator_that_kept_no_run_says_how_to_have_a_report():
    found = NASClassifier(budget=1, minutes=1, agent="random", recipe={"epochs": 2})
    found.fit(np.eye(30)[:, :3], np.arange(30) % 2)
    assert found.report_ is None
    with pytest.raises(ConfigError, match="no report was written"):
        found.report()


@pytest.mark.parametrize(
    ("passed", "left"),
    [(60, 1.0), (216, 1.0), (228, 0.8), (258, 0.3), (290, 0.25), (400, 0.25)],
    ids=["early", "in time", "a little late", "late", "at the end", "over"],
)
def test_explanations_take_what_is_left_of_the_time(monkeypatch, passed, left):
    time = fake_clock(monkeypatch)
    clock = Clock(5)
    time.time += passed
    assert report_minutes(clock) == pytest.approx(left)
