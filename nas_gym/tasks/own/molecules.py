"""The user's own molecules: a table with a column of SMILES, or an SDF file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.chemistry.molecules import (
    EMPTY,
    LARGEST,
    MoleculeForm,
    flat_smiles,
    is_empty,
    read_smiles,
    sdf_molecules,
)
from nas_gym.tasks.chemistry.rdkit import quietly
from nas_gym.tasks.chemistry.rows import column_of, kept_rows
from nas_gym.tasks.chemistry.scaffolds import SPLITS, scaffold_division, scaffolds_of
from nas_gym.tasks.data import Data
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.own.answers import answers_of, targets_of
from nas_gym.tasks.own.splitting import beside, divide_table
from nas_gym.tasks.own.unlabelled import check_missing_target
from nas_gym.tasks.preparation import Size
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.origins import counted
from nas_gym.tasks.reading.raw_table import RawTable, clean_cell, listed
from nas_gym.tasks.reading.table_file import read_table
from nas_gym.tasks.targets.kinds import check_kind

USUAL = ("smiles", "canonical_smiles", "structure", "molecule")


def molecules(
    path: str | Path,
    target: str | Sequence[str],
    smiles: str | None = None,
    target_kind: str | None = None,
    atoms: int | None = None,
    split: str | Path = "scaffold",
    train_size: Size | None = None,
    validation_size: Size = 0.2,
    test_size: Size = 0.2,
    split_seed: int = 0,
    missing_target: str = "drop",
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    group: str | None = None,
    time: str | None = None,
    gap: int = 0,
) -> Data:
    """A task of molecules, which networks read as graphs of atoms and bonds.

    The file is a table as `nas_gym.tasks.own.csv.csv` reads it, with a column of SMILES, or an ``.sdf`` file,
    whose properties are the columns. Rows without a SMILES, with one that RDKit cannot read, with several
    fragments or with too many atoms are left out and counted. Molecules that differ in stereochemistry alone
    are one example, so that twins are never in two parts.

    Args:
        path: path of the table or ``.sdf`` file.
        target: column or property to be predicted, or several.
        smiles: column of the SMILES; None for one called so.
        target_kind: as in `nas_gym.tasks.own.csv.csv`.
        atoms: most heavy atoms of a molecule, which all graphs are padded to; None for those of the largest
            molecule, at most 28.
        split: ``"scaffold"``, so that no ring system is in two parts; ``"random"``; or a column or file that
            says the parts, as in `nas_gym.tasks.own.csv.csv`.
        train_size: as in `nas_gym.tasks.preparation.Preparation`.
        validation_size: as in `nas_gym.tasks.preparation.Preparation`.
        test_size: as in `nas_gym.tasks.preparation.Preparation`.
        split_seed: as in `nas_gym.tasks.preparation.Preparation`.
        missing_target: as in `nas_gym.tasks.own.csv.csv`.
        delimiter: delimiter of the table; for it and the next two see `nas_gym.tasks.own.csv.csv`.
        encoding: encoding of the table.
        sheet: sheet of a workbook.
        group: column of groups that stay together; for it and the next two see `nas_gym.tasks.own.csv.csv`.
        time: column of the time.
        gap: rows left out before later parts, of an order by time.

    Raises:
        NASGymError: if the file cannot be read, or RDKit is not installed.
    """
    check_kind(target_kind)
    check_missing_target(missing_target)
    if atoms is not None and (whole(atoms) or 0) < 1:
        raise ConfigError(f"atoms must be a whole number of at least 1, not {atoms!r}")
    full = files.existing(path, "table or .sdf")
    if full.suffix.casefold() == ".sdf":
        table, found = _of_sdf(full)
        column = "smiles"
    else:
        table = read_table(full, delimiter=delimiter, encoding=encoding, sheet=sheet, expected={str(smiles)})
        column = column_of(table, smiles, USUAL, "molecules")
        found = listed(table.columns[column])
    targets = targets_of(target, table)
    if not targets:
        raise unknown(f"target column of {full.name}", target, table.columns)
    options = ReadingOptions.of(table, (), (), 50, None, None, True, None)
    answers = answers_of(table, targets, target_kind, options, missing_target)
    rows = answers.rows
    parsed = _parsed([found[row] for row in rows])
    largest = max((one.GetNumAtoms() for one in parsed if one is not None), default=1)
    form = MoleculeForm(column, atoms or min(LARGEST, largest))
    with quietly() as chem:
        empty = [is_empty(found[row]) for row in rows]
        troubles = [EMPTY if none else form.trouble(one) for none, one in zip(empty, parsed, strict=True)]
        keys = [
            "" if trouble else flat_smiles(chem, one) for one, trouble in zip(parsed, troubles, strict=True)
        ]
    kept = kept_rows(keys, troubles, answers, full.name, "molecules")
    if split in SPLITS:
        for option, value in (("group", group), ("time", time)):
            if value is not None and split == "scaffold":
                raise ConfigError(
                    f"{option} would split the molecules, and so does split='scaffold': pass one"
                )
        by = None
    else:
        by = split
    division, _ = divide_table(table, by, group, time, gap)
    if division is not None:
        division = division.at(rows[kept.places])
    elif split == "scaffold":
        scaffolds = scaffolds_of([keys[place] for place in kept.places])
        division = scaffold_division(scaffolds, train_size, validation_size, test_size, split_seed)
    return Data(
        np.stack([form.graph(parsed[place]) for place in kept.places]),
        kept.y,
        target_kind=answers.kind,
        class_names=kept.class_names,
        target_names=answers.target_names,
        coded=form.inputs,
        files=form,
        division=division,
        origins=None if table.origins is None else table.origins.at(rows[kept.places]),
        notes=(*table.notes, *answers.notes, *kept.notes),
        title=files.title(full),
        spec={"path": str(full)} | ({} if by is None else beside(by, set(table.columns))),
    )


def _parsed(cells: Sequence[Any]) -> list[Any]:
    """Return molecules of RDKit, None where a cell is none."""
    with quietly() as chem:
        return [read_smiles(chem, cell) if isinstance(cell, str) or cell is None else cell for cell in cells]


def _of_sdf(path: Path) -> tuple[RawTable, list[Any]]:
    """Return the properties of the molecules of an SDF file as a table, and the molecules."""
    with quietly() as chem:
        found = sdf_molecules(chem, path.read_bytes())
    if not found:
        raise DataError(f"{path.name} has no molecule: pass an .sdf file with molecules and properties")
    names = sorted({name for one in found if one is not None for name in one.GetPropNames()})
    columns: dict[str, Any] = {
        name: [
            None if one is None or not one.HasProp(name) else clean_cell(one.GetProp(name)) for one in found
        ]
        for name in names
    }
    return RawTable(path.name, columns, origins=counted("molecule", path.name, len(found), 1)), found
