"""Values to be predicted, from files and from memory; every input that gives none is one sentence."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas_gym.errors import DataWarning, NASGymError
from nas_gym.tasks import Task, Values, make_task
from tests.helpers.refusals import refused

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = X @ [1, -2, 3, 0] + 5
ROWS = 60


@pytest.fixture
def write(tmp_path):
    """Writes a table of two columns, and returns the spec of the task that predicts the second."""

    def write(price, sep=",", name="houses.csv", size=lambda row: str(row * 0.5)):
        lines = [sep.join(("size", "price"))]
        lines += [sep.join((size(row), price(row))) for row in range(ROWS)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        path = str(tmp_path / name)
        return {"name": "csv", "path": path, "target": "price", "target_kind": "values"}

    return write


def values_of(task):
    """All values of a task in the units of the data, in ascending order."""
    parts = (task.y_train, task.y_validation, task.y_test)
    return np.sort(np.concatenate([task.target.answers(part)[:, 0] for part in parts]))


def test_a_column_of_numbers_is_predicted(write):
    task = make_task(write(lambda row: f"{row * row / 4}"))
    assert isinstance(task.target, Values)
    assert (task.target.names, task.outputs, task.target.words) == (("price",), 1, "1 value")
    assert task.feature_names == ("size",)
    np.testing.assert_allclose(values_of(task), [row * row / 4 for row in range(ROWS)], rtol=1e-4, atol=1e-3)
    x = task.x_train * task.scale + task.mean
    np.testing.assert_allclose(task.target.answers(task.y_train), x**2, rtol=1e-3, atol=1e-2)
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint


WRITTEN = {
    "plain": (lambda row: f"{row}.5", lambda row: row + 0.5),
    "exponent": (lambda row: f"{row}e-2", lambda row: row / 100),
    "leading zeros": (lambda row: f"{row:04d}", lambda row: row),
    "decimal comma": (lambda row: f"{row},25", lambda row: row + 0.25),
    "thousands and decimals": (lambda row: f"{row + 1},{row:03d}.5", lambda row: 1001 * row + 1000.5),
    "points between thousands": (lambda row: f"{row + 1}.{row:03d},5", lambda row: 1001 * row + 1000.5),
    "spaces between thousands": (lambda row: f"{row + 1} {row:03d}", lambda row: 1001 * row + 1000),
    "per cent": (lambda row: f"{row}%", lambda row: row / 100),
    "currency": (lambda row: f"${row}.25", lambda row: row + 0.25),
    "accounting": (lambda row: f"({row})" if row % 2 else f"{row}", lambda row: -row if row % 2 else row),
}


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
@pytest.mark.parametrize(("written", "meant"), WRITTEN.values(), ids=WRITTEN)
def test_numbers_are_read_as_those_of_features_are(write, written, meant):
    task = make_task(write(written, sep="\t"))
    expected = np.sort([meant(row) for row in range(ROWS)])
    np.testing.assert_allclose(values_of(task), expected, rtol=1e-5, atol=1e-3)
    as_feature = make_task(
        write(written, sep="\t", size=lambda row: "yn"[row % 2])
        | {"target": "size", "target_kind": None, "numeric": ["price"]}
    )
    parts = (as_feature.x_train, as_feature.x_validation, as_feature.x_test)
    raw = np.sort(np.concatenate([part[:, 0] * as_feature.scale + as_feature.mean for part in parts]))
    np.testing.assert_allclose(raw, expected, rtol=1e-5, atol=1e-3)


def test_a_reading_that_is_not_plain_is_said(write):
    said = "column 'price' is read as numbers with a decimal comma, '0,25' as 0.25"
    with pytest.warns(DataWarning, match=said):
        assert make_task(write(lambda row: f"{row},25", sep=";")).notes == (said,)
    assert make_task(write(lambda row: f"{row:04d}")).notes == ()


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_numbers_that_may_be_meant_in_two_ways_are_told_apart_by_the_option(write):
    spec = write(lambda row: f"{row + 1},{row:03d}", sep=";", size=lambda row: f"a{row % 3}")
    for decimal, low in ((".", 1000.0), (",", 1.0), ({"price": "."}, 1000.0)):
        assert values_of(make_task(spec | {"decimal": decimal}))[0] == pytest.approx(low, abs=1e-3)
    mixed = write(lambda row: f"{row % 9 + 1}.{row:03d}", sep=";", size=lambda row: f"{row},5")
    refused(r"column 'price' has numbers such as '1.000', .* pass decimal=\{'price': '.'\}", mixed)
    assert values_of(make_task(mixed | {"decimal": {"price": "."}}))[0] == pytest.approx(1.0, abs=1e-3)


BAD_CELLS = {
    "red": r"target 'price' has 'red' in row 4, and values are numbers: mend it, .* target_kind='classes'",
    "1O": "target 'price' has '1O' in row 4, and values are numbers",
    "1_000": "target 'price' has '1_000' in row 4, and values are numbers",
    "12 kg": "target 'price' has '12 kg' in row 4, and values are numbers",
    "inf": "target 'price' has 'inf' in row 4, and values are numbers",
    "-Infinity": "target 'price' has '-Infinity' in row 4",
    "1e400": "column 'price' of houses.csv has '1e400' in row 4, which is not a finite number",
    "1e39": "y has 1 values that are missing, infinite or beyond float32, the first at 3",
    "7,5": r"column 'price' writes numbers in several ways, such as '0.5' and '7,5': write them in one way$",
}


@pytest.mark.parametrize(("cell", "words"), BAD_CELLS.items(), ids=BAD_CELLS)
def test_a_cell_that_is_not_a_value_is_refused(write, cell, words):
    refused(words, write(lambda row: cell if row == 3 else f"{row}.5", sep=";"))


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_a_decimal_comma_says_nothing_of_whole_numbers(write):
    task = make_task(write(lambda row: f"{3 * row}") | {"decimal": {"price": ","}})
    assert task.notes == ()
    np.testing.assert_allclose(values_of(task), 3 * np.arange(ROWS), atol=1e-4)
    spec = {"decimal": ",", "target_kind": "values"}
    features = make_task(write(lambda row: f"{row},5", sep=";", size=lambda row: f"{3 * row}") | spec)
    raw = features.x_train * features.scale + features.mean
    np.testing.assert_allclose(raw, 3 * (features.target.answers(features.y_train) - 0.5), atol=1e-3)
    coded = make_task(write(lambda row: f"{row},5", sep=";", size=lambda row: f"{row % 9:03d}") | spec)
    assert coded.feature_names[:2] == ("size=000", "size=001")


def test_a_column_of_texts_is_refused(write):
    refused("target 'price' has 'cheap' in row 1, and values are numbers", write(lambda row: "cheap"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"target_kind": "value"},
            "unknown target_kind 'value': did you mean 'values'. known: classes, labels, values",
        ),
        ({"target_kind": ["values"]}, "unknown target_kind"),
        ({"target_kind": "classes"}, r"looks like regression: pass target_kind='values' to predict them"),
        ({"label_noise": 0.1}, "label_noise is for classes, and the task predicts 1 value: leave it out"),
        (
            {"categorical": ["price"]},
            "'price' is in categorical, and target_kind='values' predicts its numbers",
        ),
        ({"class_names": ["a"]}, "unknown option of the task 'csv' 'class_names'"),
        ({"drop": ["price"]}, "is the target and in drop"),
        ({"target": "prize"}, "did you mean 'price'"),
    ],
)
def test_options_that_do_not_fit_are_refused(write, options, words):
    refused(words, write(lambda row: f"{row}.5") | options)


@pytest.mark.parametrize(
    ("price", "part"),
    [(lambda row: "7", "train"), (lambda row: "7" if row % 30 else "8", "(validation|test)")],
)
def test_a_value_that_does_not_vary_in_a_part_is_refused(write, price, part):
    refused(f"target 'price' is the same in all .* examples of the {part} part", write(price))


def test_numbers_that_are_hardly_classes_are_read_as_values_and_said(write):
    spec = write(lambda row: f"{row}.5")
    del spec["target_kind"]
    with pytest.warns(
        DataWarning, match="target 'price' is read as values, 60 different numbers: categorical"
    ):
        assert make_task(spec).target.kind == "values"
    for y, said in (
        (Y, "since it has numbers such as"),
        (np.arange(90), "90 different numbers: class_names"),
    ):
        with pytest.warns(DataWarning, match=f"y is read as values, {said}"):
            task = Task.from_arrays(X, y)
        assert task.fingerprint == Task.from_arrays(X, y, target_kind="values").fingerprint
        refused("looks like regression", {"name": "arrays", "x": X, "y": y, "target_kind": "classes"})


NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(NUMBERS, min_size=30, max_size=40, unique=True), st.sampled_from([".", ","]))
def test_whatever_numbers_are_written_are_those_that_are_read(tmp_path, numbers, mark):
    lines = [f"{row}\t{number:.3f}".replace(".", mark) for row, number in enumerate(numbers)]
    (tmp_path / "t.tsv").write_text("\n".join(["place\tprice", *lines]) + "\n")
    spec = {"name": "csv", "path": tmp_path / "t.tsv", "target": "price", "target_kind": "values"}
    task = make_task(spec | {"decimal": mark})
    tolerance = 1e-6 * np.ptp(numbers)
    np.testing.assert_allclose(values_of(task), np.sort(numbers), atol=tolerance)


ARRAYS = {
    "a column": Y[:, None],
    "a list": Y.tolist(),
    "decimals": [Decimal(repr(number)) for number in Y.tolist()],
    "objects": Y.astype(object),
    "a structured array": np.array([(number,) for number in Y], dtype=[("price", float)]),
}


@pytest.mark.parametrize("y", ARRAYS.values(), ids=ARRAYS)
def test_values_in_memory_may_be_held_in_any_way(y):
    task = Task.from_arrays(X, y, target_kind="values")
    assert task.fingerprint == Task.from_arrays(X, Y, target_kind="values").fingerprint


@pytest.mark.parametrize("y", [np.arange(90), np.arange(90) % 2 == 0, np.arange(90).astype(np.float16)])
def test_whole_numbers_and_bools_are_values_where_the_user_says_so(y):
    task = Task.from_arrays(X, y, target_kind="values")
    np.testing.assert_allclose(values_of(task), np.sort(y.astype(float)), atol=1e-5)


def test_several_values_at_once_have_names():
    y = np.stack([Y, Y**2], axis=1)
    assert Task.from_arrays(X, y, target_kind="values").target.names == ("value 0", "value 1")
    named = Task.from_arrays(X, y, target_kind="values", target_names=["price", "rent"])
    assert named.target.names == ("price", "rent")
    assert make_task(json.loads(json.dumps(named.spec)) | {"x": X, "y": y}).fingerprint == named.fingerprint


def test_data_frames_name_their_values():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"price": Y, "rent": Y**2}
    expected = Task.from_arrays(X, np.stack([Y, Y**2], axis=1), target_kind="values").fingerprint
    for frame in (pandas.DataFrame(columns), polars.DataFrame(columns)):
        task = Task.from_arrays(X, frame, target_kind="values")
        assert task.target.names == ("price", "rent")
        assert task.fingerprint == expected
        assert Task.from_arrays(X, frame["rent"], target_kind="values").target.names == ("rent",)
    features = pandas.DataFrame({"size": X[:, 0], "colour": ["red", "green", "blue"] * 30})
    task = Task.from_arrays(features, pandas.Series(Y), target_kind="values")
    assert task.feature_names == ("size", "colour=blue", "colour=green", "colour=red")
    assert task.target.names == ("value",)
    missing = pandas.Series([None, *range(89)], dtype="Int64")
    refused(
        "y has 1 values that are missing", {"name": "arrays", "x": X, "y": missing, "target_kind": "values"}
    )


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (
            np.where(Y > 5, np.nan, Y),
            r"y has \d+ values that are missing, infinite or beyond float32, the first",
        ),
        (
            np.where(np.arange(90) == 7, np.inf, Y),
            "y has 1 values .* the first at 7: leave those examples out",
        ),
        (np.where(np.arange(90) == 7, 1e39, Y), "y has 1 values .* beyond float32, the first at 7"),
        ([None, *Y.tolist()[1:]], "y has 1 values .* the first at 0"),
        ([10**400] * 90, "y has 90 values .* beyond float32"),
        (np.ma.masked_greater(Y, 5), r"y has \d+ masked values"),
        (["red"] * 90, "y has the text 'red', and values are numbers: convert it, or predict classes"),
        (Y.astype(str), "y has the text .*, and values are numbers"),
        (Y + 0j, "y has a complex such as .*, and values are numbers"),
        (np.arange(90).astype("datetime64[D]"), "y has a date such as '1970-01-01'"),
        (Y[:, None][:, :0], r"y must be of shape \(n,\) or \(n, values\), not \(90, 0\): reshape it"),
        (Y.reshape(90, 1, 1), r"not \(90, 1, 1\)"),
        (3.0, r"y must be of shape \(n,\) or \(n, values\), not \(\)"),
        ([[1, 2], [3]] * 45, "y is no array: its rows differ in length"),
        (Y[:-1], "x has 90 examples and y 89 values: pass one value for each example"),
        (
            Y * 0,
            "target 'value' is the same in all 54 examples of the train part, which leaves nothing to",
        ),
        (np.stack([Y, Y * 0 + 1], axis=1), "target 'value 1' is the same in all"),
    ],
)
def test_arrays_that_hold_no_values_are_refused(y, words):
    refused(words, {"name": "arrays", "x": X, "y": y, "target_kind": "values"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"class_names": ["a", "b"]},
            "class_names are for classes, and target_kind is 'values': pass target_names",
        ),
        ({"target_names": ["a", "b"]}, "target_names has 2 names for 1 values in y: pass one for each"),
        ({"target_names": "price"}, "target_names must be a list of names"),
        ({"target_names": 3}, "target_names must be a list of names"),
        ({"label_noise": 0.5}, "label_noise is for classes"),
        ({"target_kind": "vals"}, "unknown target_kind 'vals': did you mean 'values'"),
        (
            {"y": Y > 5, "target_kind": None, "target_names": ["a"]},
            "target_names are for values: pass class_names",
        ),
        ({"y": np.stack([Y, Y], 1), "target_names": ["a", "a"]}, "target_names has 'a' twice"),
    ],
)
def test_options_that_do_not_fit_values_in_memory_are_refused(options, words):
    refused(words, {"name": "arrays", "x": X, "y": Y, "target_kind": "values"} | options)


def test_noise_of_the_inputs_and_a_smaller_training_part_are_options_as_for_classes():
    task = Task.from_arrays(X, Y, target_kind="values", train_size=30, noise=0.5)
    plain = Task.from_arrays(X, Y, target_kind="values", train_size=30)
    assert len(task.y_train) == 30
    np.testing.assert_array_equal(task.y_train, plain.y_train)
    assert (task.x_train != plain.x_train).all()


def test_an_npz_file_holds_values(tmp_path):
    np.savez(tmp_path / "houses.npz", x=X, y=Y)
    spec = {"name": "npz", "path": str(tmp_path / "houses.npz"), "target_kind": "values"}
    task = make_task(spec | {"target_names": ["price"]})
    assert (task.name, task.target.names) == ("houses", ("price",))
    assert task.fingerprint == Task.from_arrays(X, Y, target_kind="values").fingerprint
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint
    with pytest.warns(DataWarning, match="y is read as values"):
        assert make_task(str(tmp_path / "houses.npz")).fingerprint == task.fingerprint


def parts(**changes):
    ends = {"train": (0, 40), "validation": (40, 70), "test": (70, 90)}
    arrays = {f"x_{part}": X[a:b] for part, (a, b) in ends.items()}
    return arrays | {f"y_{part}": Y[a:b] for part, (a, b) in ends.items()} | changes


def test_an_npz_file_in_parts_is_standardised_by_its_training_part(tmp_path):
    np.savez(tmp_path / "parts.npz", **parts())
    task = make_task({"name": "npz", "path": tmp_path / "parts.npz", "target_kind": "values"})
    assert isinstance(task.target, Values)
    assert task.target.mean[0] == pytest.approx(Y[:40].mean(), abs=1e-5)
    assert task.target.scale[0] == pytest.approx(Y[:40].std(), rel=1e-6)
    np.testing.assert_allclose(task.target.answers(task.y_test)[:, 0], Y[70:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_test": X[:0], "y_test": Y[:0]}, "the test part has no examples: move some there"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "the train part has no examples: move some there"),
        (
            {"y_validation": Y[40:70] * 0},
            "target 'value' is the same in all 30 examples of the validation part",
        ),
        ({"x_test": X[:1], "y_test": Y[:1]}, "target 'value' is the same in all 1 examples of the test part"),
        (
            {"y_test": Y[70:] * 1e37, "y_train": Y[:40] * 1e-30},
            "y has values too far from the training part's",
        ),
    ],
)
def test_parts_without_values_that_vary_are_refused(tmp_path, changes, words):
    np.savez(tmp_path / "parts.npz", **parts(**changes))
    refused(words, {"name": "npz", "path": tmp_path / "parts.npz", "target_kind": "values"})


def test_values_that_float32_cannot_tell_apart_are_refused(tmp_path):
    np.savez(tmp_path / "parts.npz", **parts(y_validation=3 + 1e-12 * Y[40:70]))
    with pytest.raises(NASGymError, match="'value' is the same in all 30 examples of the validation part"):
        make_task({"name": "npz", "path": tmp_path / "parts.npz", "target_kind": "values"})
