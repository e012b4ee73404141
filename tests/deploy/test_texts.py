"""Networks for texts as files: they take new texts, and are exported."""

from __future__ import annotations

import csv
import importlib.util
import subprocess
import sys

import numpy as np
import pandas
import pytest
import torch

from nas_gym.deploy import SavedNetwork, export_network, load_network, predict_file, save_network
from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule, initial_weights
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.deploy.test_export import with_random_arrays
from tests.helpers.operations.sequences import sequence_networks

ARCHITECTURE = (
    "attention-2-conv3-rms > feedforward-32-relu2-layer > convolution-5-gelu-layer > attention-4-plain-layer"
)


def saved(name, path):
    """A network of first weights, in a file and loaded again."""
    task = make_task(name)
    space = make_search_space("transformer", task.input_shape, task.outputs, task.facts)
    architecture = space.parse(ARCHITECTURE)
    module = NetworkModule(space.network(architecture)).eval()
    module.load_state_dict(dict(initial_weights(module.network, 0)))
    save_network(path, space, task, architecture, module)
    return load_network(path), task, module


@pytest.fixture(scope="module", params=["language_id", "spelling"])
def network(request, tmp_path_factory):
    return saved(request.param, tmp_path_factory.mktemp(request.param) / "best.pt")


@pytest.mark.parametrize("to", [pytest.param("onnx", marks=pytest.mark.slow), "python"])
def test_a_transformer_is_exported(network, to, tmp_path) -> None:
    if to == "onnx" and importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("onnxruntime is not installed")
    loaded, task, _ = network
    done = export_network(loaded, to, tmp_path / ("n.onnx" if to == "onnx" else "n"), rows=task.x_test[:30])
    assert (done.rows, done.difference <= 1e-5) == (30, True)


def test_new_texts_are_answered_as_their_codes(network) -> None:
    loaded, task, module = network
    texts = ["deutschland", "lietuva"]
    codes = torch.tensor(task.files.encode(texts))
    with torch.no_grad():
        expected = task.target.answers(module(codes).numpy())
    np.testing.assert_allclose(loaded.predict(texts), expected, atol=1e-6)
    column = task.files.column
    for rows in (
        {column: texts},
        [{"id": 1, column: text} for text in texts],
        pandas.DataFrame({column: texts}),
    ):
        np.testing.assert_allclose(loaded.predict(rows), expected, atol=1e-6)
    with pytest.raises(NASGymError, match=f"unknown column of texts of x '{column}'"):
        loaded.predict({"nam": texts})


def test_a_file_of_texts_is_answered_line_by_line_and_a_table_by_its_column(network, tmp_path) -> None:
    loaded, task, _ = network
    lines, rows = tmp_path / "new.txt", tmp_path / "new.csv"
    lines.write_text("polska\nsuomi\n", "utf-8")
    rows.write_text(f"id,{task.files.column}\n1,polska\n2,suomi\n", "utf-8")
    one, other = predict_file(loaded, lines), predict_file(loaded, rows)
    assert one.names[0] == task.files.column
    assert one.labels == other.labels
    assert one.rows == other.rows
    other_table = tmp_path / "other.csv"
    other_table.write_text("id\n1\n2\n", "utf-8")
    with pytest.raises(NASGymError, match="column of texts"):
        predict_file(loaded, other_table)


@pytest.mark.slow
def test_exported_code_answers_a_table_of_texts(tmp_path) -> None:
    loaded, task, _ = saved("language_id", tmp_path / "best.pt")
    export_network(loaded, "python", tmp_path / "code", rows=task.x_test[:5])
    (tmp_path / "new.csv").write_text("name\npolska\nsuomi\n", "utf-8")
    command = [sys.executable, "predict.py", "../new.csv", "../answers.csv"]
    subprocess.run(command, cwd=tmp_path / "code", check=True, timeout=60)
    with (tmp_path / "answers.csv").open(encoding="utf-8") as file:
        answers = [row["predicted"] for row in csv.DictReader(file)]
    assert answers == [task.target.names[row.argmax()] for row in loaded.predict(["polska", "suomi"])]


def test_every_operation_on_sequences_is_written_as_code(tmp_path) -> None:
    task = make_task({"name": "language_id", "train_size": 100, "validation_size": 100, "test_size": 100})
    space = make_search_space("mlp", task.input_shape, task.outputs)
    for name, network in sequence_networks(task.input_shape[0], task.outputs).items():
        module = with_random_arrays(NetworkModule(network))
        loaded = SavedNetwork(name, space, module, task.target, (), task.mean, task.scale, None)
        done = export_network(loaded, "python", tmp_path / name.replace(" ", "-"), rows=task.x_test[:20])
        assert done.difference <= 1e-5, name
