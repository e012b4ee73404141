"""What is exported answers as the saved network does, in whatever it is executed by."""

from __future__ import annotations

import copy
import csv
import importlib.util
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from nas_gym.deploy import (
    FORMATS,
    SavedNetwork,
    example_rows,
    export_network,
    load_network,
    save_network,
    suffix_of,
)
from nas_gym.errors import ConfigError, DataError, DataWarning, NASGymError
from nas_gym.networks import Add, Network, NetworkBuilder, NetworkModule, Node, Operation
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Classes, Values, make_task
from tests.helpers.light_install import install, run
from tests.helpers.networks import operation_networks

MISSING = {
    name: importlib.util.find_spec(package) is None
    for name, package in {"onnx": "onnxruntime", "tensorflow": "tensorflow", "tflite": "tensorflow"}.items()
}
EVERY_FORMAT = [
    pytest.param(name, marks=pytest.mark.skipif(MISSING.get(name, False), reason=f"{name} is not installed"))
    for name in FORMATS
]
TASKS = {"signals": "mnist1d", "images": "digits"}


def path_for(folder, to, name="network"):
    return folder / f"{name}{suffix_of(to)}"


def with_random_arrays(module, seed=0):
    """Weights and running statistics that hide nothing, as those after no training would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            array.uniform_(0.5, 1.5, generator=generator) if name.endswith("variance") else array.normal_(
                0, 0.3, generator=generator
            )
    return module.eval()


def of_every_operation(shape):
    """One network that holds every operation in each of its forms, and adds up what they give."""
    nodes, heads = [], []
    for network in operation_networks(shape).values():
        offset = len(nodes) - 1 if nodes else 0
        nodes += [
            replace(node, inputs=tuple(index + offset if index else 0 for index in node.inputs))
            for node in network.nodes[min(1, len(nodes)) :]
        ]
        heads.append(len(nodes) - 1)
    output = nodes[heads[0]].shape
    return Network((*nodes, Node(Add(), tuple(heads), output, output)))


def saved_of(task, network, target=None):
    task = make_task(task)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    module = with_random_arrays(NetworkModule(network))
    return SavedNetwork("all", space, module, target or task.target, (), task.mean, task.scale, None)


@pytest.fixture(scope="module", params=TASKS)
def every_operation(request):
    task = make_task(TASKS[request.param])
    return saved_of(TASKS[request.param], of_every_operation(task.input_shape))


@pytest.mark.parametrize("to", EVERY_FORMAT)
def test_every_operation_is_exported(every_operation, to, tmp_path):
    done = export_network(every_operation, to, path_for(tmp_path, to))
    assert done.rows == 64
    assert done.difference <= 1e-5
    assert done.bytes > 10_000
    assert [path.name for path in tmp_path.iterdir()] == [done.path.name]


@pytest.mark.parametrize("to", EVERY_FORMAT)
def test_a_network_that_predicts_values_answers_in_their_units(to, tmp_path):
    task = make_task("diabetes")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("tanh-16")
    module = with_random_arrays(NetworkModule(space.network(architecture)))
    save_network(tmp_path / "values.pt", space, task, architecture, module)
    saved = load_network(tmp_path / "values.pt")
    rows = task.x_test[:20].astype(float) * task.scale + task.mean
    assert saved.predict(rows).mean() > 100  # in units of the disease's progression, not in deviations
    done = export_network(saved, to, path_for(tmp_path, to), rows=rows)
    assert (done.rows, done.difference <= 1e-5) == (20, True)


# Shop: a table with numbers in a form of their own, truths and categories.


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A network for a table with categories, and the file that it was trained on."""
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(0)
    rows = [
        {
            "answers": f"{rng.integers(1, 9)},{rng.integers(10, 99)} €",
            "colour": str(rng.choice(["red", "dark blue", "x"])),
            "x": str(rng.normal()),
            "new": str(rng.choice(["True", "False"])),
            "kind": str(rng.choice(["a", "b", "c"])),
        }
        for _ in range(120)
    ]
    with open(folder / "shop.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    with pytest.warns(DataWarning, match="a decimal comma and the currency €"):
        task = make_task({"name": "csv", "path": str(folder / "shop.csv"), "target": "kind"})
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    module = with_random_arrays(NetworkModule(space.network(architecture)))
    save_network(folder / "shop.pt", space, task, architecture, module)
    return load_network(folder / "shop.pt"), folder / "shop.csv", rows


@pytest.mark.skipif(MISSING["onnx"], reason="onnx is not installed")
def test_onnx_takes_the_columns_of_a_table_by_name_and_refuses_an_unknown_text(shop, tmp_path):
    import onnxruntime

    saved, file, _ = shop
    export_network(saved, "onnx", tmp_path / "shop.onnx", rows=file)
    session = onnxruntime.InferenceSession(str(tmp_path / "shop.onnx"))
    assert [one.name for one in session.get_inputs()] == ["answers", "colour", "x", "new"]
    columns = {
        "answers": np.array([[4.5], [1.25]], np.float32),
        "colour": np.array([["dark blue"], ["x"]], object),
        "x": np.array([[0.5], [-1]], np.float32),
        "new": np.array([["True"], ["False"]], object),
    }
    expected = saved.predict(
        [
            {"answers": "4,50 €", "colour": "dark blue", "x": 0.5, "new": True},
            {"answers": "1,25 €", "colour": "x", "x": -1, "new": False},
        ]
    )
    (found,) = session.run(None, columns)
    assert np.abs(found - expected).max() < 1e-5
    with pytest.raises(Exception, match="Unknown Category"):
        session.run(None, columns | {"colour": np.array([["green"], ["x"]], object)})
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["nas_gym.target"])["names"] == ["a", "b", "c"]
    assert json.loads(metadata["nas_gym.versions"])["torch"] == str(torch.__version__)


def test_exported_code_predicts_rows_where_numpy_and_pytorch_alone_are_installed(shop, tmp_path):
    saved, file, rows = shop
    done = export_network(saved, "python", tmp_path / "shop", rows=file)
    install(tmp_path / "site", ["numpy", "torch"], ours=False)

    def predict(rows_file):
        return run(tmp_path / "site", [done.path / "predict.py", rows_file], tmp_path)

    found = predict(file)
    assert found.returncode == 0, found.stderr
    answers = list(csv.DictReader(found.stdout.splitlines()))
    expected = saved.predict(file)
    assert [row["colour"] for row in answers] == [row["colour"] for row in rows]
    probabilities = np.array([[float(row[f"probability {name}"]) for name in "abc"] for row in answers])
    assert np.abs(probabilities - expected).max() < 2e-6
    assert [row["predicted"] for row in answers] == ["abc"[place] for place in expected.argmax(axis=1)]
    (tmp_path / "green.csv").write_text(file.read_text().replace("dark blue", "green"))
    refused = predict(tmp_path / "green.csv")
    assert refused.returncode == 2
    assert re.fullmatch(
        r"predict.py: column 'colour' has 'green' in row \d+, .*'dark blue'.*\n", refused.stderr
    )


# What is refused, and that nothing is left of it.


class Wave(Operation):
    """An operation of one's own."""

    def forward(self, node, inputs, arrays, training):
        return inputs[0].sin()


def with_own_operation():
    task = make_task("mnist1d")
    builder = NetworkBuilder(task.input_shape)
    waved = builder.operation(Wave(), builder.flatten(builder.input))
    return saved_of("mnist1d", builder.build(builder.linear(waved, 10)))


def test_an_operation_of_ones_own_is_exported_to_torch(tmp_path):
    assert export_network(with_own_operation(), "torch", tmp_path / "own.pt2").difference <= 1e-5


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("python", "operation .*:Wave states no code, .*: define its source, or export to onnx or torch"),
        pytest.param(
            "tensorflow",
            "operation .*:Wave has no form in TensorFlow, .*: export to onnx or torch",
            marks=pytest.mark.skipif(MISSING["tensorflow"], reason="tensorflow is not installed"),
        ),
    ],
)
def test_an_operation_that_a_format_does_not_know_is_refused(to, sentence, tmp_path):
    with pytest.raises(ConfigError, match=sentence):
        export_network(with_own_operation(), to, tmp_path / "own")
    assert not list(tmp_path.iterdir())


def test_formats_and_paths_that_do_not_fit_are_refused_in_a_sentence(shop, tmp_path, monkeypatch):
    saved = shop[0]
    for to, path, sentence in [
        ("onxx", None, "unknown format 'onxx': did you mean 'onnx'"),
        ("torch", tmp_path / "a.onnx", "what is exported to torch ends in .pt2, not 'a.onnx': rename it"),
        ("python", tmp_path / "a.py", "exported to python is a folder, .* not 'a.py': rename it"),
        ("python", tmp_path, "is there already: name another folder"),
        ("torch", tmp_path / "file" / "a.pt2", "cannot be used"),
    ]:
        (tmp_path / "file").touch()
        with pytest.raises(NASGymError, match=sentence):
            export_network(saved, to, path)
    monkeypatch.setattr("nas_gym.deploy.export.registry.find_spec", lambda package: None)
    with pytest.raises(ConfigError, match=r"needs onnx and .*: install with pip install 'nas-gym\[onnx\]'"):
        export_network(saved, "onnx", tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_answers_otherwise_is_not_left_behind(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "nas_gym.deploy.export.torch_program.TorchProgram.answers",
        lambda self, saved, path: lambda raw: saved.predict(raw) + 1e-4,
    )
    with pytest.raises(DataError, match=r"would answer otherwise than the saved network, by 0\.0001 where"):
        export_network(shop[0], "torch", tmp_path / "a.pt2")
    assert not list(tmp_path.iterdir())


def in_float64(saved):
    """What a program answers that rounds otherwise than torch's kernels of float32."""

    def answers(raw):
        with torch.no_grad():
            prepared = torch.tensor(((raw - saved.mean) / saved.scale).astype(np.float32)).double()
            return copy.deepcopy(saved.module).double()(prepared).softmax(1).numpy()

    return answers


def test_a_network_that_makes_much_of_rounding_is_exported_as_exactly_as_it_is_computed(
    tmp_path, monkeypatch
):
    task = make_task("mnist1d")
    builder = NetworkBuilder(task.input_shape)
    summed = builder.linear(builder.flatten(builder.input), 16)
    saved = saved_of("mnist1d", builder.build(builder.linear(builder.periodic(summed, 4), 10)))
    with torch.no_grad():
        saved.module.state_dict()["2_weight"].mul_(300)  # so that sines are of numbers in the thousands
        saved.module.state_dict()["4_weight"][:, ::9] = 0  # and nothing but they are read
    written = "nas_gym.deploy.export.torch_program.TorchProgram.answers"
    monkeypatch.setattr(written, lambda self, of, path: in_float64(of))
    done = export_network(saved, "torch", tmp_path / "a.pt2")
    assert 2e-5 < done.difference < 1e-2
    monkeypatch.setattr(written, lambda self, of, path: lambda raw: of.predict(raw) + 0.002)
    with torch.no_grad():
        saved.module.state_dict()["2_weight"].mul_(100)  # rounding allows much more, and no more than .001 is
    with pytest.raises(DataError, match=r"by 0\.002 where at most 0\.001 is allowed"):
        export_network(saved, "torch", tmp_path / "b.pt2")


def test_numbers_that_float32_does_not_hold_go_in_as_float64(tmp_path):
    task = make_task("mnist1d")
    network = make_search_space("mlp", task.input_shape, 10)
    saved = saved_of("mnist1d", network.network(network.parse("relu-16")))
    large = replace(saved, mean=saved.mean + 1e9)
    assert export_network(saved, "torch", tmp_path / "a.pt2").numbers == "float32"
    assert export_network(large, "torch", tmp_path / "b.pt2").numbers == "float64"


def test_rows_that_are_drawn_are_of_the_categories(shop):
    saved = shop[0]
    rows = example_rows(saved, 200)
    saved.encoder.check(rows)
    assert set(rows[:, 1:4].argmax(axis=1)) == {0, 1, 2}
    assert np.array_equal(rows, example_rows(saved, 200))


def test_answers_are_told_to_other_programs_as_they_are_computed():
    outputs = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    values = Values(("a", "b"), (1.0, 2.0), (3.0, 4.0))
    form = values.answer_form
    assert np.allclose(values.answers(outputs), outputs * form.scale + form.mean)
    assert Classes(("a", "b")).answer_form.function == "softmax"
