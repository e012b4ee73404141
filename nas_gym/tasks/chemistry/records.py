"""Measured properties of the package ``chemicals``, read from its files without importing it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from nas_gym.tasks.cache import cached
from nas_gym.tasks.chemistry.molecules import (
    EMPTY,
    FRAGMENTS,
    INVALID,
    SIZE,
    MoleculeForm,
    flat_smiles,
    read_smiles,
)
from nas_gym.tasks.chemistry.rdkit import INSTALL, chemistry, quietly
from nas_gym.tasks.chemistry.scaffolds import scaffolds_of
from nas_gym.tasks.package_files import package_file

PACKAGE = "chemicals"
IDENTIFIERS = (
    "chemical identifiers pubchem large.tsv",
    "chemical identifiers pubchem small.tsv",
    "chemical identifiers example user db.tsv",
)
INORGANIC = "Inorganic db.tsv"
CAS, FORMULA, SMILES = 1, 2, 4
"""Columns of the files of identifiers, which have no header."""
LEAST_ATOMS = 2
VERSION = 1  # to be raised when graphs of the same molecules become others


@dataclass(frozen=True, eq=False)
class Molecules:
    """Molecules with a measured property.

    Attributes:
        graphs: as `MoleculeForm.graph` gives them, uint8 (n, features + atoms, atoms).
        values: the property, float64 (n,).
        scaffolds: number of each molecule's scaffold, int64 (n,).
        smiles: canonical SMILES without stereochemistry.
        note: what was left out, in words.
    """

    graphs: np.ndarray
    values: np.ndarray
    scaffolds: np.ndarray
    smiles: np.ndarray
    note: str


def file_of(place: str, task: str) -> Path:
    """Return the path of a file of the package.

    Raises:
        DataError: if the package is missing.
    """
    return package_file(PACKAGE, f"{PACKAGE}/{place}", task=task, install=INSTALL)


def measured_molecules(place: str, column: str, form: MoleculeForm, task: str) -> Molecules:
    """Return the molecules of a table of CAS numbers, from a cache where they were read before.

    Molecules without a SMILES, of several fragments, or with fewer than 2 or more than `form.atoms` heavy
    atoms are left out. Those that differ in nothing but stereochemistry are one, with the mean of the values.

    Args:
        place: place of the table in the package, tab separated.
        column: column of the values.
        form: how a molecule becomes a graph.
        task: name of the task, for errors.
    """
    path = file_of(place, task)
    chemistry()
    key = {
        "table": hashlib.sha256(path.read_bytes()).hexdigest(),
        "atoms": form.atoms,
        "rdkit": version("rdkit"),
        "chemicals": version(PACKAGE),
        "version": VERSION,
    }
    arrays = cached(task, key, lambda: _read(path, column, form, task))
    return Molecules(
        arrays["graphs"], arrays["values"], arrays["scaffolds"], arrays["smiles"], str(arrays["note"])
    )


def _read(path: Path, column: str, form: MoleculeForm, task: str) -> dict[str, np.ndarray]:
    known = identifiers(SMILES, IDENTIFIERS, task)
    rows = list(table_rows(path, column))
    left_out = dict.fromkeys((EMPTY, INVALID, FRAGMENTS, SIZE), 0)
    graphs: dict[str, np.ndarray] = {}
    values: dict[str, list[float]] = {}
    with quietly() as chem:
        for cas, value in rows:
            molecule = read_smiles(chem, known.get(cas))
            trouble = form.trouble(molecule) if cas in known else EMPTY
            if not trouble and molecule.GetNumAtoms() < LEAST_ATOMS:
                trouble = SIZE
            if trouble:
                left_out[trouble] += 1
                continue
            text = flat_smiles(chem, molecule)
            values.setdefault(text, []).append(value)
            if text not in graphs:  # of the canonical text, so that the order of rows changes nothing
                graphs[text] = form.graph(read_smiles(chem, text) or molecule)
    smiles = sorted(graphs)
    told = [f"{count:,} with {trouble}" for trouble, count in left_out.items() if count]
    twins = sum(map(len, values.values())) - len(smiles)
    return {
        "graphs": np.stack([graphs[text] for text in smiles]),
        "values": np.array([np.mean(values[text]) for text in smiles]),
        "scaffolds": scaffolds_of(smiles),
        "smiles": np.array(smiles),
        "note": np.array(
            f"{len(smiles):,} molecules of {len(rows):,} rows: left out are {', '.join(told)}; {twins:,} "
            "rows that differ from another in stereochemistry alone, or not at all, are averaged with it"
        ),
    }


def identifiers(column: int, files: tuple[str, ...], task: str) -> dict[str, str]:
    """Return a column of the files of identifiers by CAS number; of several files the last counts."""
    found: dict[str, str] = {}
    for name in files:
        with file_of(f"Identifiers/{name}", task).open(encoding="utf-8") as lines:
            for line in lines:
                cells = line.split("\t", SMILES + 1)
                found[cells[CAS]] = cells[column]
    return found


def table_rows(path: Path, column: str) -> Iterator[tuple[str, float]]:
    """Yield the CAS number and the value of each row of a table of the package that has one."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    header, *lines = content.decode("utf-8").splitlines()
    at = header.split("\t").index(column)
    for line in lines:
        cells = line.split("\t")
        if len(cells) > at and cells[at].strip():
            yield cells[0], float(cells[at])
