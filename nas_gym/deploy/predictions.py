"""Answers to the rows of a file, beside the rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._files import write_text
from nas_gym.deploy.saved_network import SavedNetwork
from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks import FileExamples, RawTable, SeriesExamples, read_examples

DIGITS = 6  # of a probability


@dataclass(frozen=True)
class Predictions:
    """What a network answers for rows.

    Attributes:
        names: of all columns: those of the rows, then those of the answers.
        rows: cells of each row, answers at the end.
        answers: as `SavedNetwork.predict` gives them.
        labels: the class of each row, or its text of tokens; () of values and several labels.
    """

    names: tuple[str, ...]
    rows: list[list[Any]]
    answers: np.ndarray
    labels: tuple[str, ...]

    def text(self, delimiter: str = ",") -> str:
        """Return a table of text with a header."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows(self.rows)
        return buffer.getvalue()

    def write(self, path: str | Path) -> None:
        """Write the table, separated by commas, or by tabs where the file is a .tsv.

        Raises:
            NASGymError: if the file cannot be written, or is no .csv or .tsv.
        """
        path = Path(path)
        delimiters = {".csv": ",", ".tsv": "\t"}
        if path.suffix not in delimiters:
            raise ConfigError(f"predictions are written as .csv or .tsv, not as {path.name!r}: rename it")
        write_text(path, self.text(delimiters[path.suffix]))


def predict_file(
    saved: SavedNetwork,
    path: str | Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Predictions:
    """Return what a network answers for the rows of a file, beside them.

    Classes give the columns ``predicted <target>`` and ``probability <class>``, several labels ``predicted
    <label>``, 0 or 1, and ``probability <label>`` each, values ``predicted <value>``, tokens ``predicted``, a
    text.

    Args:
        saved: the network.
        path: table, of series the rows whose last ones are forecast from; or, of images or signals, a folder,
            archive or file, beside whose names the answers are;
            or ``.npy`` or ``.npz`` file, of which the answers come without the rows.
        delimiter: delimiter of a table of text; for it and the next two see `nas_gym.tasks.own.csv.csv`.
        encoding: encoding of a table of text.
        sheet: sheet of a workbook.

    Raises:
        NASGymError: as `SavedNetwork.predict`; or if a column of the rows has the name of an answer's.
    """
    rows = read_examples(
        path, saved.encoder, saved.files, delimiter=delimiter, encoding=encoding, sheet=sheet
    )
    answers = saved.predict(rows)
    labels: tuple[str, ...] = ()
    if saved.class_names:
        labels = tuple(saved.class_names[place] for place in answers.argmax(axis=1).tolist())
        target = saved.about.get("task", {}).get("target")
        names = ["predicted" + (f" {target}" if target else "")]
        names += [f"probability {name}" for name in saved.class_names]
        found = [
            [label, *(f"{one:.{DIGITS}f}" for one in row)]
            for label, row in zip(labels, answers.tolist(), strict=True)
        ]
    elif saved.target.kind == "labels":
        names = [f"{what} {name}" for name in saved.target.names for what in ("predicted", "probability")]
        found = [
            [cell for one in row for cell in (str(int(one > 0.5)), f"{one:.{DIGITS}f}")]
            for row in answers.tolist()
        ]
    elif saved.target.kind == "tokens":
        labels = tuple(saved.texts(answers))
        names, found = ["predicted"], [[text] for text in labels]
    else:
        names = [f"predicted {name}" for name in saved.target.names]
        found = [[f"{value:.9g}" for value in row] for row in answers.tolist()]
    given = _beside(rows)
    taken = sorted(set(given) & set(names))
    if taken:
        raise DataError(
            f"{Path(path).name} has a column {taken[0]!r} already, which is that of the answers: rename it "
            "or leave it out"
        )
    cells = [column.tolist() if isinstance(column, np.ndarray) else column for column in given.values()]
    beside = zip(*cells, strict=True) if cells else ((),) * len(found)
    both = [[*row, *answer] for row, answer in zip(beside, found, strict=True)]
    return Predictions((*given, *names), both, answers, labels)


def _beside(rows: Any) -> Mapping[str, Any]:
    """Return the columns that answers are written beside: those of a table, or the names of files."""
    if isinstance(rows, RawTable):
        return rows.columns
    if isinstance(rows, SeriesExamples):
        return rows.beside
    return {rows.column: list(rows.names)} if isinstance(rows, FileExamples) else {}
