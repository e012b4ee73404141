"""The script for a GPU runs where there is none, so that none of a GPU's minutes goes to its mistakes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.speed import gpu, gpu_figures
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.training import ChunkTraining


def run(monkeypatch: pytest.MonkeyPatch, path: Path, *parts: str) -> dict:
    arguments = ["--device", "cpu", "--small", "--minutes", "60", "--json", str(path)]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *arguments, *(f"--part={part}" for part in parts)])
    gpu.main()
    return json.loads(path.read_text())


def test_every_part_but_the_tests_gives_its_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ("mlp on digits, 256", "conv on mnist1d, 64", "cell on mnist1d, 64")
    monkeypatch.setattr(gpu, "CASES", {name: gpu.CASES[name] for name in named})
    before = {name: getattr(ChunkTraining, name) for name in gpu_figures.SPANS}
    figures = run(monkeypatch, tmp_path / "gpu.json", "cases", "ways", "streams", "precision", "jax")
    assert {name: getattr(ChunkTraining, name) for name in gpu_figures.SPANS} == before
    for name in named:
        row = figures["cases"][name]
        assert row["ratio"] == pytest.approx(row["ordinary"] / row["seconds"])
        assert sum(row["shares"].values()) == pytest.approx(1, abs=0.01)
        assert row["least"]["arithmetic"] > 0
        assert row["kernels"]["by the list"] > 10
    library, products = (
        figures["ways"][f"conv on mnist1d, 64, {way}"]["kernels"]["by the list"] for way in gpu.WAYS
    )
    assert library < products < figures["cases"]["conv on mnist1d, 64"]["kernels"]["by the list"]
    assert figures["precision"]["float32"]["largest"] == 0  # on a CPU, beside itself
    shown = capsys.readouterr().out
    assert "no GPU" in shown
    assert all(name.split(",")[0] in shown for name in named)


def test_the_other_spaces_have_rows_and_counts_of_kernels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spaces = {name: case for name, case in gpu.SPACES.items() if case["space"] in ("tabular", "forecaster")}
    assert {case["space"] for case in (*gpu.CASES.values(), *gpu.SPACES.values())} == set(SEARCH_SPACES)
    monkeypatch.setattr(gpu, "SPACES", spaces)
    monkeypatch.setattr(gpu, "FITTING", {"tabular": gpu.FITTING["tabular"]})
    figures = run(monkeypatch, tmp_path / "gpu.json", "spaces", "kernels")
    assert set(figures["spaces"]) == set(spaces)
    assert all(row["ordinary"] > 0 for row in figures["spaces"].values())
    assert figures["kernels"]["tabular on breast_cancer, 4"] > 10


def test_rows_are_left_out_once_time_is_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    figures = gpu.Figures(torch.device("cpu"), small=True, seconds=-1)
    assert figures.tests() == figures._row({}, figures._recipe, {}) == {"left out": "no time was left"}
    assert figures.streams() == figures.ways() == {}


def test_without_a_gpu_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cuda:7"])
    with pytest.raises(SystemExit) as left:
        gpu.main()
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert "cannot be used" in told
    assert told.count("\n") == 1


def test_a_part_that_fails_is_told_and_the_next_one_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu.Figures, "ways", lambda self: 1 // 0)
    figures = run(monkeypatch, tmp_path / "gpu.json", "ways", "precision")
    assert "ZeroDivisionError" in figures["ways"]["failed"]
    assert "float32" in figures["precision"]
