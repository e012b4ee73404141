"""A saved network predicts what was trained, of examples in any form, or says what is missing."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas_gym.deploy import load_network, save_network
from nas_gym.deploy import saved_network as saved_module
from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.splits import stratified

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
RNG = np.random.default_rng(0)
NAMES = ("price", "colour", "code", "share")
ROWS = [
    (
        f"{RNG.integers(1000, 99999):,}",
        ("red", "green", "NA")[row % 3],
        ("007", "12")[row % 2],
        f"{row % 40}%",
    )
    for row in range(90)
]
LABELS = ["yes" if row % 3 else "no" for row in range(90)]


def network_of(task, seed=0, space="mlp", architecture=None):
    """A space, an architecture and a module with drawn weights, as if it had been trained."""
    space = make_search_space(space, task.input_shape, task.outputs)
    chosen = space.smallest() if architecture is None else space.parse(architecture)
    module = NetworkModule(space.network(chosen)).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return space, chosen, module


def saved_and_loaded(path, task, **options):
    space, architecture, module = network_of(task, **options)
    save_network(path, space, task, architecture, module)
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".part"] == []
    return load_network(path), module


def asked(module, x):
    with torch.no_grad():
        return module(torch.as_tensor(x)).softmax(1).numpy()


def write(path, names, rows, delimiter=","):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([names, *rows])
    path.write_text(file.getvalue())
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A task of a file with prices, words, codes and shares, its network and what it answers."""
    folder = tmp_path_factory.mktemp("shop")
    rows = [(*row, label, "x") for row, label in zip(ROWS, LABELS, strict=True)]
    file = write(folder / "train.csv", (*NAMES, "bought", "note"), rows)
    with pytest.warns(UserWarning, match="price"):
        task = make_task({"name": "csv", "path": file, "target": "bought", "drop": ["note"]})
    network, module = saved_and_loaded(folder / "best.pt", task)
    return task, network, module, file


@pytest.mark.parametrize("offset", [0.0, 5.4e6, 1.7e9, 1.7e12])
def test_a_large_offset_changes_no_answer(tmp_path, offset):
    x = offset + 60 * RNG.normal(size=(90, 2))
    y = np.arange(90) % 2
    task = Task.from_arrays(x, y)
    network, module = saved_and_loaded(tmp_path / "best.pt", task)
    _, _, test = stratified(y, (54, 18, 18), ("0", "1"), 0)
    np.testing.assert_array_equal(network.predict(x[test]), asked(module, task.x_test))
    assert network.mean.dtype == network.scale.dtype == np.float64


@pytest.mark.parametrize(("shape", "space"), [((2, 9), "mlp"), ((1, 6, 6), "conv"), ((3,), "mlp")])
def test_signals_images_and_tables_are_predicted_from_arrays_and_their_files(tmp_path, shape, space):
    x = RNG.normal(size=(90, *shape))
    task = Task.from_arrays(x, np.arange(90) % 2)
    network, _ = saved_and_loaded(tmp_path / "best.pt", task, space=space)
    expected = network.predict(x)
    np.save(tmp_path / "new.npy", x)
    np.savez(tmp_path / "new.npz", x=x)
    for name in ("new.npy", "new.npz"):
        np.testing.assert_array_equal(network.predict(tmp_path / name), expected)
    x[3] = np.nan
    with pytest.raises(NASGymError, match=r"NaN, infinite .* the first at \(3, 0"):
        network.predict(x)
    with pytest.raises(NASGymError, match="masked"):
        network.predict(np.ma.masked_invalid(x))


def frame(**columns):
    """A data frame that is neither of pandas nor of polars."""

    class Duck:
        def __init__(self):
            self.columns = list(columns)

        def __getitem__(self, name):
            return columns[name]

    return Duck()


def test_raw_rows_are_predicted_in_every_form(shop, tmp_path):
    task, network, module, file = shop
    features = task.encoder.feature_names
    assert features == ("price", "colour=NA", "colour=green", "colour=red", "code=007", "code=12", "share")
    expected = asked(module, task.sample.x)
    rows = [tuple(row) for row in task.sample.raw]
    np.testing.assert_array_equal(network.predict(task.sample.raw), expected)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}
    turned = {name: columns[name] for name in reversed(NAMES)} | {"more": ["?"] * len(rows)}
    forms = [
        rows,
        np.array(rows),
        [dict(zip(NAMES, row, strict=True)) for row in rows],
        turned,
        frame(**turned),
        write(tmp_path / "new.csv", NAMES, rows),
        str(write(tmp_path / "turned.csv", list(turned), zip(*turned.values(), strict=True), ";")),
    ]
    for form in forms:
        np.testing.assert_array_equal(network.predict(form), expected)
    numbers = frame(**columns | {"price": [float(price.replace(",", "")) for price in columns["price"]]})
    codes = frame(**columns | {"code": [int(code) for code in columns["code"]]})
    for form in (numbers, codes):
        np.testing.assert_array_equal(network.predict(form), expected)
    raw = task.encoder.encode(saved_module.read_examples(file, task.encoder))
    assert network.predict(raw).shape == (90, 2)
    named = frame(**dict(zip(features, raw.T, strict=True)))
    np.testing.assert_array_equal(network.predict(named), network.predict(raw))


GOOD = {"price": "1,500", "colour": "red", "code": "12", "share": "5%"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "purple"}, "column 'colour' of x has 'purple' in row 1, which is none of its categories"),
        ({"colour": None}, "column 'colour' misses 1 of 1 values"),
        ({"colour": ""}, "column 'colour' misses 1 of 1 values"),
        ({"price": float("nan")}, "column 'price' misses 1 of 1 values, the first in row 1"),
        ({"price": float("inf")}, "column 'price' of x has inf in row 1, which is not a finite number"),
        ({"price": "1.500,00"}, "expected a number with a comma between thousands"),
        ({"price": "NA"}, "column 'price' misses"),
        ({"share": "0.05"}, "expected a number with per cent"),
        ({"code": 13}, "has 13 in row 1, which is none"),
    ],
)
def test_what_was_not_in_training_has_no_answer(shop, change, words):
    row = GOOD | change
    assert shop[1].predict([GOOD]).shape == (1, 2)
    for form in ([row], {name: [cell] for name, cell in row.items()}, [list(row.values())], row):
        with pytest.raises(NASGymError) as caught:
            shop[1].predict(form)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (frame(Price=[1], colour=["red"], code=["12"], share=[0.1]), "'price': did you mean 'Price'"),
        ([{"price": 1}], "row 1 of x lacks 'colour'"),
        ([["1", "red", "12"]], "row 1 of x has 3 cells for 4 columns: pass price, colour, code, share"),
        (np.zeros((2, 7)), "row 1 of x is of no category of column 'colour'"),
        (np.zeros((2, 5)), r"the network takes \(n, 7\), or rows of the columns price, colour, code, share"),
        ("gone.csv", "there is no file .*gone.csv"),
        ([], r"x has shape \(0,\)"),
        ({"price": [1, 2], "colour": ["red"]}, "columns of x differ in length"),
    ],
)
def test_examples_of_another_form_are_refused_in_one_sentence(shop, x, words):
    with pytest.raises(NASGymError, match=words) as caught:
        shop[1].predict(x)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_column_is_refused(shop, tmp_path):
    path = write(tmp_path / "new.csv", ("price", "color"), [("1,000", "red")])
    with pytest.raises(NASGymError, match=r"new.csv lacks 3 columns .* 'colour': did you mean 'color'"):
        shop[1].predict(path)


def test_an_encoding_and_a_delimiter_may_be_named(shop, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("price^colour^code^share^möbel\n1,000^red^12^5%^x\n", encoding="latin-1")
    assert shop[1].predict(path, delimiter="^", encoding="latin-1").shape == (1, 2)
    with pytest.raises(NASGymError, match="encoding"):
        shop[1].predict(path, delimiter="^")


def test_a_network_of_named_arrays_takes_columns_by_name(tmp_path):
    x = RNG.normal(size=(90, 3))
    task = Task.from_arrays(x, np.arange(90) % 2, feature_names=["a", "b", "c"])
    network, _ = saved_and_loaded(tmp_path / "best.pt", task)
    turned = frame(c=x[:, 2], a=x[:, 0], b=x[:, 1])
    np.testing.assert_array_equal(network.predict(turned), network.predict(x))
    with pytest.raises(NASGymError, match="lacks a column that the network was trained on"):
        network.predict(frame(a=x[:, 0], b=x[:, 1]))


def test_data_frames_keep_their_names_and_texts(tmp_path):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    table = {"size": RNG.normal(size=90), "colour": ["red", "green", "blue"] * 30, "ok": [True, False] * 45}
    y = ["a", "b"] * 45
    tasks = [Task.from_arrays(kind(table), y) for kind in (pandas.DataFrame, polars.DataFrame)]
    for task in tasks:
        assert task.feature_names == ("size", "colour=blue", "colour=green", "colour=red", "ok")
        assert task.fingerprint == tasks[0].fingerprint
    network, _ = saved_and_loaded(tmp_path / "best.pt", tasks[0])
    expected = network.predict(pandas.DataFrame(table))
    np.testing.assert_array_equal(
        network.predict(polars.DataFrame(table).select("ok", "colour", "size")), expected
    )
    pandas.DataFrame(table).to_csv(tmp_path / "new.csv")
    np.testing.assert_allclose(network.predict(tmp_path / "new.csv"), expected, atol=1e-6)
    numbered = pandas.DataFrame(RNG.normal(size=(90, 2)))
    assert Task.from_arrays(numbered, pandas.Series(y)).feature_names == ()
    declared = pandas.DataFrame({"size": table["size"], "room": pandas.Categorical([11, 12] * 45)})
    assert Task.from_arrays(declared, y).feature_names == ("size", "room=11", "room=12")


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.lists(TEXTS, min_size=1, max_size=4, unique=True), st.floats(-1e6, 1e6), st.sampled_from(",;\t|"))
def test_the_rows_of_the_training_file_are_answered_as_in_training(tmp_path, words, offset, delimiter):
    rows = [
        (f"{offset + row * 0.5}", words[row % len(words)], ("b", "c")[row % 2], "yn"[row % 2])
        for row in range(40)
    ]
    path = write(tmp_path / "train.csv", ("size", "word", "letter", "y"), rows, delimiter)
    try:
        task = make_task({"name": "csv", "path": path, "target": "y"})
    except NASGymError:
        return  # such as a text that stands for a missing value
    network, module = saved_and_loaded(tmp_path / "best.pt", task)
    answers = network.predict(path)
    y = np.array([row[3] == "y" for row in rows]).astype(int)
    train, validation, test = stratified(y, (24, 8, 8), ("n", "y"), 0)
    for places, x in ((train, task.x_train), (validation, task.x_validation), (test, task.x_test)):
        np.testing.assert_allclose(answers[places], asked(module, x), atol=1e-6)


def test_a_module_of_another_task_or_architecture_is_not_kept(shop, tmp_path):
    task, _, _, _ = shop
    space, architecture, module = network_of(task)
    _, wider, other = network_of(task, architecture="relu-64")
    path = tmp_path / "best.pt"
    with pytest.raises(NASGymError, match="otherwise when it is saved"):
        save_network(path, space, task, architecture, other if str(wider) != str(architecture) else module)
    nan = network_of(task)[2]
    next(nan.parameters()).data.fill_(float("nan"))
    with pytest.raises(NASGymError, match="otherwise when it is saved"):
        save_network(path, space, task, architecture, nan)
    assert list(tmp_path.iterdir()) == []


def test_another_default_dtype_changes_no_answer(shop):
    task, network, _, file = shop
    expected = network.predict(task.sample.raw)
    torch.set_default_dtype(torch.float64)
    try:
        loaded = load_network(file.parent / "best.pt")
        np.testing.assert_array_equal(loaded.predict(task.sample.raw), expected)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_file_of_an_earlier_or_a_later_format_says_what_to_do(shop, tmp_path):
    content = torch.load(shop[3].parent / "best.pt", weights_only=True)
    for number, words in (
        (1, "delete it and give the same search command again"),
        (9, f"this version reads {saved_module.FORMAT}"),
    ):
        torch.save(content | {"format": number}, tmp_path / "old.pt")
        with pytest.raises(NASGymError, match=words):
            load_network(tmp_path / "old.pt")
