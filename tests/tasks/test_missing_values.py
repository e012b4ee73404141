"""Missing cells are filled by the training part and flagged, or a category; rows without a target counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nas_gym.errors import DataWarning, NASGymError
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.splits import stratified
from tests.helpers.refusals import refused

ROWS = 60
LABELS = np.arange(ROWS) % 2
TRAIN, VALIDATION, TEST = stratified(LABELS, (36, 12, 12), ("a", "b"), 0)

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")


@pytest.fixture
def spec_of(tmp_path):
    """The spec of a table of size, age, colour and y, of which columns may be others."""

    def spec_of(**columns):
        made = {
            "size": lambda row: f"{row * 0.5}",
            "age": lambda row: str(20 + row),
            "colour": lambda row: ("red", "green")[row % 3 == 0],
            "y": lambda row: "ab"[row % 2],
        } | columns
        lines = [",".join(made)] + [",".join(cell(row) for cell in made.values()) for row in range(ROWS)]
        (tmp_path / "people.csv").write_text("\n".join(lines))
        return {"name": "csv", "path": str(tmp_path / "people.csv"), "target": "y"}

    return spec_of


def raw(task, part="train"):
    x = getattr(task, f"x_{part}") * task.scale + task.mean
    return dict(zip(task.feature_names, np.round(x.T, 3), strict=True))


GAPS = {*TRAIN[:4].tolist(), *TEST[:2].tolist()}


@pytest.mark.parametrize("missing", ["", "NA", "nan", "?", " ", "#DIV/0!"])
def test_a_missing_number_is_the_median_of_the_training_part_and_flagged(spec_of, missing):
    task = make_task(spec_of(age=lambda row: missing if row in GAPS else str(20 + row)))
    assert task.feature_names == ("size", "age", "age is missing", "colour=green", "colour=red")
    median = np.median([20 + row for row in TRAIN if row not in GAPS])
    for part, places in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST)):
        features = raw(task, part)
        assert features["age"].tolist() == [median if row in GAPS else 20 + row for row in places]
        assert features["age is missing"].tolist() == [float(row in GAPS) for row in places]
    assert any("median of the training part" in note and f"'age' {median:g}" in note for note in task.notes)
    assert make_task(json.loads(json.dumps(task.spec))).fingerprint == task.fingerprint


def test_a_number_that_is_missing_outside_the_training_part_only_is_filled_and_not_flagged(spec_of):
    row = int(TEST[0])
    task = make_task(spec_of(age=lambda each: "" if each == row else str(20 + each)))
    assert task.feature_names == ("size", "age", "colour=green", "colour=red")
    assert raw(task, "test")["age"][0] == np.median(20 + TRAIN)


def test_the_fill_comes_from_the_training_part_alone(spec_of):
    first = make_task(spec_of(age=lambda row: "" if row in GAPS else str(20 + row)))
    others = {*VALIDATION.tolist(), *TEST.tolist()}
    spec = spec_of(age=lambda row: "" if row in GAPS else str(1000 if row in others else 20 + row))
    np.testing.assert_array_equal(make_task(spec).x_train, first.x_train)


def test_a_missing_text_is_a_category_of_its_own(spec_of):
    task = make_task(spec_of(colour=lambda row: "" if row in GAPS else ("red", "green")[row % 3 == 0]))
    assert task.feature_names == ("size", "age", "colour=green", "colour=red", "colour is missing")
    features = raw(task)
    assert features["colour is missing"].tolist() == [float(row in GAPS) for row in TRAIN]
    assert (features["colour=green"] + features["colour=red"] + features["colour is missing"] == 1).all()
    assert any("category of their own in 'colour' (6 of 60)" in note for note in task.notes)


def test_numbers_of_another_form_truths_and_named_texts_may_be_missing(spec_of):
    task = make_task(
        spec_of(
            age=lambda row: "" if row in GAPS else f"${row}.50",
            colour=lambda row: "-9" if row in GAPS else str(row % 5),
        )
        | {"missing": ["", "-9"]}
    )
    assert task.feature_names == ("size", "age", "age is missing", "colour", "colour is missing")
    assert raw(task)["colour"].max() == 4
    assert raw(task)["colour"].min() == 0
    x = {"ok": [None if row in GAPS else row % 4 == 0 for row in range(ROWS)], "size": list(range(ROWS))}
    pandas = pytest.importorskip("pandas")
    made = Task.from_arrays(pandas.DataFrame(x), LABELS)
    assert made.feature_names == ("ok", "ok is missing", "size")
    assert set(raw(made)["ok"].tolist()) == {0.0, 1.0}


def test_data_frames_with_gaps_are_read_as_files_are(spec_of):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    spec = spec_of(
        age=lambda row: "" if row in GAPS else str(20 + row),
        colour=lambda row: "" if row % 7 == 0 else ("red", "green")[row % 3 == 0],
    )
    expected = make_task(spec)
    for frame in (pandas.read_csv(spec["path"]), polars.read_csv(spec["path"])):
        y = frame["y"]
        x = frame[["size", "age", "colour"]]
        task = Task.from_arrays(x, y)
        assert task.feature_names == expected.feature_names
        assert task.fingerprint == expected.fingerprint


def test_missing_values_are_refused_where_that_is_asked_for(spec_of):
    spec = spec_of(age=lambda row: "" if row in (4, 9) else "7") | {"impute": False}
    refused(r"column 'age' misses 2 of 60 values, the first in row 5: .*drop=\['age'\]", spec)
    refused("impute must be true or false, not 'yes'", spec | {"impute": "yes"})


def test_columns_without_values_are_left_out_and_said(spec_of):
    spec = spec_of(age=lambda row: "", colour=lambda row: "x" if row in set(TEST.tolist()) else "NA")
    task = make_task(spec | {"missing": ["", "NA"]})
    assert task.feature_names[0] == "size"
    assert "column 'age' has no values and is left out" in task.notes
    assert not any("category of their own" in note for note in task.notes)  # of a column that is left out
    known = {int(TEST[0]): "3", int(TEST[1]): "4"}
    outside = make_task(spec_of(age=lambda row: known.get(row, "")))
    assert outside.feature_names == ("size", "colour=green", "colour=red")
    assert any("column 'age' has no value in the training part" in note for note in outside.notes)
    refused(
        "no column that can be a feature: column 'size' has no values",
        spec_of(age=lambda row: "", colour=lambda row: "", size=lambda row: ""),
    )


def test_rows_without_a_label_are_counted_and_left_out_or_refused(spec_of):
    spec = spec_of(y=lambda row: "" if row % 10 == 3 else "ab"[row % 2])
    with pytest.warns(DataWarning, match=r"target 'y' misses 6 of 60 values, the first in row 4: those rows"):
        task = make_task(spec)
    rows = [row for row in range(ROWS) if row % 10 != 3]
    parts = [raw(task, part)["size"] for part in ("train", "validation", "test")]
    assert sorted(np.concatenate(parts)) == [row * 0.5 for row in rows]
    for values, y in zip(parts, (task.y_train, task.y_validation, task.y_test), strict=True):
        assert (np.round(values * 2) % 2 == y).all()
    refused(
        "target 'y' misses 6 of 60 values, the first in row 4: leave", spec | {"missing_target": "refuse"}
    )
    refused("unknown missing_target 'dorp': did you mean 'drop'", spec | {"missing_target": "dorp"})
    refused("target 'y' misses 60 of 60 values", spec_of(y=lambda row: "?"))


def test_rows_without_a_value_are_counted_and_left_out(spec_of):
    spec = spec_of(y=lambda row: "NA" if row % 10 == 3 else f"{row},5".replace(",", "."))
    task = make_task(spec | {"target_kind": "values"})
    assert "target 'y' misses 6 of 60 values, the first in row 4: those rows are left out" in task.notes
    size, y = raw(task)["size"], task.target.answers(task.y_train)[:, 0]
    np.testing.assert_allclose(y, size * 2 + 0.5, atol=1e-3)
    refused("column 'y' misses 60 of 60", spec_of(y=lambda row: "") | {"target_kind": "values"})


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_rows_of_a_data_frame_without_a_target_are_left_out(kind):
    pandas = pytest.importorskip("pandas")
    x = pandas.DataFrame({"size": np.arange(90) * 0.5, "age": np.arange(90) ** 2})
    y = pandas.Series(np.where(np.arange(90) % 9 == 4, np.nan, np.arange(90) % 2), name="bought")
    task = Task.from_arrays(x, y, target_kind=kind)
    assert sum(map(len, (task.y_train, task.y_validation, task.y_test))) == 80
    assert task.target.names == (("0", "1") if kind == "classes" else ("bought",))
    assert task.notes[0] == "y misses 10 of 90 values, the first in row 5: those rows are left out"
    with pytest.raises(NASGymError, match="y misses 10 of 90 values"):
        Task.from_arrays(x, y, target_kind=kind, missing_target="refuse")


def test_constant_and_equal_columns_are_left_out_and_said(spec_of):
    in_test = set(TEST.tolist())
    task = make_task(
        spec_of(
            unit=lambda row: "kg",
            year=lambda row: "2025" if row in in_test else "2024",
            half=lambda row: f"{row * 0.5}",
            shade=lambda row: ("rot", "gruen")[row % 3 == 0],
            hue=lambda row: ("x", "z")[row % 3 == 0],
        )
    )
    assert task.feature_names == ("size", "age", "colour=green", "colour=red", "hue=x", "hue=z")
    assert "columns 'unit', 'year' have the same cell in all 36 training rows and are left out" in task.notes
    equal = "'half' (as 'size'), 'shade' (as 'colour')"
    assert f"columns that equal another in training are left out: {equal}" in task.notes
    assert task.encoder.names == ("size", "age", "colour", "hue")
    assert task.sample.raw.shape == (16, 4)
    refused(
        "no column is left that can be a feature: columns 'size', 'age', 'colour' have the same cell",
        spec_of(size=lambda row: "1", age=lambda row: "2", colour=lambda row: "red"),
    )


def test_all_troubles_of_a_file_are_told_at_once(spec_of):
    spec = spec_of(
        age=lambda row: "1O" if row == 4 else str(row),
        size=lambda row: "7,5" if row == 3 else "7.5",
        note=lambda row: "inf" if row == 1 else str(row),
    )
    path = Path(spec["path"])
    path.write_text(path.read_text().replace("7,5", '"7,5"'))
    refused(
        "people.csv has 3 columns that cannot be read: column 'size' writes numbers in several ways.*; "
        "column 'age' has '1O' in row 5.*; column 'note' has 'inf' in row 2",
        spec,
    )
