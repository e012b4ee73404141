"""The user's own texts: a column of a table, a folder of files for each class, or running text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.division import Division
from nas_gym.tasks.media.collection import is_collection, is_of, opened
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.own.answers import answers_of, targets_of
from nas_gym.tasks.own.file_names import CLASS, FILE, by_folder
from nas_gym.tasks.own.splitting import beside, divide_table
from nas_gym.tasks.own.unlabelled import check_missing_target
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable, listed, text_of
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.targets.kinds import check_kind
from nas_gym.tasks.texts.form import TextForm, UnfittedSubwords, form_for, length_for, text_of_file
from nas_gym.tasks.texts.running import running_text
from nas_gym.tasks.texts.subwords import SIZE

USUAL = ("text", "sentence", "message", "content")
"""Names of the column of texts, where it is not named and there are several."""
LONGEST = 8192
"""Characters of a text that are read before it is cut into subwords."""
SHOWN = 3  # files that a note lists


def text(
    path: str | Path,
    text: str | None = None,
    target: str | Sequence[str] | None = None,
    target_kind: str | None = None,
    unit: str = "characters",
    length: int | None = None,
    lower: bool = False,
    subwords: int = SIZE,
    characters: int = 200_000,
    label_separator: str | None = None,
    missing_target: str = "drop",
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    split: str | Path | None = None,
    group: str | None = None,
    time: str | None = None,
    gap: int = 0,
) -> Data:
    """A task of texts, which networks read as sequences of characters, bytes or subwords.

    - A table (``.csv``, ``.tsv`` and the others of `nas_gym.tasks.own.csv.csv`) with a column of texts and a
      target: classes, values or several labels.
    - A folder or archive with a folder of ``.txt`` files for each class; folders ``train``, ``validation``
      and ``test`` above those are the parts.
    - A file of running text, without a target: a language model. The text is cut into windows, and the answer
      at each position is the next character; the first 70% are the training part, the last 15% the test part.

    The vocabulary is that of the training part: what occurs there once or never counts as unknown.

    Args:
        path: path of the table, folder, archive or file.
        text: column of the texts; None for the only column beside the target, or one called ``text``.
        target: column to be predicted, or several; None for a folder and a language model.
        target_kind: as in `nas_gym.tasks.own.csv.csv`.
        unit: ``"characters"``, ``"bytes"`` of UTF-8, or ``"subwords"``, which are learned from the training
            part; running text has none.
        length: units of a text, behind which it is cut; None for as many as 95% of the texts have, at most
            128, and for 32 of a language model.
        lower: whether capital letters count as small ones.
        subwords: subwords that are learned, of that unit.
        characters: most characters of a running text that are read, from its start.
        label_separator: as in `nas_gym.tasks.own.csv.csv`.
        missing_target: as in `nas_gym.tasks.own.csv.csv`.
        delimiter: delimiter of the table; for it and the next two see `nas_gym.tasks.own.csv.csv`.
        encoding: encoding of the table, or of the running text.
        sheet: sheet of a workbook.
        split: column of the table; for it and the next three see `nas_gym.tasks.own.csv.csv`.
        group: column of the table.
        time: column of the table.
        gap: rows left out before later parts, of an order by time.

    Raises:
        NASGymError: if the file cannot be read, or there is nothing to be learned from it.
    """
    check_kind(target_kind)
    check_missing_target(missing_target)
    if length is not None and (whole(length) or 0) < 1:
        raise ConfigError(f"length must be a whole number of at least 1, not {length!r}")
    given, targets = Path(path).expanduser(), tuple[str, ...]()
    if target is None and not is_collection(given):
        full = files.existing(path, "text")
        _check_alone({"text": text, "split": split, "group": group, "time": time}, full.name)
        data = running_text(full, unit, length, lower, characters, encoding)
        return replace(data, title=files.title(full), spec={"path": str(full)})
    if target is None:
        full = given.resolve() if given.is_dir() else files.existing(path, "folder or archive")
        _check_alone({"text": text, "split": split, "group": group, "time": time}, full.name)
        table, division, notes = _of_folder(full)
        column, targets = FILE, (CLASS,)
        texts = table.columns.pop("text")
        kept_name = ""
    else:
        full = files.existing(path, "data")
        named = {one for one in (text, target) if isinstance(one, str)}
        table = read_table(full, delimiter=delimiter, encoding=encoding, sheet=sheet, expected=named)
        targets = targets_of(target, table)
        if not targets:
            raise unknown(f"target column of {full.name}", target, table.columns)
        used = {*targets, *(each for each in (split, group, time) if isinstance(each, str))}
        column = kept_name = _column(table, text, used)
        texts = [text_of(cell) for cell in listed(table.columns[column])]
        division, _ = divide_table(table, split, group, time, gap)
        notes = list(table.notes)
    options = ReadingOptions.of(table, targets if target is None else (), (), 50, None, None, True, None)
    answers = answers_of(table, targets, target_kind, options, missing_target, label_separator)
    rows, chosen = answers.rows, [texts[row] for row in answers.rows]
    there = np.array([bool(one.strip()) for one in chosen], dtype=bool)
    if not there.all():
        notes.append(f"left out, since their text is empty: {(~there).sum():,} of {len(there):,} examples")
    if not there.any():
        raise DataError(f"{full.name} has no text in {column!r}: name the column of the texts")
    kept = [one for one, is_there in zip(chosen, there.tolist(), strict=True) if is_there]
    form, said = _form(kept, unit, length, lower=lower, column=kept_name, size=subwords)
    return Data(
        form.encode(kept),
        answers.y[there],
        target_kind=answers.kind,
        class_names=answers.class_names,
        target_names=answers.target_names,
        coded=form.inputs,
        division=None if division is None else division.at(rows[there]),
        files=form,
        origins=None if table.origins is None else table.origins.at(rows[there]),
        notes=(*notes, *answers.notes, *said),
        title=files.title(full),
        spec={"path": str(full)} | beside(split, table.columns),
    )


def _form(
    texts: Sequence[str], unit: str, length: int | None, *, lower: bool, column: str, size: int
) -> tuple[TextForm, tuple[str, ...]]:
    """Return how texts become codes, and what is to be said of it."""
    form = form_for(texts, 1, unit, lower=lower, column=column)
    lengths = [len(form.tokens(one)) for one in texts]
    if unit == "subwords":
        if (whole(size) or 0) < 2:
            raise ConfigError(f"subwords must be a whole number of at least 2, not {size!r}")
        characters = min(max(lengths), LONGEST)
        plain = (form.vocabulary, characters, "characters", lower, column)
        _, notes = length_for(lengths, characters, "characters")
        return UnfittedSubwords(*plain, size=size, cut=length), notes
    chosen, notes = length_for(lengths, length, unit)
    return replace(form, length=chosen), notes


def _column(table: RawTable, text: str | None, used: set[str]) -> str:
    """Return the column of the texts."""
    if text is not None:
        if text not in table.columns or text in used:
            raise unknown(f"column of texts of {table.source}", text, set(table.columns) - used)
        return text
    others = [name for name in table.columns if name not in used]
    usual = [name for name in others if name.casefold() in USUAL]
    found = others if len(others) == 1 else usual
    if len(found) != 1:
        raise ConfigError(
            f"{table.source} has the columns {', '.join(list(table.columns)[:8])}: name that of the texts by "
            "text="
        )
    return found[0]


def _of_folder(path: Path) -> tuple[RawTable, Division | None, list[str]]:
    """Return a table of the texts in the files of a folder and their classes, their parts, and notes."""
    with opened(path) as found:
        every = found.names()
        names = [name for name in every if is_of(name, TextForm.suffixes)]
        if not names:
            raise DataError(
                f"{path.name} has no .txt files among its {len(every):,} files: pass a folder for each class"
            )
        table, division, notes = by_folder(names, path.name)
        texts, refused = list[str](), list[str]()
        for name in listed(table.columns[FILE]):
            try:
                texts.append(text_of_file(found.read(name)))
            except (OSError, Unreadable):
                texts.append("")
                refused.append(name)
    if refused:
        few = ", ".join(refused[:SHOWN])
        notes.append(f"read as empty, since they are in no known encoding: {len(refused):,} files, {few}")
    return replace(table, columns={**table.columns, "text": texts}), division, notes


def _check_alone(options: dict[str, object], source: str) -> None:
    """Refuse what names a column where there is no table."""
    for option, value in options.items():
        if value is not None:
            raise ConfigError(
                f"{option} is a column of a table, and {source} is none without a target: pass target, or "
                "leave it out"
            )
