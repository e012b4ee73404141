"""The user's own materials: a table with a column of formulas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nas_gym.errors import DataError, unknown
from nas_gym.tasks.chemistry.elements import known_elements
from nas_gym.tasks.chemistry.formulas import FormulaForm, parse_formula, reduced
from nas_gym.tasks.chemistry.rows import column_of, kept_rows
from nas_gym.tasks.data import Data
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.own.answers import answers_of, targets_of
from nas_gym.tasks.own.splitting import beside, divide_table
from nas_gym.tasks.own.unlabelled import check_missing_target
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import listed, text_of
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.targets.kinds import check_kind

USUAL = ("formula", "composition", "material")
NONE, STRANGE, ELEMENT = "no formula", "a formula that cannot be read", "an element that is not known"


def materials(
    path: str | Path,
    target: str | Sequence[str],
    formula: str | None = None,
    target_kind: str | None = None,
    missing_target: str = "drop",
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    split: str | Path | None = None,
    group: str | None = None,
    time: str | None = None,
    gap: int = 0,
) -> Data:
    """A task of materials, which networks read as features of their composition.

    The features are those of `nas_gym.tasks.builtin.inorganic_density.inorganic_density`: the share of each
    element, and statistics of properties of the elements. Rows without a formula, or with one that cannot be
    read, are left out and counted. Rows of one composition are one example, since features could not tell
    them apart, and twins in two parts would let a network look answers up.

    Args:
        path: path of the table.
        target: column to be predicted, or several.
        formula: column of the formulas; None for one called so.
        target_kind: as in `nas_gym.tasks.own.csv.csv`.
        missing_target: as in `nas_gym.tasks.own.csv.csv`.
        delimiter: delimiter of the table; for it and the next two see `nas_gym.tasks.own.csv.csv`.
        encoding: encoding of the table.
        sheet: sheet of a workbook.
        split: column of the table; for it and the next three see `nas_gym.tasks.own.csv.csv`.
        group: column of the table.
        time: column of the table.
        gap: rows left out before later parts, of an order by time.

    Raises:
        NASGymError: if the file cannot be read, or the package of the elements is not installed.
    """
    check_kind(target_kind)
    check_missing_target(missing_target)
    full = files.existing(path, "table")
    table = read_table(full, delimiter=delimiter, encoding=encoding, sheet=sheet, expected={str(formula)})
    column = column_of(table, formula, USUAL, "formulas")
    targets = targets_of(target, table)
    if not targets:
        raise unknown(f"target column of {full.name}", target, table.columns)
    options = ReadingOptions.of(table, (), (), 50, None, None, True, None)
    answers = answers_of(table, targets, target_kind, options, missing_target)
    texts = [text_of(cell) for cell in listed(table.columns[column])]
    texts = [texts[row] for row in answers.rows]
    form = FormulaForm(column, known_elements("materials"))
    known = {symbol for symbol, _ in form.elements}
    read = [_read(text, known) for text in texts]
    keys, troubles = [key for key, _ in read], [trouble for _, trouble in read]
    kept = kept_rows(keys, troubles, answers, full.name, "formulas")
    division, _ = divide_table(table, split, group, time, gap)
    return Data(
        np.stack([form.features(texts[place]) for place in kept.places]),
        kept.y,
        target_kind=answers.kind,
        class_names=kept.class_names,
        target_names=answers.target_names,
        feature_names=form.feature_names,
        files=form,
        origins=None if table.origins is None else table.origins.at(answers.rows[kept.places]),
        division=None if division is None else division.at(answers.rows[kept.places]),
        notes=(*table.notes, *answers.notes, *kept.notes),
        title=files.title(full),
        spec={"path": str(full)} | beside(split, set(table.columns)),
    )


def _read(text: str, known: set[str]) -> tuple[str, str]:
    """Return what formulas of one composition share, and why a text is no formula, "" where it is one."""
    if not text.strip():
        return "", NONE
    try:
        amounts = parse_formula(text)
    except DataError:
        return "", STRANGE
    return (reduced(amounts), "") if set(amounts) <= known else ("", ELEMENT)
