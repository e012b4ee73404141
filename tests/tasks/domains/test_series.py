"""Series: windows in order of time, the user's tables, and forecasts that add the naive one back."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas
import pytest

from nas_gym.errors import DataWarning, NASGymError
from nas_gym.tasks import SeriesExamples, Task, in_rows, make_task, read_examples, target_of
from nas_gym.testing import check_task
from nas_gym.training import LOSSES

START = datetime(2024, 1, 1)


def rows_of(steps: int, columns: int = 1) -> list[list[object]]:
    """Hourly rows: a time, and values that tell their row and column."""
    hours = (START + timedelta(hours=step) for step in range(steps))
    return [
        [f"{hour:%Y-%m-%d %H:%M}", *(100 * column + step + step % 5 for column in range(columns))]
        for step, hour in enumerate(hours)
    ]


def written(path: Path, rows: list[list[object]], header: list[str] | None = None) -> str:
    header = header or ["time", *(f"v{column}" for column in range(len(rows[0]) - 1))]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def task_of(path: str, **options) -> Task:
    sizes = {"window": 4, "horizon": 2, "season": 3}
    return make_task({"name": "series", "path": path, **sizes, **options})


def raw(task: Task, part: str) -> np.ndarray:
    return getattr(task, f"x_{part}") * task.scale + task.mean


@pytest.mark.parametrize("name", ["glucose", "seasonal", "volatility"])
def test_the_naive_forecast_of_a_built_in_series_has_no_skill_and_nothing_is_noted(name: str) -> None:
    task = make_task(name)
    assert not task.notes
    assert "no window reaches into a later part" in task.split
    assert task.target.measure(np.zeros_like(task.y_test), task.y_test)[0] == 0
    assert task.target.measure(task.y_test, task.y_test)[0] == 1


def test_series_of_ones_own_hold_the_contract(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [[row[0], *(float(f"{cell + rng.normal():.4f}") for cell in row[1:])] for row in rows_of(200, 2)]
    task = task_of(written(tmp_path / "a.csv", rows))
    check_task(task)
    assert make_task(task.spec).fingerprint == task.fingerprint
    assert target_of(task.target.config()) == task.target


def test_examples_are_windows_and_answers_are_added_to_the_value_one_season_before(tmp_path: Path) -> None:
    rows = rows_of(60, 2)
    task = task_of(written(tmp_path / "a.csv", rows), target="v1")
    assert (task.input_shape, task.outputs, task.target.names) == ((2, 4), 2, ("v1 +1", "v1 +2"))
    values = np.array([row[1:] for row in rows], dtype=float)
    windows = raw(task, "train")
    for example, y in zip(windows, task.y_train, strict=True):
        start = int(np.flatnonzero(np.isclose(values[:, 0], example[0, 0], atol=1e-3))[0])
        assert example == pytest.approx(values[start : start + 4].T, abs=1e-3)
        after = values[start + 4 : start + 6, 1]
        assert y * task.target.scale == pytest.approx(after - values[start + 1 : start + 3, 1], abs=1e-3)
    truth = task.target.answers_to(task.y_train, windows)
    assert truth[0] == pytest.approx(values[4:6, 1], abs=1e-3)


def test_no_window_reaches_into_a_later_part(tmp_path: Path) -> None:
    task = task_of(written(tmp_path / "a.csv", rows_of(80)))
    ends = []
    for part in ("train", "validation", "test"):
        windows = raw(task, part)[:, 0]
        firsts = windows[:, 0]
        ends.append((firsts.min(), task.target.answers_to(getattr(task, f"y_{part}"), windows).max()))
    for (_, last), (first, _) in pairwise(ends):
        assert last < first + 5  # values of a step differ from the step by up to 4
    total = len(task.y_train) + len(task.y_validation) + len(task.y_test)
    assert total == (80 - 5) - 2 * 5


def test_rows_are_sorted_doubles_and_broken_rows_are_skipped_and_gaps_are_not_crossed(tmp_path: Path) -> None:
    rows = rows_of(90)
    rows[30][1] = "n/a"
    rows[50][1] = "broken"
    del rows[70]
    rows.append(list(rows[10]))
    rows[3], rows[8] = rows[8], rows[3]
    with pytest.warns(DataWarning):
        task = task_of(written(tmp_path / "a.csv", rows))
    said = " | ".join(task.notes)
    assert "2 of 90 rows are skipped, since a value is missing or no number" in said
    assert "1 row is skipped, since a row before has the same time" in said
    assert "put in order of 'time'" in said
    assert "makes 3 jumps, and no window crosses one" in said
    windows = np.concatenate([raw(task, part)[:, 0] for part in ("train", "validation", "test")])
    steps = np.diff(np.round(windows).astype(int), axis=1)
    assert set(np.unique(steps)) <= {2, -3}


def test_a_long_table_has_a_series_for_each_id_and_a_forecast_for_each(tmp_path: Path) -> None:
    rows = [[name, *row] for name in ("b", "a") for row in rows_of(50)]
    path = written(tmp_path / "long.csv", rows, ["id", "ds", "y"])
    task = task_of(path, series_id="id")
    assert task.input_shape == (1, 4)
    assert len(task.y_train) % 2 == 0
    found = read_examples(path, None, task.files)
    assert isinstance(found, SeriesExamples)
    assert found.beside == {"id": ["b", "a"], "last ds": ["2024-01-03 01:00"] * 2}
    assert found.x[0, 0].tolist() == [row[2] for row in rows[46:50]]


def test_a_data_frame_is_forecast_from_like_its_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows_of(60, 2))
    form = task_of(path).files
    assert form is not None
    found = in_rows(pandas.read_csv(path), form)
    assert isinstance(found, SeriesExamples)
    np.testing.assert_array_equal(found.x, read_examples(path, None, form).x)


def test_trading_days_follow_one_another_where_gaps_are_ignored(tmp_path: Path) -> None:
    days = [START + timedelta(days=day) for day in range(120)]
    rows = [[f"{day:%d.%m.%Y}", f"{day.toordinal() % 11},5"] for day in days if day.weekday() < 5]
    path = written(tmp_path / "days.csv", rows)
    with pytest.raises(NASGymError, match="pass gaps='ignore' where jumps"):
        task_of(path, window=10)
    with pytest.warns(DataWarning, match="17 of 85 steps of 'time' are jumps, and count as one step"):
        task = task_of(path, window=10, gaps="ignore")
    assert float(np.ptp(raw(task, "train"))) == pytest.approx(10, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        (
            lambda rows: rows[:7],
            {},
            "7 rows without a gap, and a window of 4 with a horizon of 2 takes 6",
        ),
        (lambda rows: [[row[0], "red"] for row in rows], {}, "has hardly any numbers in column 'v0'"),
        (lambda rows: [["soon", row[1]] for row in rows], {}, "neither a number nor a date"),
        (lambda rows: [["", *rows[0][1:]], *rows[1:]], {}, "misses 1 of 60 values"),
        (lambda rows: rows, {"time": "tmie"}, "did you mean 'time'"),
        (lambda rows: rows, {"season": 9}, "window of series must be at least 9"),
        (lambda rows: rows, {"horizon": 0}, "horizon of series must be a whole number of at least 1"),
        (lambda rows: rows, {"gaps": "fill"}, "gaps must be 'cut' or 'ignore'"),
        (lambda rows: rows, {"target": "v7"}, "target 'v7' is none of the columns of values"),
        (lambda rows: [[row[0], 5] for row in rows], {}, "leaves nothing to forecast"),
        (lambda rows: rows, {"metric": "r2"}, "metric 'r2' is not for values"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path: Path, change, options, told: str) -> None:
    path = written(tmp_path / "bad.csv", change(rows_of(60)))
    with pytest.raises(NASGymError, match=told) as caught:
        task_of(path, **options)
    assert "\n" not in str(caught.value)


def test_a_table_too_short_to_forecast_from_is_refused(tmp_path: Path) -> None:
    task = task_of(written(tmp_path / "a.csv", rows_of(60)))
    short = written(tmp_path / "short.csv", rows_of(3))
    with pytest.raises(NASGymError, match="ends with 3 rows without a gap, and a forecast needs the last 4"):
        read_examples(short, None, task.files)


def test_a_task_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("nas_gym.tasks.series.packages.distribution", missing)
    with pytest.raises(NASGymError, match=r"pip install 'nas-gym\[series\]'"):
        make_task("volatility")


def test_the_engine_measures_skill_as_the_metric_does() -> None:
    import torch

    rng = np.random.default_rng(0)
    y, outputs = (rng.standard_normal((50, 3)).astype(np.float32) for _ in range(2))
    outputs = 0.7 * y + 0.2 * outputs
    target = target_of(
        {
            "kind": "forecast",
            "names": ["a +1", "a +2", "a +3"],
            "mean": [0.0] * 3,
            "scale": [2.0] * 3,
            "score": "skill",
            "series": ["a"],
            "base": [1, 2, 3],
            "season": 3,
        }
    )
    loss = LOSSES[target.loss]
    sums = loss.sum_up(torch.as_tensor(outputs), torch.as_tensor(y)).double()[:, None]
    score, beside = loss.measured(sums, torch.as_tensor(y))
    expected, others = target.measure(outputs, y)
    assert float(score) == pytest.approx(expected, abs=1e-6)
    measured = target.in_units({name: float(each) for name, each in beside.items()})
    assert measured == pytest.approx(others, abs=1e-5)
