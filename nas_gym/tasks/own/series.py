"""The user's own series, in a table with a column of times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nas_gym._checks import listed, whole
from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.data import Data
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.reading.raw_table import RawTable
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.series.form import SeriesForm
from nas_gym.tasks.series.table import Layout, check_gaps, longest, read_series
from nas_gym.tasks.series.windows import Cut, windowed

LEAST_WINDOW = 32
USUAL_TIMES = ("time", "date", "datetime", "timestamp", "ds")
LEAST_EXAMPLES = 3
"""One for each part."""


def series(
    path: str | Path,
    horizon: int = 1,
    season: int = 1,
    window: int | None = None,
    time: str | None = None,
    series_id: str | None = None,
    values: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    stride: int = 1,
    gaps: str = "cut",
    day_first: bool | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Data:
    """A task of series in a file: what comes next is forecast from the last rows.

    The table has a column of times and a column for each series (wide), or a column of ids, whose rows are of
    one series each (long: id, time, value), all of which one network forecasts. Kinds of files are those of
    `nas_gym.tasks.own.csv.csv`.

    The parts are by time, and no window with what is forecast of it reaches into a later part. Rows may be in
    any order. A row is skipped where a value is missing or no number, or where its series has a row of that
    time before it; the notes of the task count them. No window crosses a gap that they or missing rows leave.
    Networks answer the change from the seasonal naive forecast and are scored by skill against it, see
    `nas_gym.tasks.targets.forecast.Forecast`.

    Args:
        path: path of the file.
        horizon: steps that are forecast.
        season: steps of a season, such as 24 of hourly values; 1 for the last value as naive forecast.
        window: steps that a network sees; None for two seasons, at least 32.
        time: column of dates or numbers; None for a column of a usual name, else the first.
        series_id: column that says which series a row is of; None for one series a column.
        values: columns of numbers that a network sees; None for all others.
        target: of these the columns that are forecast; None for all.
        stride: steps from one window to the next.
        gaps: ``"cut"``: no window crosses a jump of time; ``"ignore"``: the next row is the next step, as for
            trading days.
        day_first: as of `nas_gym.tasks.own.csv.csv`, as are the next three.
        delimiter: the character between cells.
        encoding: encoding of the text.
        sheet: sheet of a workbook.
    """
    sizes = {"horizon": horizon, "season": season, "stride": stride}
    if window is None:
        window = max(LEAST_WINDOW, 2 * season) if whole(season) is not None else LEAST_WINDOW
    for option, size in (sizes | {"window": window}).items():
        if whole(size) is None or size < 1:
            raise ConfigError(f"{option} of series must be a whole number of at least 1, not {size!r}")
    if window < max(2, season):
        raise ConfigError(
            f"window of series must be at least {max(2, season)}, a season, not {window}: the naive forecast "
            "is the value one season before"
        )
    check_gaps(gaps)
    full = files.existing(path, "data")
    table = read_table(full, delimiter=delimiter, encoding=encoding, sheet=sheet)
    layout = Layout(_time(table, time), (), series_id or "", gaps, day_first)
    layout = Layout(layout.time, _values(table, values, layout), layout.identity, gaps, day_first)
    targets = _targets(target, layout.values)
    found = read_series(table, layout)
    cut = Cut(layout.values, targets, window, tuple(range(1, horizon + 1)), season, stride)
    runs = [run for each in found.runs.values() for run in each]
    examples = sum(max(0, len(run.times) - cut.span + 1) for run in runs)
    if examples < LEAST_EXAMPLES:
        hint = "lower window or horizon, add rows, or pass gaps='ignore' where jumps of time are usual"
        raise DataError(
            f"{full.name} has {longest(found.runs):,} rows without a gap, and a window of {window} with a "
            f"horizon of {horizon} takes {cut.span}: {hint}"
        )
    return windowed(
        runs,
        cut,
        f"column {layout.time!r}",
        files=SeriesForm(found.layout, window),
        notes=found.notes,
        title=files.title(full),
        spec={"path": str(full)},
    )


def _time(table: RawTable, time: str | None) -> str:
    if time is not None:
        return time
    names = list(table.columns)
    return next((name for name in names if name.casefold() in USUAL_TIMES), names[0])


def _values(table: RawTable, values: Sequence[str] | None, layout: Layout) -> tuple[str, ...]:
    if values is not None:
        given = listed([values] if isinstance(values, str) else values) or []
        named = tuple(map(str, given))
    else:
        named = tuple(name for name in table.columns if name not in (layout.time, layout.identity))
    if not named:
        raise DataError(f"{table.source} has no column of values beside {layout.time!r}: add one")
    return named


def _targets(target: str | Sequence[str] | None, values: Sequence[str]) -> tuple[int, ...]:
    if target is None:
        return tuple(range(len(values)))
    named = [target] if isinstance(target, str) else list(target)
    for name in named:
        if name not in values:
            raise ConfigError(f"target {name!r} is none of the columns of values, {', '.join(values[:8])}")
    return tuple(values.index(name) for name in named)
