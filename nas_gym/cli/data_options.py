"""The options of commands that say how data in files is read, and which examples are for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LabelSeparator = Annotated[
    str | None,
    typer.Option(help="What stands between the labels of a row where the target lists several, such as '|'."),
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
