"""Examples are called as in the user's own data, so that a row of a report can be found there."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image

from nas_gym.tasks import Task, make_task
from nas_gym.tasks.kept_task import load_task, save_task

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
VALUES = np.random.default_rng(0).normal(size=(60, 2)).round(4)
LABELS = ["u", "v"] * 30


def raw(task):
    return (task.x_validation * task.scale + task.mean)[:, 0]


def plain(rows):
    return rows


def with_gaps(rows):
    """Empty lines, and a row without a label, which is left out."""
    return [*rows[:9], "", "", *rows[9:30], rows[30].rpartition(",")[0] + ",", *rows[31:]]


def quoted(rows):
    return [row.replace(",", ',"two\nlines",', 1) for row in with_gaps(rows)]


@pytest.mark.parametrize("first", ["", "sep=,\n"])
@pytest.mark.parametrize("change", [plain, with_gaps, quoted])
def test_rows_of_a_text_are_called_by_their_line_as_an_editor_shows_it(tmp_path, change, first):
    head = "a,text,y" if change is quoted else "a,b,y"
    rows = [f"{a},{b},{label}" for (a, b), label in zip(VALUES.tolist(), LABELS, strict=True)]
    if change is quoted:
        rows = [f"{a},{label}" for (a, _), label in zip(VALUES.tolist(), LABELS, strict=True)]
    text = first + "\n".join([head, *change(rows)]) + "\n"
    (tmp_path / "rows.csv").write_text(text)
    task = make_task({"name": "csv", "path": str(tmp_path / "rows.csv"), "target": "y"})
    lines = text.split("\n")
    found = [float(lines[task.origins.name(row) - 1].split(",")[0]) for row in range(len(raw(task)))]
    assert found == pytest.approx(raw(task), abs=1e-4)
    assert task.origins.said(0) == f"line {task.origins.name(0)}"


def test_rows_of_a_workbook_are_called_by_the_row_that_it_shows(tmp_path):
    book = openpyxl.Workbook()
    for place, row in enumerate([("a", "b", "y"), *zip(*VALUES.T.tolist(), LABELS, strict=True)]):
        for column, cell in enumerate(row, start=1):
            book.active.cell(1 + place + (place > 20), column, cell)  # an empty row after the 20th
    book.save(tmp_path / "rows.xlsx")
    task = make_task({"name": "csv", "path": str(tmp_path / "rows.xlsx"), "target": "y"})
    shown = [book.active.cell(task.origins.name(row), 1).value for row in range(len(raw(task)))]
    assert shown == pytest.approx(raw(task), abs=1e-4)


@pytest.mark.parametrize("index", [[f"p{row}" for row in range(60)], list(range(60, 0, -1)), None])
def test_rows_in_memory_are_called_by_their_index_and_are_so_when_kept(tmp_path, index):
    frame = pd.DataFrame(VALUES, columns=["a", "b"], index=index)
    x = VALUES if index is None else frame
    task = Task.from_arrays(x, LABELS)
    found = [frame["a"][task.origins.name(row)] for row in range(len(raw(task)))]
    assert found == pytest.approx(raw(task), abs=1e-4)
    save_task(tmp_path / "task.npz", task)
    kept = load_task(tmp_path / "task.npz").origins
    assert [kept.said(row) for row in range(5)] == [task.origins.said(row) for row in range(5)]
    assert kept.about == task.origins.about


def test_files_are_called_by_their_names(tmp_path):
    for name, shade in (("dark", 20), ("light", 200)):
        (tmp_path / name).mkdir()
        for number in range(12):
            Image.new("L", (4, 4), shade + number).save(tmp_path / name / f"{number}.png")
    task = make_task({"name": "folder", "path": str(tmp_path)})
    for row, shade in enumerate(raw(task)[:, 0, 0]):
        folder, number = task.origins.name(row).removesuffix(".png").split("/")
        assert shade == pytest.approx({"dark": 20, "light": 200}[folder] + int(number), abs=1e-3)
