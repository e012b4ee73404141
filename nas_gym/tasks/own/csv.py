"""The user's own table in a file, ``.csv`` or of another kind, with a named target column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.own.answers import answers_of, targets_of
from nas_gym.tasks.own.splitting import beside, divide_table
from nas_gym.tasks.own.troubles import Troubles
from nas_gym.tasks.own.unlabelled import check_missing_target
from nas_gym.tasks.reading.number_forms import is_number
from nas_gym.tasks.reading.options import ReadingOptions, chosen
from nas_gym.tasks.reading.raw_table import RawTable, listed
from nas_gym.tasks.reading.row_numbers import without_row_numbers
from nas_gym.tasks.reading.rules import read_columns
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.targets.kinds import check_kind

TITLE_ROWS = 10  # rows in which names of columns are looked for, below a title


def csv(
    path: str | Path,
    target: str | Sequence[str],
    target_kind: str | None = None,
    label_separator: str | None = None,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    max_categories: int | None = None,
    missing: Sequence[str] | None = None,
    decimal: str | Mapping[str, str] | None = None,
    day_first: bool | None = None,
    impute: bool = True,
    missing_target: str = "drop",
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    split: str | Path | None = None,
    group: str | None = None,
    time: str | None = None,
    gap: int = 0,
) -> Data:
    """A task of a table in a file whose first line names the columns.

    The file is a table of text with commas, semicolons, tabs or bars between its cells (``.csv``,
    ``.tsv``, ``.txt``), which may be compressed, an Excel workbook or a Parquet file. How its cells are
    read is told in `nas_gym.tasks.reading.rules`, of the target column in
    `nas_gym.tasks.targets.read_classes`.

    Args:
        path: path of the file.
        target: column of the class labels or values; several columns, in a list or with commas between, of
            labels that are 0 or 1, yes or no, or of several values.
        target_kind: ``"classes"``, ``"values"``, numbers to be predicted, or ``"labels"``, of which a row may
            have several; None to tell by the cells, see `nas_gym.tasks.targets.read_classes`.
        label_separator: what stands between the labels of a row in cells such as ``red|round``.
        drop: columns to leave out.
        categorical: columns of numbers to be treated as categories; the target among them says that
            its numbers are classes.
        numeric: columns of codes such as ``007`` to be read as numbers.
        max_categories: most different texts of a column of categories; None for 50, or up to 1,000 where each
            stands in 3 rows or more, on average.
        missing: the texts that stand for missing values, and no others; None for those of
            `nas_gym.tasks.reading.raw_table.MissingTexts`.
        decimal: ``"."`` or ``","``, for all columns or by name; None to tell by each column.
        day_first: whether dates such as ``03/04/2024`` have the day first.
        impute: whether missing numbers are filled and missing texts are a category, see
            `nas_gym.tasks.fitting`; else they are refused.
        missing_target: ``"drop"`` to leave out rows whose target is missing, which are counted, or
            ``"refuse"``.
        delimiter: the character between cells; None to recognise it.
        encoding: encoding of the text; None for UTF-8, and UTF-16 with a byte-order mark.
        sheet: sheet of a workbook; None for the first.
        split: column that says which part a row goes to, ``train``, ``validation`` or ``test``, or the path
            of a table that does so, a row for each; None for parts by chance. Where no row is of the
            validation part, a share of the training part is drawn for it.
        group: column of groups, such as patients, none of which is in two parts or folds.
        time: column of dates or numbers by which the earliest rows are the training part and the latest the
            test part. These three columns are no features.
        gap: rows left out before the validation and the test part, of an order by `time`.
    """
    check_kind(target_kind)
    check_missing_target(missing_target)
    full = files.existing(path, "data")
    expected = {target} if isinstance(target, str) else set(target) if isinstance(target, list) else set()
    table = read_table(full, delimiter=delimiter, encoding=encoding, sheet=sheet, expected=expected)
    troubles = Troubles(full.name)
    targets: tuple[str, ...] = ()
    options, dropped = ReadingOptions(), frozenset[str]()
    with troubles.gathered():
        targets = _targets(target, table)
    with troubles.gathered():
        options = ReadingOptions.of(
            table, categorical, numeric, max_categories, decimal, missing, impute, day_first
        )
    with troubles.gathered():
        dropped = chosen("drop", drop, table)
        _check_apart("in drop", set(targets) & dropped)
    named = [each for each in (split, group, time) if isinstance(each, str)]
    division, used = None, {each for each in named if each in table.columns}
    with troubles.gathered():
        division, _ = divide_table(
            table, split, group, time, gap, missing=options.missing, day_first=options.day_first
        )
        _check_apart("says the split", set(targets) & used)
    if not targets:
        troubles.check()
    table = without_row_numbers(table.without({*dropped, *map(str, used)} - set(targets)), targets)
    features = table.without(targets)
    if not features.columns:
        shown = ", ".join(map(repr, targets))
        raise DataError(f"{full.name} has no column beside the target {shown}: add features")
    with troubles.gathered():
        answers = answers_of(table, targets, target_kind, options, missing_target, label_separator)
    # Cells of the rows without a target are read, too, so that what they hold is known when predicting.
    with troubles.gathered():
        encoder, x, said = read_columns(features, options)
    troubles.check()
    rows = answers.rows
    return Data(
        x[rows],
        answers.y,
        target_kind=answers.kind,
        class_names=answers.class_names,
        target_names=answers.target_names,
        feature_names=encoder.feature_names,
        encoder=encoder,
        rows=features.at(rows),
        division=None if division is None else division.at(rows),
        notes=(*table.notes, *answers.notes, *said),
        title=files.title(full),
        spec={"path": str(full)} | beside(split, set(map(str, used))),
    )


def _targets(target: object, table: RawTable) -> tuple[str, ...]:
    targets = targets_of(target, table)
    if not targets:
        raise _no_target(table, target)
    return targets


def _later_names(table: RawTable, target: str) -> int:
    """Return which of the first rows has the name of the target in a cell, from 1; 0 where none has."""
    first = [listed(cells)[:TITLE_ROWS] for cells in table.columns.values()]
    return next((row for row, cells in enumerate(zip(*first, strict=True), 1) if target in cells), 0)


def _check_apart(what: str, both: set[str]) -> None:
    """Refuse target columns that are something else, too."""
    if both:
        raise ConfigError(f"column {min(both)!r} is the target and {what}: leave it out of one of them")


def _no_target(table: RawTable, target: object) -> ConfigError:
    names = list(table.columns)
    if isinstance(target, list | tuple) or (isinstance(target, str) and "," in target):
        given = target.split(",") if isinstance(target, str) else target
        target = next((name for name in given if str(name).strip() not in table.columns), target)
        target = target.strip() if isinstance(target, str) else target
    if len(names) > 1 and 2 * sum(map(is_number, names)) > len(names):
        return ConfigError(
            f"{table.source} has no column {target!r}, and its first line, {', '.join(names[:8])}, seems to "
            "be an example: add a line of column names"
        )
    if isinstance(target, str) and (places := _later_names(table, target)):
        return ConfigError(
            f"{table.source} has no column {target!r} in line 1, {', '.join(filter(None, names))[:60]!r}"
            f", but {target!r} in row {places}: if columns are named there, delete the lines before it"
        )
    error = unknown(f"target column of {table.source}", target, names)
    if table.delimiter is not None and len(names) == 1:
        return ConfigError(
            f"{error}, one column with the delimiter {table.delimiter!r}: pass another delimiter"
        )
    return error
