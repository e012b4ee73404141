"""Every domain by commands: search with retraining and report, predictions for new examples, and ONNX."""

from __future__ import annotations

import csv
import html
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.deploy import SavedNetwork, load_network
from nas_gym.tasks import PairForm, features_of, make_task, read_examples
from tests.tasks.domains.test_chemistry import molecule_rows, written
from tests.tasks.test_media import sound

SIZES = {"train_size": 120, "validation_size": 60, "test_size": 60}
New = Callable[[dict[str, Any], SavedNetwork], Path]


@dataclass(frozen=True)
class Domain:
    """A task, a space that is quick to train, and how new examples are written to a file."""

    task: dict[str, Any]
    space: dict[str, Any]
    new: New
    fast: bool = False


def lines(*texts: str) -> New:
    """Return what writes a file of texts."""

    def write(task: dict[str, Any], saved: SavedNetwork) -> Path:
        Path("new.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8")
        return Path("new.txt")

    return write


def table(header: str, *rows: tuple[object, ...]) -> New:
    return lambda task, saved: written(Path("new.csv"), header, list(rows))


def features(task: dict[str, Any], saved: SavedNetwork) -> Path:
    """Write a table with the names of the features, of examples of the test part."""
    rows = raw_test(task)
    return written(Path("new.csv"), ",".join(saved.feature_names), [tuple(row) for row in rows.tolist()])


def arrays(task: dict[str, Any], saved: SavedNetwork) -> Path:
    np.save("new.npy", raw_test(task))
    return Path("new.npy")


def recordings(task: dict[str, Any], saved: SavedNetwork) -> Path:
    time = np.arange(11_025) / 22_050
    for pitch in (300, 1200):
        sound(Path("new") / f"{pitch}.wav", 0.3 * np.sin(2 * np.pi * pitch * time), 22_050)
    return Path("new")


def raw_test(task: dict[str, Any]) -> np.ndarray:
    made = make_task(task)
    found: np.ndarray = made.x_test[:5] * made.scale + made.mean
    return found


GRAPH = {"name": "graph", "max_layers": 1, "widths": [8]}
TABULAR = {"name": "tabular", "max_layers": 1, "widths": [8]}
TRANSFORMER = {"name": "transformer", "max_layers": 1, "channels": 8}
FORECASTER = {"name": "forecaster", "max_layers": 1, "widths": [4], "channels": [3], "kernels": [3]}
SEQ2SEQ = {"name": "seq2seq", "widths": [8], "heads": [1], "max_layers": 1, "encoder_depths": [1]}
MOLECULES, MATERIALS = table("smiles", ("CCO",), ("c1ccccc1CC",)), table("formula", ("Al2O3",), ("NaCl",))
VALUES = {"target": "value", "target_kind": "values"}
DOMAINS = {
    "images": Domain(
        {"name": "scene_digits", "side": 12, **SIZES},
        {"name": "macro", "channels": 2, "head": 4, "blocks": ["identity", "mb3_k3_se"]},
        arrays,
    ),
    "tables": Domain({"name": "friedman", **SIZES}, TABULAR, features, fast=True),
    "texts": Domain({"name": "language_id", **SIZES}, TRANSFORMER, lines("polska", "suomi"), fast=True),
    "the next letter": Domain({"name": "spelling", **SIZES}, TRANSFORMER, lines("absorb", "letters")),
    "speech": Domain(
        {"name": "spoken_words", "words": ["yes", "no"], "accents": ["en-US"], **SIZES, "train_size": 80},
        {"name": "asr_cell", "channels": [8]},
        recordings,
    ),
    "dates": Domain({"name": "dates", **SIZES}, SEQ2SEQ, lines("20 settembre 1958", "3 march 2001")),
    "pronunciation": Domain({"name": "pronunciation", **SIZES}, SEQ2SEQ, lines("hello", "bother")),
    "logp": Domain({"name": "logp", **SIZES}, GRAPH, MOLECULES),
    "melting points": Domain({"name": "melting_point", **SIZES}, GRAPH, MOLECULES),
    "materials": Domain({"name": "inorganic_density", **SIZES}, TABULAR, MATERIALS),
    "glucose": Domain({"name": "glucose", "stride": 60}, FORECASTER, arrays),
    "seasons": Domain({"name": "seasonal", "steps": 1_000}, FORECASTER, arrays),
    "volatility": Domain({"name": "volatility", "stride": 20}, FORECASTER, arrays),
    "own molecules": Domain({"name": "molecules", "path": "own.csv", **VALUES}, GRAPH, MOLECULES),
    "own materials": Domain({"name": "materials", "path": "own.csv", **VALUES}, TABULAR, MATERIALS),
}
NO_ONNX = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnx is not installed")


def write_own(name: str) -> None:
    """Write the file of a task of own data."""
    if name == "own molecules":
        written(Path("own.csv"), "smiles,value", molecule_rows())
    if name == "own materials":
        metals, others = ("Li", "Na", "K", "Mg", "Ca", "Fe", "Cu", "Zn"), ("O", "S", "Cl", "F", "Br")
        rows = [(f"{one}{other}{n}", n) for one in metals for other in others for n in (1, 2)]
        written(Path("own.csv"), "formula,value", rows)


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def by_onnx(saved: SavedNetwork, model: Path, raw: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return what an exported network answers, and the texts of answers that are texts."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model))
    (given,) = session.get_inputs()
    kind = np.float32 if given.type == "tensor(float)" else np.float64

    def answered(x: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run(None, {given.name: x.astype(kind)})[0]
        return found

    answers = answered(raw)
    np.testing.assert_allclose(answers, saved.given(raw), atol=1e-5 * np.max(saved.target.answer_scale))
    if isinstance(saved.files, PairForm):  # token by token, each after the likeliest ones before it
        return answers, saved.files.texts(saved.files.decoded(raw.astype(np.float32), answered))
    return answers, saved.texts(answers) if saved.target.kind == "tokens" else []


@NO_ONNX
@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if d.fast else pytest.mark.slow) for n, d in DOMAINS.items()]
)
def test_from_search_to_answers_by_onnx(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    domain = DOMAINS[name]
    if domain.fast:
        request.getfixturevalue("undrawn")
    monkeypatch.chdir(tmp_path)
    write_own(name)
    options = ("--agent", "random", "--budget", 2, "--store", "memory", "--recipe", '{"epochs": 1}')
    spec = ("--task", json.dumps(domain.task), "--search-space", json.dumps(domain.space))
    told = invoke("search", *spec, *options)
    (best,) = Path().rglob("best.pt")
    result = json.loads((best.parent / "result.json").read_text())
    assert len(result["final"]) == 3  # retrained with seeds that the search did not use
    assert f"test {result['metric_label']}" in told
    invoke("explain", best.parent, "--budget", 0)
    report = html.unescape((best.parent / "report.md").read_text("utf-8")).replace("\\", "")
    assert result["architecture"] in report

    saved = load_network(best)
    file = domain.new(domain.task, saved)
    invoke("predict", best.parent, file, "--out", "answers.csv")
    with open("answers.csv", newline="", encoding="utf-8") as answers:
        rows = list(csv.DictReader(answers))
    invoke("export", best.parent, "--to", "onnx", "--out", "network.onnx", "--rows", file)
    invoke("export", best.parent, "--to", "python", "--out", "code", "--rows", file)
    read = read_examples(file, saved.encoder, saved.files)
    raw = features_of(read, saved.search_space.input_shape, saved.encoder, saved.feature_names)
    found, texts = by_onnx(saved, Path("network.onnx"), raw)
    assert len(rows) == len(found) >= 2
    if texts:
        assert [row["predicted"] for row in rows] == texts
        return
    kind = "probability" if saved.class_names else "predicted"
    told_numbers = [[float(row[f"{kind} {one}"]) for one in saved.target.names] for row in rows]
    np.testing.assert_allclose(told_numbers, found, rtol=1e-5, atol=2e-6)
