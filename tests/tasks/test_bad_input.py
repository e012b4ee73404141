"""Data that cannot be used is refused in one sentence and with exit code 2, whatever is wrong with it."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pytest

from nas_gym import cli
from nas_gym.deploy import save_network
from nas_gym.errors import DataWarning, NASGymError
from nas_gym.estimators import NASClassifier
from nas_gym.evaluators import TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from nas_gym.tasks.reading.raw_table import MOST_COLUMNS
from nas_gym.tasks.reading.table_file import read_table

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(40, 2)).round(3)


def table(labels, second=None):
    """A table of 40 rows as text."""
    second = NUMBERS[:, 1] if second is None else second
    rows = zip(NUMBERS[:, 0], second, labels, strict=True)
    return "a,b,y\n" + "".join(f"{one},{other},{label}\n" for one, other, label in rows)


GOOD = ["yes", "no"] * 20
BAD = {
    "empty": ("", "has no rows"),
    "blank lines": ("\n\n\n", "has no rows"),
    "header only": ("a,b,y\n", "has no rows"),
    "target absent": (table(GOOD).replace("a,b,y", "a,b,z"), "unknown target column of bad.csv 'y'"),
    "a single class": (table(["yes"] * 40), "target 'y' has one class, 'yes', in all 40 rows"),
    "a class with one row": (table(["maybe", *GOOD[1:]]), "class 'maybe' has 1 of the at least 3 examples"),
    "a target without values": (table([""] * 40), "target 'y' misses 40 of 40 values"),
    "only columns without values": (
        "b,y\n" + "".join(f",{label}\n" for label in GOOD),
        "no column that can be a feature: column 'b' has no values",
    ),
    "an infinite value": (table(GOOD, ["inf", *NUMBERS[1:, 1]]), "column 'b' has 'inf' in row 1"),
    "an infinite target": (table(["inf", *NUMBERS[1:, 0]]), "target 'y' has 'inf' in row 1 and 3"),
    "one text among numbers": (table(GOOD, ["abc", *NUMBERS[1:, 1]]), "column 'b' has 'abc' in row 1"),
    "no table": ("once upon a time\n\na, table, that, was none\n", "line 3 of bad.csv has 4 cells for 1"),
    "a web page": ("<html><body>no</body></html>", "bad.csv is a page of HTML or XML"),
    "JSON": ('{"a": 1}', "bad.csv is JSON"),
    "too many columns": (
        ",".join(f"c{number}" for number in range(MOST_COLUMNS + 1)) + ",y\n1\n",
        "bad.csv has 100,002 columns, and at most 100,000 can be read",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_in_one_sentence_with_exit_code_2(what, tmp_path, capsys, monkeypatch):
    text, words = BAD[what]
    path = tmp_path / "bad.csv"
    path.write_text(text)
    monkeypatch.setattr(
        "sys.argv", ["nas-gym", "fit", str(path), "--target", "y", "--out", str(tmp_path / "run")]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in told
    assert told.startswith("nas-gym: ")
    assert not (tmp_path / "run").exists()
    with pytest.raises(NASGymError) as caught:
        make_task({"name": "csv", "path": str(path), "target": "y"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 20, b"%PDF-1.4 text", b"\x80\x04pickle", b"PK\x03\x04broken"]
)
def test_a_file_that_is_no_table_is_refused(content, tmp_path):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(NASGymError) as caught:
        make_task({"name": "csv", "path": str(tmp_path / "bad.csv"), "target": "y"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad.csv", "bad.csv is no text"),
        ("bad.csv.gz", "bad.csv.gz is not compressed, although it ends in .gz, and is no table of text"),
        ("bad.parquet", "bad.parquet is not a Parquet file, although it ends in .parquet, and is no table"),
        ("bad.xlsx", "bad.xlsx is not an Excel workbook, although it ends in .xlsx, and is no table of text"),
    ],
)
def test_random_bytes_are_refused_whatever_their_name(name, words, tmp_path):
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(3000))
    with pytest.raises(NASGymError, match=words):
        make_task({"name": "csv", "path": str(tmp_path / name), "target": "y"})


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("plain.csv.gz", "not compressed"),
        ("plain.zip", "not compressed"),
        ("plain.xlsx", "not an Excel workbook"),
        ("plain.parquet", "not a Parquet file"),
    ],
)
def test_a_text_whose_name_says_that_it_is_something_else_is_read_and_said(name, what, tmp_path):
    (tmp_path / name).write_text(table(GOOD))
    with pytest.warns(DataWarning, match=f"{name} is {what}, although it ends in .*, and is read as a table"):
        task = make_task({"name": "csv", "path": str(tmp_path / name), "target": "y"})
    assert task.feature_names == ("a", "b")


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_labels_of_mixed_types_are_refused_unless_a_file_is_said_to_hold_classes(tmp_path):
    book = openpyxl.Workbook()
    for row in (("a", "y"), *((float(one), ("1", 1)[place % 2]) for place, one in enumerate(NUMBERS[:, 0]))):
        book.active.append(row)
    book.save(tmp_path / "mixed.xlsx")
    spec = {"name": "csv", "path": str(tmp_path / "mixed.xlsx"), "target": "y"}
    with pytest.raises(NASGymError, match="target 'y' mixes labels of several types, such as '1' and 1"):
        make_task(spec)
    mixed = [("1", 1)[place % 2] for place in range(40)]
    with pytest.raises(NASGymError, match="y mixes labels of several types"):
        Task.from_arrays(NUMBERS, mixed)
    for y in (mixed, np.array(mixed, dtype=object), [None, *GOOD[1:]]):
        with pytest.raises(NASGymError, match=r"y (mixes labels|misses 1)"):
            NASClassifier().fit(NUMBERS, y)
    spec = {"name": "csv", "path": str(tmp_path / "texts.csv"), "target": "y"}
    (tmp_path / "texts.csv").write_text(table(["1", "a"] * 20))
    with pytest.raises(NASGymError, match="mixes labels of several types, such as '1' and 'a', the latter"):
        make_task(spec)
    for meant in ({"categorical": ["y"]}, {"target_kind": "classes"}):
        assert make_task(spec | meant).target.names == ("1", "a")
    (tmp_path / "texts.csv").write_text(table(["1", "a", "b", "c"] * 10))
    task = make_task(spec)
    assert task.target.names == ("1", "a", "b", "c")
    assert any("'1' and 'a', which are all read as texts" in note for note in task.notes)


def test_too_many_features_are_refused_in_arrays_and_frames_too():
    wide = np.zeros((6, MOST_COLUMNS + 1), dtype=np.uint8)
    for x in (wide, pd.DataFrame(wide).rename(columns=str).rename(columns={"0": "first"})):
        with pytest.raises(NASGymError, match="x has 100,001 columns"):
            Task.from_arrays(x, [0, 1] * 3)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,b\n1,text\n", "column 'b' of new.csv has 'text' in row 1, expected a number"),
        ("a,b\n1,inf\n", "column 'b' of new.csv has 'inf' in row 1, expected a number"),
        ("a,b\n1,\n", "column 'b' misses 1 of 1 values"),
        ("a,c\n1,2\n", "lacks a column that the network was trained on"),
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_rows_that_cannot_be_answered_are_refused_and_nothing_is_written(
    rows, words, tmp_path, capsys, monkeypatch
):
    (tmp_path / "good.csv").write_text(table(GOOD))
    task = make_task({"name": "csv", "path": str(tmp_path / "good.csv"), "target": "y"})
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architecture = space.parse("relu-16")
    module, _ = TrainEvaluator(space, task, "cpu", recipe={"epochs": 1}).fit(architecture, 0)
    save_network(tmp_path / "n.pt", space, task, architecture, module)
    (tmp_path / "new.csv").write_text(rows)
    monkeypatch.setattr("sys.argv", ["nas-gym", "predict", str(tmp_path / "n.pt"), str(tmp_path / "new.csv")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert words in told[0]
    assert not (tmp_path / "new-predicted.csv").exists()


def test_several_troubles_are_told_in_one_sentence(tmp_path):
    path = tmp_path / "bad.csv"
    text = table(["inf", *NUMBERS[1:, 0]], ["abc", *NUMBERS[1:, 1]])
    path.write_text(text.replace("a,b,y", "a,b,y").replace("\n", ",p\n").replace("a,b,y,p", "a,b,y,patient"))
    with pytest.raises(NASGymError) as caught:
        make_task(
            {
                "name": "csv",
                "path": str(path),
                "target": "y",
                "drop": ["c"],
                "categorical": ["d"],
                "group": "patience",
            }
        )
    told = str(caught.value)
    assert told.startswith("bad.csv has 5 troubles: ")
    for words in (
        "unknown column in categorical 'd'",
        "unknown column in drop 'c'",
        "unknown column in group 'patience': did you mean 'patient'?",
        "target 'y' has 'inf' in row 1",
        "column 'b' has 'abc' in row 1",
    ):
        assert words in told
    assert "\n" not in told


@pytest.mark.parametrize("title", ["# of 2024\n", "Sales of 2024\n\n"])
def test_a_title_above_the_names_of_the_columns_is_pointed_out(title, tmp_path):
    spec = {"name": "csv", "path": str(tmp_path / "t.csv"), "target": "y"}
    (tmp_path / "t.csv").write_text(title + table(GOOD))
    with pytest.raises(NASGymError, match=r"3 cells for 1 columns: .* delete the lines above the names"):
        make_task(spec)
    (tmp_path / "t.csv").write_text(title + "a,y\n" + "".join(f"{n},u\n{n},v\n" for n in range(9)))
    words = "has no column 'y' in line 1, .*, but 'y' in row 1: .* delete the lines before it"
    with pytest.raises(NASGymError, match=words):
        make_task(spec)


def test_data_of_fewer_examples_than_parts_are_refused_in_words(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n1,u\n2,v\n")
    with pytest.raises(NASGymError, match=r"the data have 2 examples, and training, .*: bring more"):
        make_task({"name": "csv", "path": str(tmp_path / "t.csv"), "target": "y"})


def test_all_columns_that_new_rows_lack_are_named(tmp_path):
    (tmp_path / "good.csv").write_text(table(GOOD))
    task = make_task({"name": "csv", "path": str(tmp_path / "good.csv"), "target": "y"})
    (tmp_path / "new.csv").write_text("c,d\n1,2\n")
    with pytest.raises(NASGymError, match=r"new.csv lacks 2 columns .*, 'a', 'b'; .*known: c, d$"):
        task.encoder.encode(read_table(tmp_path / "new.csv"))
