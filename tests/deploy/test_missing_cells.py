"""A saved network, and what is exported, handle missing cells as training did, and refuse them elsewhere."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
import torch

from nas_gym.deploy import example_rows, export_network, load_network, save_network
from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import TableEncoder, make_task

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
NO_ONNX = importlib.util.find_spec("onnxruntime") is None
RNG = np.random.default_rng(0)
ROWS = [
    {
        "age": "" if row % 7 == 0 else str(RNG.integers(20, 60)),
        "price": "n/a" if row % 5 == 0 else f"{RNG.integers(1, 9)},{RNG.integers(10, 99)} €",
        "colour": "" if row % 11 == 0 else str(RNG.choice(["red", "blue"])),
        "code": str(RNG.choice(["007", "12"])),
        "size": f"{RNG.normal():.3f}",
        "when": "" if row % 6 == 1 else f"{row % 28 + 1:02d}.{row % 12 + 1:02d}.2024 {row % 24:02d}:30",
    }
    for row in range(90)
]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A task with gaps in four of six columns, its saved network, and the network's file."""
    folder = tmp_path_factory.mktemp("people")
    header = ";".join([*ROWS[0], "y"])
    lines = [";".join([*row.values(), "ab"[number % 2]]) for number, row in enumerate(ROWS)]
    (folder / "people.csv").write_text("\n".join([header, *lines]))
    task = make_task({"name": "csv", "path": str(folder / "people.csv"), "target": "y"})
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    module = NetworkModule(space.network(architecture)).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    save_network(folder / "best.pt", space, task, architecture, module)
    return task, module, folder / "best.pt"


def test_rows_with_gaps_are_answered_as_in_training(people):
    task, module, path = people
    saved = load_network(path)
    assert saved.about["reading"] == list(task.notes)
    with torch.no_grad():
        expected = module(torch.as_tensor(task.sample.x)).softmax(1).numpy()
    rows = [dict(zip(task.encoder.names, row, strict=True)) for row in task.sample.raw]
    assert any(row["age"] == "" for row in rows)
    np.testing.assert_array_equal(saved.predict(rows), expected)
    other = [
        {name: None if cell in ("", "n/a") else cell for name, cell in row.items()} | {"more": 1}
        for row in rows
    ]
    np.testing.assert_array_equal(saved.predict(other), expected)
    np.testing.assert_array_equal(saved.predict(path.parent / "people.csv").shape, (90, 2))
    raw = task.encoder.encode(table := task_table(rows))
    assert set(raw[:, 1]) == {0.0, 1.0}
    np.testing.assert_array_equal(saved.predict(raw), expected)
    features = dict(zip(task.feature_names, raw.T, strict=True))
    np.testing.assert_array_equal(saved.predict(features), expected)
    assert TableEncoder.from_config(json.loads(json.dumps(task.encoder.config()))).encode(table).tolist() == (
        raw.tolist()
    )


def task_table(rows):
    from nas_gym.tasks.reading.raw_table import of_rows

    return of_rows("x", list(rows[0]), rows)


GOOD = {
    "age": "30",
    "price": "1,50 €",
    "colour": "red",
    "code": "12",
    "size": "0.5",
    "when": "31.01.2025 18:00",
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": ""}, "column 'size' misses 1 of 1 values, .* since none was missing in training"),
        ({"code": "NA"}, "column 'code' misses 1 of 1 values"),
        ({"colour": "green"}, "'green' in row 1, which is none of its categories"),
        ({"age": "old"}, "'old' in row 1, expected a number"),
        ({"when": "soon"}, r"'soon' in row 1, expected a date such as 31\.12\.2024"),
    ],
)
def test_gaps_where_training_had_none_and_other_cells_are_refused(people, change, words):
    with pytest.raises(NASGymError, match=words) as caught:
        load_network(people[2]).predict([GOOD | change])
    assert "\n" not in str(caught.value)


def test_a_flag_that_is_not_one_is_refused(people):
    task, _, path = people
    raw = task.encoder.encode(task_table([GOOD]))
    raw[0, 1] = 0.5
    with pytest.raises(NASGymError, match=r"row 1 of x has 0\.5 for 'age is missing', expected 0 or 1"):
        load_network(path).predict(raw)


def test_a_file_of_format_4_is_read_as_before(people, tmp_path):
    content = torch.load(people[2], weights_only=True)
    assert (content["format"], content.pop("members"), content.pop("member_spaces")) == (7, [], [])
    encoder = TableEncoder.of_numbers(people[0].feature_names)
    columns = [
        {key: value for key, value in column.items() if key not in ("fill", "flagged")}
        for column in encoder.config()["columns"]
    ]
    old = {"format": 4, "encoder": json.dumps({"columns": columns, "missing": None})}
    torch.save(content | old, tmp_path / "old.pt")
    loaded = load_network(tmp_path / "old.pt")
    assert loaded.encoder == encoder
    with pytest.raises(NASGymError, match="misses 1 of 1"):
        loaded.predict([dict.fromkeys(loaded.feature_names, None)])


def test_rows_that_are_drawn_have_gaps(people):
    saved = load_network(people[2])
    rows = example_rows(saved, 200)
    saved.encoder.check(rows)
    flag = rows[:, 1] == 1
    assert 0 < flag.mean() < 0.5
    assert set(rows[flag, 0]) == {saved.encoder.columns[0].fill}


def test_exported_code_treats_gaps_as_the_network_does(people, tmp_path, monkeypatch):
    saved = load_network(people[2])
    assert export_network(saved, "python", tmp_path / "people", rows=ROWS).difference <= 1e-5
    monkeypatch.syspath_prepend(str(tmp_path / "people"))
    import predict

    try:
        loaded = predict.load(tmp_path / "people")
        np.testing.assert_allclose(loaded.predict(ROWS), saved.predict(ROWS), atol=1e-6)
        gaps = GOOD | {"age": None, "price": float("nan"), "colour": "#N/A", "when": "NaT"}
        np.testing.assert_allclose(loaded.predict([gaps]), saved.predict([gaps]), atol=1e-6)
        with pytest.raises(predict.RefusedError, match="column 'size' misses its value in row 1"):
            loaded.predict([GOOD | {"size": ""}])
        with pytest.raises(predict.RefusedError, match="column 'when' has 'soon' in row 1, expected a date"):
            loaded.predict([GOOD | {"when": "soon"}])
    finally:
        import sys

        for name in ("predict", "network", "dates"):
            del sys.modules[name]


@pytest.mark.skipif(NO_ONNX, reason="onnx is not installed")
def test_onnx_takes_nan_and_an_empty_text_as_missing(people, tmp_path):
    import onnxruntime

    saved = load_network(people[2])
    assert export_network(saved, "onnx", tmp_path / "a.onnx", rows=ROWS).difference <= 1e-5
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    types = {one.name: kind.get(one.type, object) for one in session.get_inputs()}
    parts = ["when month", "when day", "when weekday", "when hour"]
    assert list(types) == ["age", "price", "colour", "code", "size", *parts]
    cells = {"age": np.nan, "price": np.nan, "colour": "", "code": "12", "size": 0.5}
    expected = saved.predict([cells | {"when": None}])
    cells |= dict.fromkeys(parts, np.nan)
    (found,) = session.run(None, {name: np.array([[cell]], types[name]) for name, cell in cells.items()})
    np.testing.assert_allclose(found, expected, atol=1e-5)
    (absent,) = session.run(
        None,
        {name: np.array([[cell]], types[name]) for name, cell in (cells | {"size": np.nan}).items()},
    )
    assert np.isnan(absent).all()
