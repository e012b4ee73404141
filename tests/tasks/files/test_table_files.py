"""Tables in files of every kind: delimiters, encodings, compression, row numbers, and what is named only."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas_gym.errors import DataWarning
from nas_gym.tasks import make_task
from nas_gym.tasks.reading.raw_table import ALWAYS_MISSING, ERRORS, MISSING_WORDS
from tests.helpers.refusals import refused

ROWS = [("size, cm", "colour", "y")] + [
    (f"{row * 0.5}", ("red", "green", "blue, pale")[row % 3], "ab"[row % 2]) for row in range(60)
]


def text(delimiter=",", rows=ROWS, **options):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, **options).writerows(rows)
    return file.getvalue()


@pytest.fixture
def task_of(tmp_path):
    def task_of(content, name="a.csv", **options):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return make_task({"name": "csv", "path": tmp_path / name, "target": "y", **options})

    return task_of


@pytest.fixture
def plain(task_of):
    return task_of(text(), "plain.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_delimiter_is_recognised(task_of, plain, delimiter, quoting):
    task = task_of(text(delimiter, quoting=quoting))
    assert (task.fingerprint, task.feature_names) == (plain.fingerprint, plain.feature_names)
    assert task.notes == ()


def test_an_option_and_the_line_of_excel_say_the_delimiter(task_of, plain):
    assert task_of(text("^"), delimiter="^").fingerprint == plain.fingerprint
    assert task_of("sep=;\r\n" + text(";")).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-8", codecs.BOM_UTF8 * 2),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_a_byte_order_mark_and_the_encodings_of_unicode_are_no_trouble(task_of, plain, encoding, mark):
    rows = [("y", "colour", "size, cm"), *([*reversed(row)] for row in ROWS[1:])]
    for delimiter in ",;":
        content = mark + text(delimiter, rows).encode(encoding)
        assert task_of(content).target.names == plain.target.names


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"encoding": 5}, "encoding must be a text, not 5"),
        ({"encoding": "klingon"}, "encoding 'klingon' is not known"),
        ({"sheet": "data"}, "a.csv is no workbook"),
        ({"delimiter": ""}, "delimiter must be one character"),
    ],
)
def test_an_option_that_does_not_fit_the_file_is_named(tmp_path, option, words):
    (tmp_path / "a.csv").write_text(text())
    refused(words, {"name": "csv", "path": tmp_path / "a.csv", "target": "y", **option})


def test_another_encoding_is_read_where_it_is_named(task_of):
    content = text(rows=[*ROWS, ("3", "grün", "a")]).encode("latin-1")
    assert "colour=grün" in task_of(content, encoding="latin-1").feature_names


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.csv.gz", gzip.compress),
        ("a.csv.bz2", bz2.compress),
        ("a.csv.xz", lzma.compress),
        ("a.csv", gzip.compress),
        ("a.txt", lambda content: content),
        ("a", lambda content: content),
    ],
)
def test_a_compressed_file_is_read_whatever_its_name(task_of, plain, name, pack):
    assert task_of(pack(text().encode()), name).fingerprint == plain.fingerprint


def test_an_archive_of_one_table_is_read(task_of, plain):
    def archive(*names):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as made:
            for name in names:
                made.writestr(name, text())
        return file.getvalue()

    assert task_of(archive("data/a.csv"), "a.zip").fingerprint == plain.fingerprint
    with pytest.raises(ValueError, match="archive of 2 files"):
        task_of(archive("a.csv", "b.csv"), "a.zip")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", bytes(range(256)) * 2, "is not an Excel workbook, .* no table of text either"),
        ("a.parquet", b"", "has no rows: it needs a line of column names"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(99), "old Excel workbook .* cannot be read here: .csv"),
        ("a.csv", b"\x89HDF\r\n", "an HDF5 file, a kind of file that cannot be read"),
        ("a.pkl", b"\x80\x04\x95", "a pickle, which is never loaded"),
        ("a.json", b'[{"a": 1}]', "JSON, a kind of file"),
        ("a.csv", b"<!DOCTYPE html>", "a page of HTML"),
        ("a.csv.gz", gzip.compress(text().encode())[:90], "is damaged .* bring the whole file"),
        ("a.zip", b"PK\x03\x04" + bytes(30), "is damaged"),
        ("a.csv", b"5.1,3.5,0\n4.9,3.0,1\n", "seems to be an example: add a line of column names"),
    ],
    ids=map(str, range(10)),
)
def test_a_file_of_another_kind_is_named_as_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    refused(words, {"name": "csv", "path": tmp_path / name, "target": "y"})


def test_arrays_of_numpy_with_and_without_columns(tmp_path, task_of):
    table = np.array([(row * 0.5, "ab"[row % 2]) for row in range(60)], dtype=[("size", float), ("y", "U1")])
    np.save(tmp_path / "a.npy", table)
    spec = {"name": "csv", "path": tmp_path / "a.npy", "target": "y"}
    assert make_task(spec).feature_names == ("size",)
    np.save(tmp_path / "a.npy", np.zeros((60, 3)))
    refused(r"holds one array of shape \(60, 3\).*numpy.savez", spec)
    np.savez(tmp_path / "a.npz", x=np.zeros((60, 3)), y=np.arange(60) % 2)
    refused("an .npz file of arrays without columns", spec | {"path": tmp_path / "a.npz"})


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("", lambda row: row),
        ("", lambda row: row * 7 % 60),
        ("", lambda row: f"name {row}"),
        ("Unnamed: 0", lambda row: row % 30),
        ("id", lambda row: row + 1),
        ("Index", lambda row: row),
    ],
)
def test_row_numbers_and_names_are_left_out_and_said(task_of, plain, header, cell):
    rows = [(header, *ROWS[0]), *((cell(row), *cells) for row, cells in enumerate(ROWS[1:]))]
    with pytest.warns(DataWarning, match="left out"):
        task = task_of(text(rows=rows))
    assert (task.fingerprint, task.feature_names) == (plain.fingerprint, plain.feature_names)
    assert len(task.notes) == 1
    assert "left out" in task.notes[0]


def test_row_names_of_r_and_empty_last_cells_are_read(task_of, plain):
    named = [ROWS[0], *((row, *cells) for row, cells in enumerate(ROWS[1:]))]
    with pytest.warns(DataWarning, match="left out"):
        assert task_of(text(rows=named)).fingerprint == plain.fingerprint
    ended = [ROWS[0], *((*cells, "") for cells in ROWS[1:])]
    assert task_of(text(rows=ended)).fingerprint == plain.fingerprint
    both = [(*ROWS[0], ""), *((*cells, "") for cells in ROWS[1:])]
    with pytest.warns(DataWarning, match="left out"):
        assert task_of(text(rows=both)).fingerprint == plain.fingerprint


def test_a_named_column_that_counts_the_rows_stays_and_is_said(task_of):
    rows = [("day", *ROWS[0]), *((row, *cells) for row, cells in enumerate(ROWS[1:]))]
    with pytest.warns(DataWarning, match="counts the rows"):
        task = task_of(text(rows=rows))
    assert task.feature_names[0] == "day"
    assert "column 'day' counts the rows" in task.notes[0]


def cleaned(label):
    return label.strip().strip("\ufeff").strip()


LABELS = (
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
    .map(cleaned)
    .filter(lambda label: label.casefold() not in ALWAYS_MISSING | ERRORS | MISSING_WORDS)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(LABELS, min_size=2, max_size=6, unique=True), st.sampled_from(",;\t|"))
def test_whatever_labels_are_written_are_the_class_names(task_of, labels, delimiter):
    labels = [*labels, "a text"]
    rows = [("size", "y"), *((row * 0.5, label) for row, label in enumerate(sorted(set(labels)) * 5))]
    task = task_of(text(delimiter, rows), target_kind="classes")
    assert set(task.target.names) == set(labels)


def workbook(path, rows, title="data"):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "notes"
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    book.save(path)


def test_a_sheet_of_a_workbook_is_read(tmp_path, plain):
    rows = [ROWS[0], *((float(size), colour, label) for size, colour, label in ROWS[1:])]
    workbook(tmp_path / "a.xlsx", rows)
    spec = {"name": "csv", "path": tmp_path / "a.xlsx", "target": "y"}
    assert make_task(spec | {"sheet": "data"}).fingerprint == plain.fingerprint
    refused("unknown sheet of a.xlsx 'dat': did you mean 'data'", spec | {"sheet": "dat"})
    refused("has no rows", spec)


def test_a_parquet_file_is_read(tmp_path, plain):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = dict(zip(ROWS[0], map(list, zip(*ROWS[1:], strict=True)), strict=True))
    columns["size, cm"] = [float(cell) for cell in columns["size, cm"]]
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet")
    task = make_task({"name": "csv", "path": tmp_path / "a.parquet", "target": "y"})
    assert task.fingerprint == plain.fingerprint


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("xl/workbook.xml", "")
    (tmp_path / "a.xlsx").write_bytes(file.getvalue())
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    refused(
        r"cannot be read without openpyxl: install it with pip install 'nas-gym\[data\]'",
        {"name": "csv", "path": tmp_path / "a.xlsx", "target": "y"},
    )


def test_texts_that_differ_in_spaces_only_are_one_and_said(task_of, plain):
    rows = [
        ROWS[0],
        *((size, colour + " " * (row % 2), label) for row, (size, colour, label) in enumerate(ROWS[1:])),
    ]
    with pytest.warns(DataWarning, match="read as one without spaces"):
        task = task_of(text(rows=rows))
    assert task.fingerprint == plain.fingerprint
    assert task.notes == ("column 'colour' has 'red' and 'red ', which are read as one without spaces",)
