"""Networks for sequences, saved: translations are decoded where they predict, and exports answer alike."""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.deploy import example_rows, export_network, load_network, predict_file, save_network
from nas_gym.errors import DataWarning, NASGymError
from nas_gym.networks import NetworkModule, initial_weights
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.tasks.domains.test_pairs import PAIRS, written

SPACE = {"name": "seq2seq", "widths": [8], "encoders": ["gru", "transformer"], "heads": [2]}
TEXT = "width_8, gru_encoder, encoder_depth_1, heads_2: gru-last > transformer-all"


@pytest.fixture
def task(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return make_task({"name": "translation", "path": written(tmp_path / "pairs.tsv", PAIRS)})


def saved_network(path, task, space, text):
    """A network with random weights, saved and loaded."""
    space = make_search_space(space, task.input_shape, task.outputs, task.facts)
    architecture = space.parse(text)
    network = space.network(architecture)
    module = NetworkModule(network).eval()
    module.load_state_dict(dict(initial_weights(network, 0)))
    save_network(path, space, task, architecture, module)
    return load_network(path), module


def test_a_saved_translator_decodes_from_its_own_answers(tmp_path, task):
    saved, module = saved_network(tmp_path / "best.pt", task, SPACE, TEXT)
    texts = [source for source, _ in PAIRS[:4]]
    answers = saved.predict(texts)
    # By hand: one text at a time, one position at a time.
    names, (source, length) = task.files.answers, task.coded.lengths
    for text, found in zip(texts, saved.texts(answers), strict=True):
        x = torch.tensor(task.files.encode([text]))
        taken = []
        for place in range(length):
            with torch.no_grad():
                best = int(module(x).reshape(len(names), length)[:, place].argmax())
            if best == 0:
                break
            taken.append(names[best])
            if place + 1 < length:
                x[0, source + place + 1] = task.coded.vocabulary.index(names[best])
        assert found == "".join(taken)
    given = saved.given(task.x_test)
    with torch.no_grad():
        outputs = module(torch.tensor(task.x_test)).numpy()
    assert np.abs(given - task.target.answers(outputs)).max() < 1e-5


def test_the_lines_of_a_file_are_answered_beside_them(tmp_path, task):
    saved, _ = saved_network(tmp_path / "best.pt", task, SPACE, TEXT)
    (tmp_path / "new.txt").write_text("ax0\n\nby1\n")
    found = predict_file(saved, tmp_path / "new.txt")
    assert found.names == ("source", "predicted")
    assert [row[0] for row in found.rows] == ["ax0", "by1"]
    assert [row[1] for row in found.rows] == saved.texts(saved.predict(["ax0", "by1"]))
    (tmp_path / "new.txt").write_text("ax?\n")
    with pytest.raises(NASGymError, match=r"has '\?'"):
        predict_file(saved, tmp_path / "new.txt")


def test_plain_code_answers_as_a_translator_does(tmp_path, task):
    saved, _ = saved_network(tmp_path / "best.pt", task, SPACE, TEXT)
    assert set(np.unique(example_rows(saved))) <= set(range(len(task.coded.vocabulary)))
    assert export_network(saved, "python", tmp_path / "code").difference < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnx is not installed")
@pytest.mark.parametrize(
    ("space", "text"),
    [
        ("recurrent", "both_ways, last_state, dropout_0, chain: gru-16 > lstm-16"),
        ("recurrent_cell", "tanh of 0, relu of 1, identity of 1, sigmoid of 3"),
    ],
)
def test_a_recurrent_classifier_is_exported_to_onnx(tmp_path, space, text):
    sizes = {"train_size": 40, "validation_size": 40, "test_size": 40}
    saved, _ = saved_network(tmp_path / "best.pt", make_task({"name": "mnist1d", **sizes}), space, text)
    assert export_network(saved, "onnx", tmp_path / "network.onnx").difference < 1e-5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_pairs_in_a_file_to_translations(tmp_path, monkeypatch):
    """The whole way by commands: search, explain, predict, export."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "pairs.tsv", PAIRS)

    def invoke(*arguments):
        found = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    told = invoke(
        *("search", "--agent", "random", "--budget", 3, "--store", "memory", "--search-space"),
        '{"name": "seq2seq", "widths": [8], "encoders": ["gru"], "heads": [1]}',
        *("--task", '{"name": "translation", "path": "pairs.tsv"}'),
    )
    assert "test exact match of decoded answers" in told
    run = next(tmp_path.glob("tensorboard_logs/*/random/seed0"))
    invoke("explain", run)
    assert "exact match of decoded answers" in (run / "report.html").read_text("utf-8")
    (tmp_path / "new.txt").write_text("ax0\nby1\n")
    assert invoke("predict", run, "new.txt", "--out", "-").startswith("source,predicted\nax0,")
    if importlib.util.find_spec("onnxruntime") is not None:
        assert "It answers each position" in invoke("export", run, "--to", "onnx")
