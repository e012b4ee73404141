"""What is said of how data were read is said once, of the split that is used."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

import nas_gym
from nas_gym.cli.app import app
from nas_gym.errors import DataWarning
from nas_gym.estimators import NASClassifier

pandas = pytest.importorskip("pandas")
QUICK = {"budget": 1, "minutes": 10, "agent": "random", "recipe": {"epochs": 1}}


def gaps():
    values = np.random.default_rng(0).normal(size=80)
    values[::9] = np.nan
    return pandas.DataFrame({"age": values, "kind": ["no", "yes"] * 40})


def said(make):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = make()
    notes = [str(one.message) for one in caught if issubclass(one.category, DataWarning)]
    return found, [note for note in notes if "missing numbers become the median" in note]


def test_a_fit_says_of_a_frame_once_what_its_network_was_trained_with(tmp_path):
    options = {**QUICK, "report": False, "store": "memory"}
    found, notes = said(lambda: nas_gym.fit(gaps(), "kind", folder=tmp_path / "run", **options))
    assert notes == [note for note in found.network_.about["reading"] if note in notes]
    assert len(notes) == 1
    found, notes = said(lambda: NASClassifier(**QUICK).fit(gaps()[["age"]], gaps()["kind"]))
    assert len(notes) == 1
    assert notes[0] in found.network_.about["reading"]


def test_the_command_says_it_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gaps().to_csv("gaps.csv", index=False)
    command = [
        "fit",
        "gaps.csv",
        "--target",
        "kind",
        "--budget",
        "1",
        "--minutes",
        "0.3",
        "--agent",
        "random",
    ]
    result = CliRunner().invoke(app, [*command, "--store", "memory", "--no-report"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("missing numbers become the median") == 1
