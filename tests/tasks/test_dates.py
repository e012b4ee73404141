"""Dates become their parts, in whatever usual form they are written; too many texts are left out."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.tasks import TableEncoder, Task, make_task
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable, clean_cell
from nas_gym.tasks.reading.rules import read_columns
from tests.helpers.refusals import refused

pytestmark = pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
PARTS = ("when year", "when month", "when day", "when weekday")


def read(cells, **options):
    table = RawTable("a.csv", {"when": [clean_cell(cell) for cell in cells]})
    asked = {"categorical": (), "numeric": (), "max_categories": 50, "decimal": None, "missing": None}
    encoder, x, notes = read_columns(table, ReadingOptions.of(table, **asked | options))
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    assert again == encoder
    assert again.encode(table).tolist() == x.tolist()
    return encoder.feature_names, x, notes


WRITTEN = [
    ["2024-12-31", "2023-01-05"],
    ["2024/12/31", "2023/1/5"],
    ["31.12.2024", "05.01.2023"],
    ["31/12/2024", "5/1/2023"],
    ["12/31/2024", "1/5/2023"],
    ["31 December 2024", "5 Jan 2023"],
    ["Dec 31, 2024", "January 5th, 2023"],
    ["31-Dec-2024", "05-Jan-2023"],
    ["2024-12-31T00:00:00", "2023-01-05T00:00:00Z"],
    [datetime.date(2024, 12, 31), datetime.datetime(2023, 1, 5)],
]


@pytest.mark.parametrize("cells", WRITTEN, ids=str)
def test_dates_become_their_parts(cells):
    names, x, notes = read(cells)
    assert names == PARTS
    assert x.tolist() == [[2024, 12, 31, 1], [2023, 1, 5, 3]]
    (note,) = notes
    assert "as 2024-12-31, which give year, month, day, weekday: categorical=['when']" in note


@pytest.mark.parametrize(
    ("cells", "hours"),
    [
        (["2024-12-31 18:30", "2024-12-31 00:00"], [18.5, 0]),
        (["2024-12-31T06:15:36.5+02:00", "2024-12-30"], [6.26, 0]),
        (["12/31/2024 12:30 AM", "12/31/2024 1:00 PM"], [0.5, 13]),
        ([datetime.datetime(2024, 12, 31, 7), datetime.datetime(2024, 12, 31, 8)], [7, 8]),
    ],
)
def test_times_give_the_hour(cells, hours):
    names, x, _ = read(cells)
    assert names == (*PARTS, "when hour")
    assert x[:, 4] == pytest.approx(hours)


def test_the_day_or_the_month_may_be_first_by_the_other_dates_or_an_option():
    cells = ["03/04/2024", "05/06/2024"]
    with pytest.raises(NASGymError, match=r"such as '03/04/2024', .* day or the month: pass day_first=True"):
        read(cells)
    assert read(cells, day_first=True)[1][0].tolist()[1:3] == [4, 3]
    assert read(cells, day_first=False)[1][0].tolist()[1:3] == [3, 4]
    assert read(["03.04.2024", "05.06.2024"])[1][0].tolist()[1:3] == [4, 3]
    assert read([*cells, "13/06/2024"])[1][0].tolist()[1:3] == [4, 3]
    with pytest.raises(NASGymError, match="day_first must be true or false, not 1"):
        read(cells, day_first=1)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["2024-12-31", "2024-12-30", "soon"], "'soon' in row 3 and 2 dates of another form in its 3 rows"),
        (["2024-12-31", "2024-12-30", "2024-02-30"], "'2024-02-30' in row 3"),
        (["2024-12-31", "2024-12-30", "31.12.2024"], "'31.12.2024' in row 3"),
    ],
)
def test_dates_beside_other_texts_are_refused(cells, words):
    with pytest.raises(NASGymError, match=words):
        read(cells)
    assert len(read(cells, categorical=["when"])[0]) == 3


@pytest.mark.parametrize("cells", [["12:30", "13:45"], ["2024-13-01", "a"], ["in May", "2024 May"]])
def test_texts_that_are_no_dates_stay_categories(cells):
    assert read(cells)[0] == tuple(f"when={cell}" for cell in sorted(cells))


START = datetime.date(2024, 1, 1)


def rows(when, count=60):
    return "\n".join(["size,when,y", *(f"{row},{when(row)},{'ab'[row % 2]}" for row in range(count))])


@pytest.fixture
def spec_of(tmp_path):
    def spec_of(when):
        (tmp_path / "a.csv").write_text(rows(when))
        return {"name": "csv", "path": str(tmp_path / "a.csv"), "target": "y"}

    return spec_of


def test_parts_that_are_the_same_in_training_are_left_out_and_missing_dates_are_filled(spec_of):
    task = make_task(spec_of(lambda row: "" if row % 7 == 3 else START + datetime.timedelta(days=row)))
    assert task.feature_names == ("size", "when month", "when day", "when weekday", "when is missing")
    months = task.x_train[:, 1] * task.scale[1] + task.mean[1]
    missing = task.x_train[:, 4] * task.scale[4] + task.mean[4]
    assert set(np.round(missing)) == {0.0, 1.0}
    assert len(set(np.round(months[missing > 0.5], 4))) == 1
    assert any("parts of missing dates become their medians" in note for note in task.notes)
    assert "parts of dates that are the same in all training rows are left out: year of 'when'" in task.notes
    with pytest.raises(NASGymError, match="column 'when' misses"):
        make_task(spec_of(lambda row: "" if row == 3 else START) | {"impute": False})


def test_columns_of_dates_in_data_frames_are_read_as_those_of_files(spec_of):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    task = make_task(spec_of(lambda row: START + datetime.timedelta(days=17 * row)))
    columns = {"size": range(60), "when": [START + datetime.timedelta(days=17 * row) for row in range(60)]}
    y = ["ab"[row % 2] for row in range(60)]
    stamped = pandas.DataFrame(columns | {"when": pandas.to_datetime(columns["when"])})
    for frame in (pandas.DataFrame(columns), stamped, polars.DataFrame(columns)):
        assert Task.from_arrays(frame, y).fingerprint == task.fingerprint


def test_many_texts_are_left_out_unless_they_are_asked_for(spec_of):
    spec = spec_of(lambda row: f"seen by {row}")
    task = make_task(spec)
    assert task.feature_names == ("size",)
    assert any("'when' has 60 different texts, such as 'seen by 0', more than" in note for note in task.notes)
    refused("more than max_categories=50: leave it out", spec | {"categorical": ["when"]})
    assert make_task(spec | {"max_categories": 60}).input_shape == (61,)
    coded = make_task(spec_of(lambda row: f"{row:05d}"))
    assert any("read its numbers with numeric=['when']" in note for note in coded.notes)
