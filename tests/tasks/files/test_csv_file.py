"""Tables in .csv files: numbers as they are, texts one-hot, and one sentence for what does not work."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nas_gym.errors import DataWarning
from nas_gym.tasks import make_task
from tests.helpers.refusals import refused

COLOURS = ("red", "green", "blue, pale")


def table(rows=60, **columns):
    """A table's lines; each column is a function of the row's number."""
    made = {
        "height": lambda row: f"{row * 0.5}",
        "colour": lambda row: f'"{COLOURS[row % 3]}"',
        "species": lambda row: ("cat", "dog")[row % 2],
    } | columns
    lines = [",".join(made)] + [",".join(cell(row) for cell in made.values()) for row in range(rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="animals.csv", encoding="utf-8"):
        (tmp_path / name).write_text(text, encoding=encoding)
        return {"name": "csv", "path": str(tmp_path / name), "target": "species"}

    return write


def raw(task):
    return np.round(task.x_train * task.scale + task.mean, 4)


def test_numbers_stay_and_texts_become_one_feature_each(write):
    task = make_task(write(table()))
    assert task.name == "animals"
    assert task.feature_names == ("height", "colour=blue, pale", "colour=green", "colour=red")
    assert task.target.names == ("cat", "dog")
    for values, label in zip(raw(task), task.y_train, strict=True):
        row = round(values[0] * 2)
        assert values[1:].tolist() == [float(row % 3 == 2), float(row % 3 == 1), float(row % 3 == 0)]
        assert label == row % 2


def test_a_csv_task_is_rebuilt_from_its_spec(write):
    task = make_task(write(table()) | {"drop": ["colour"], "train_size": 12})
    assert task.feature_names == ("height",)
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint


def test_a_byte_order_mark_spaces_blank_lines_and_another_delimiter_are_read(write):
    plain = make_task(write(table(colour=lambda row: COLOURS[row % 2]), "a.csv")).fingerprint
    text = table(colour=lambda row: f" {COLOURS[row % 2]} ").replace(",", ";").replace("\n", "\r\n\r\n")
    assert make_task(write(text, "b.csv", "utf-8-sig") | {"delimiter": ";"}).fingerprint == plain


def test_numbers_may_be_treated_as_categories(write):
    spec = write(table(room=lambda row: str(row % 2 + 11)))
    assert make_task(spec | {"categorical": ["room"], "drop": "colour"}).feature_names == (
        "height",
        "room=11",
        "room=12",
    )


@pytest.mark.parametrize(
    ("label", "names"),
    [
        (lambda row: str(9 + row % 3), ("9", "10", "11")),
        (lambda row: f"{row % 2}.0", ("0.0", "1.0")),
        (lambda row: str(row % 2 == 1), ("False", "True")),
        (lambda row: ("1_1", "11", "2")[row % 3], ("11", "1_1", "2")),
        (lambda row: ("01", "1", "2")[row % 3], ("01", "1", "2")),
        (lambda row: ("1e1", "10", "2")[row % 3], ("2", "10", "1e1")),
        (lambda row: ("\u0661", "\u0662")[row % 2], ("\u0661", "\u0662")),
        (lambda row: str(10**20 + row % 3), tuple(str(10**20 + k) for k in range(3))),
        (lambda row: ("None", "Apnea")[row % 2], ("Apnea", "None")),
        (lambda row: ("NA", "US")[row % 2], ("NA", "US")),
    ],
)
@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_labels_are_the_texts_of_the_file_and_never_merged(write, label, names):
    spec = write(table(species=label)) | {"target_kind": "classes"}
    assert make_task(spec).target.names == names


def test_an_infinite_value_names_the_column(write):
    refused("column 'age' has 'inf' in row 5", write(table(age=lambda row: "inf" if row == 4 else "7")))


def test_numbers_spoilt_by_a_text_are_not_turned_into_categories(write):
    spec = write(table(age=lambda row: "12 years" if row == 40 else str(row)))
    refused("column 'age' has '12 years' in row 41 and 59 numbers in its 60 rows", spec)


@pytest.mark.parametrize(
    "label", [lambda row: str(row), lambda row: f"{row % 11}.5", lambda row: f"{row % 20},5"]
)
@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_a_target_of_many_numbers_is_read_as_values_and_said(write, label):
    spec = write(table(species=lambda row: f'"{label(row)}"'))
    task = make_task(spec)
    count = len({label(row) for row in range(60)})
    assert task.target == make_task(spec | {"target_kind": "values"}).target
    assert task.notes[0] == (
        f"target 'species' is read as values, {count} different numbers: categorical=['species'] says that "
        "they are classes"
    )
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint
    refused(
        "target 'species' has .* different numbers.* looks like regression: pass target_kind='values'",
        spec | {"target_kind": "classes"},
    )


def test_numbers_of_which_few_are_too_rare_for_a_class_are_refused(write):
    spec = write(table(species=lambda row: "99" if row == 7 else str(row % 12)))
    refused("13 different numbers, 1 of them in fewer than 3 .* or, if they are classes, remove", spec)


def test_few_numbers_with_decimals_are_classes_and_many_whole_numbers_are_said(write):
    with pytest.warns(DataWarning, match="3 different numbers that are not whole"):
        doses = make_task(write(table(species=lambda row: f"{row % 3}.5")))
    assert doses.target.names == ("0.5", "1.5", "2.5")
    assert "3 different numbers that are not whole, read as classes" in doses.notes[0]
    with pytest.warns(DataWarning, match="60 different whole numbers"):
        named = make_task(write(table(300, species=lambda row: str(20 + row % 60))))
    assert any("60 different whole numbers, read as classes" in note for note in named.notes)
    plates = write(table(species=lambda row: f"{row % 12}.5")) | {"categorical": ["species"]}
    assert make_task(plates).outputs == 12


def test_a_target_that_does_not_exist_lists_the_columns_and_the_nearest(write):
    spec = write(table()) | {"target": "specie"}
    refused(
        "target column of animals.csv 'specie': did you mean 'species'.* known: colour, height, species",
        spec,
    )


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "has no rows"),
        ("a,species\n", {}, "has no rows"),
        ("a,species\n1,x\n2\n", {}, "line 3 of .* has 1 cells for 2 columns"),
        ("a,a,species\n1,2,x\n", {}, "column 'a' twice"),
        ("species\nx\ny\n", {}, "no column beside the target"),
        ('a,species\n"1,x\n', {}, "cannot be read as a .csv file"),
        (table(), {"drop": ["colr"]}, "unknown column in drop 'colr'"),
        (table(), {"drop": ["species"]}, "is the target and in drop"),
        (table(), {"categorical": ["size"]}, "unknown column in categorical 'size'"),
        (table(), {"delimiter": "::"}, "delimiter must be one character"),
        (table(), {"delimiter": ";"}, "unknown target column"),
    ],
)
def test_a_table_that_makes_no_task_is_refused(write, text, options, words):
    refused(words, write(text) | options)


def test_another_encoding_and_a_missing_file_are_refused(write, tmp_path):
    refused(
        "cannot be read as a .csv file in UTF-8", write(table(colour=lambda row: "grün"), encoding="latin-1")
    )
    refused("there is no file", {"name": "csv", "path": str(tmp_path / "gone.csv"), "target": "species"})
    refused("needs the option 'target'", str(tmp_path / "animals.csv"))
