"""The options of commands that say how data in files is read, and which examples are for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nas_gym.cli.options import given
from nas_gym.errors import ConfigError

LabelSeparator = Annotated[
    str | None,
    typer.Option(help="What stands between the labels of a row where the target lists several, such as '|'."),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Score: accuracy, balanced_accuracy, macro_f1, log_loss, roc_auc or average_precision of "
        "classes; macro_f1, micro_f1, hamming or subset_accuracy of several labels; r2, rmse or mae of "
        "values."
    ),
]
ClassWeight = Annotated[
    str | None,
    typer.Option(help="balanced: each class counts the same in training, however rare."),
]
Loss = Annotated[
    str | None,
    typer.Option(help="What values are learned by: squared, or huber, which wild values sway less."),
]
Drop = Annotated[list[str] | None, typer.Option(help="Column of a table to leave out; may be repeated.")]
Categorical = Annotated[
    list[str] | None,
    typer.Option(help="Column of numbers to treat as categories, or classes; may be repeated."),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="Text that stands for a missing value, in place of the usual ones; may be repeated."),
]
Delimiter = Annotated[str | None, typer.Option(help="Character between the cells of a table of text.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a table of text, such as latin-1.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook, in place of the first.")]
Numeric = Annotated[
    list[str] | None, typer.Option(help="Column of codes such as 007 to read as numbers; may be repeated.")
]
Decimal = Annotated[
    list[str] | None,
    typer.Option(help="What stands before decimals: '.' or ',', or COLUMN=, of one column; may be repeated."),
]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="What stands first in dates such as 03/04/2024."),
]
MaxCategories = Annotated[
    int | None, typer.Option(help="Most different texts of a column of categories; see docs/own_data.md.")
]
Impute = Annotated[
    bool | None, typer.Option("--impute/--no-impute", help="Fill missing values, or refuse them.")
]
Split = Annotated[
    str | None,
    typer.Option(
        help="Column, or file with a line for each row, that says its part: train, validation or test."
    ),
]
Group = Annotated[
    str | None, typer.Option(help="Column of groups, such as patients, none of which is in two parts.")
]
Time = Annotated[
    str | None,
    typer.Option(
        help="Column of dates or numbers: the earliest rows are for training, the latest for testing."
    ),
]
Gap = Annotated[int | None, typer.Option(help="Rows left out before later parts, with --time.")]
Size = Annotated[
    str | None, typer.Option(help="Height and width that images are resized to, such as 32 or 32x48.")
]
Colour = Annotated[
    str | None, typer.Option(help="How images are read: colour or grey; by default as they are.")
]
Length = Annotated[int | None, typer.Option(help="Points that signals in files are cut or padded to.")]
Rate = Annotated[int | None, typer.Option(help="Points a second that .wav files are resampled to.")]
Features = Annotated[
    str | None,
    typer.Option(help="What signals in files become: log_mel, as recognisers of speech read recordings."),
]
GroupInName = Annotated[
    str | None,
    typer.Option(help="Regular expression whose one group is the group in a file's name, such as '_(.+)_'."),
]
Index = Annotated[
    Path | None,
    typer.Option(help="Table with a column 'file' that names images or signals, beside it the target."),
]


def reading_of(
    label_separator: LabelSeparator = None,
    metric: Metric = None,
    class_weight: ClassWeight = None,
    loss: Loss = None,
    drop: Drop = None,
    categorical: Categorical = None,
    numeric: Numeric = None,
    max_categories: MaxCategories = None,
    missing: Missing = None,
    impute: Impute = None,
    decimal: Decimal = None,
    day_first: DayFirst = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    split: Split = None,
    group: Group = None,
    time: Time = None,
    gap: Gap = None,
    size: Size = None,
    colour: Colour = None,
    length: Length = None,
    rate: Rate = None,
    features: Features = None,
    group_in_name: GroupInName = None,
    index: Index = None,
) -> dict[str, Any]:
    """Return how data in files is read and divided, and the metric: the options of a task that were given."""
    return given(
        label_separator=label_separator,
        metric=metric,
        class_weight=class_weight,
        loss=loss,
        drop=drop,
        categorical=categorical,
        numeric=numeric,
        max_categories=max_categories,
        missing=missing,
        impute=impute,
        decimal=_decimal(decimal),
        day_first=day_first,
        delimiter=delimiter,
        encoding=encoding,
        sheet=sheet,
        split=split,
        group=group,
        time=time,
        gap=gap,
        size=size,
        colour=colour,
        length=length,
        rate=rate,
        features=features,
        group_in_name=group_in_name,
        index=None if index is None else str(index),
    )


def _decimal(marks: list[str] | None) -> str | dict[str, str] | None:
    """Return the marks before decimals as the option of a task: one for all columns, or by name.

    Raises:
        NASGymError: for one mark for all beside others.
    """
    if not marks:
        return None
    if len(marks) == 1 and "=" not in marks[0]:
        return marks[0]
    if alone := [mark for mark in marks if "=" not in mark]:
        raise ConfigError(
            f"--decimal {alone[0]} is of all columns: leave the other marks out, or name its column as in "
            f"--decimal 'price={alone[0]}'"
        )
    return {name: mark for name, _, mark in (each.rpartition("=") for each in marks)}
