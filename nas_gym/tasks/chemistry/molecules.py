"""Molecules as graphs of atoms and bonds."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.chemistry.rdkit import quietly
from nas_gym.tasks.forms.base import ARRAYS, ExampleForm, FileExamples, Reading, read_files
from nas_gym.tasks.inputs import GraphInputs
from nas_gym.tasks.media.collection import is_of
from nas_gym.tasks.media.reading import Unreadable
from nas_gym.tasks.own import paths
from nas_gym.tasks.reading.raw_table import RawTable, listed, text_of
from nas_gym.tasks.reading.table_file import read_table

ELEMENTS = ("C", "N", "O", "F", "S", "Cl", "Br", "I", "P")
FEATURES = (
    "node",
    *ELEMENTS,
    "other element",
    "bonded atoms",
    "hydrogens",
    "positive charge",
    "negative charge",
    "aromatic",
    "in a ring",
    "sp",
    "sp2",
)
"""What is known of an atom: which element it is, and small counts."""
BONDS = ("single", "double", "triple", "aromatic")
LARGEST = 28
"""Heavy atoms that a molecule may have where nobody says so."""
SHOWN = 3  # texts that an error lists
EMPTY, INVALID, FRAGMENTS, SIZE = "no SMILES", "an invalid SMILES", "several fragments", "another size"
SUFFIXES = (".sdf", ".mol")


@dataclass(frozen=True)
class MoleculeForm(ExampleForm):
    """How texts become graphs of atoms, float32 (features + atoms, atoms), as `GraphInputs` has them.

    Hydrogens are counted at the atom that they are bonded to and are no nodes. Bonds of other kinds than
    those of `BONDS` count as single ones.

    Attributes:
        column: column of the SMILES in a table.
        atoms: most heavy atoms of a molecule.
    """

    column: str
    atoms: int = LARGEST
    kind: ClassVar[str] = "molecule"
    what: ClassVar[str] = "molecules"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    takes_texts: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an example."""
        return len(FEATURES) + self.atoms, self.atoms

    @property
    def inputs(self) -> GraphInputs:
        """What the rows of an example stand for."""
        return GraphInputs(FEATURES, BONDS, self.atoms)

    def config(self) -> dict[str, Any]:
        """Return the JSON-able description of this form."""
        return {"kind": self.kind, "column": self.column, "atoms": self.atoms}

    def graph(self, molecule: Any) -> np.ndarray:
        """Return a molecule of RDKit as a graph, uint8 (features + atoms, atoms)."""
        found = np.zeros(self.shape, dtype=np.uint8)
        for place, atom in enumerate(molecule.GetAtoms()):
            found[: len(FEATURES), place] = _atom(atom)
        for bond in molecule.GetBonds():
            name = str(bond.GetBondType()).lower()
            kind = 1 + (BONDS.index(name) if name in BONDS else 0)
            one, other = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            found[len(FEATURES) + one, other] = found[len(FEATURES) + other, one] = kind
        return found

    def trouble(self, molecule: Any) -> str:
        """Return why a molecule of RDKit, or None, is no example; "" where it is one."""
        if molecule is None:
            return INVALID
        if not 1 <= molecule.GetNumAtoms() <= self.atoms:
            return SIZE
        return FRAGMENTS if len(_fragments(molecule)) > 1 else ""

    def encode(self, texts: Sequence[Any]) -> np.ndarray:
        """Return new molecules as graphs, float32 (n, features + atoms, atoms).

        Args:
            texts: a SMILES each.

        Raises:
            NASGymError: if one is not a molecule of one fragment and at most so many heavy atoms.
        """
        found = np.zeros((len(texts), *self.shape), dtype=np.float32)
        with quietly() as chem:
            for place, text in enumerate(texts):
                molecule = read_smiles(chem, text)
                trouble = EMPTY if is_empty(text) else self.trouble(molecule)
                if trouble:
                    raise DataError(
                        f"molecule {place + 1:,}, {str(text)[:60]!r}, has {trouble}: pass SMILES of one "
                        f"fragment and 1 to {self.atoms} heavy atoms"
                    )
                found[place] = self.graph(molecule)
        return found

    def examples_in(self, path: Path, reading: Reading) -> Any:
        """Return the molecules of a file; None of a file of arrays."""
        if path.suffix in ARRAYS:
            return None
        path = paths.existing(path, "table")
        if path.suffix.casefold() == ".sdf":
            return FileExamples(*self.read_all(path.name, path.read_bytes()), self.column)
        if is_of(path.name, self.suffixes):
            return read_files(path, self)
        return self.in_table(read_table(path, **reading, expected=(self.column,)))

    def in_table(self, table: RawTable) -> FileExamples:
        x = self.examples(table)
        return FileExamples(x, tuple(map(text_of, listed(table.columns[self.column]))), self.column)

    def examples(self, table: RawTable) -> np.ndarray:
        """Return the molecules of a table as graphs.

        Raises:
            NASGymError: if it has no such column, or as `encode` does.
        """
        if self.column not in table.columns:
            raise DataError(
                f"{table.source} has no column {self.column!r}, which held the SMILES in training: name it so"
            )
        return self.encode(list(table.columns[self.column]))

    def read_all(self, name: str, content: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the molecules of an ``.sdf`` file as graphs, and their SMILES.

        Raises:
            NASGymError: if there is none, or one is not as `encode` asks.
        """
        found, texts = [], []
        with quietly() as chem:
            for place, molecule in enumerate(sdf_molecules(chem, content), start=1):
                trouble = self.trouble(molecule)
                if trouble:
                    raise DataError(f"molecule {place:,} of {name} has {trouble}: leave it out")
                found.append(self.graph(molecule))
                texts.append(str(chem.MolToSmiles(molecule)))
        if not found:
            raise DataError(f"{name} has no molecule: pass an .sdf file with molecules")
        return np.stack(found).astype(np.float32), tuple(texts)

    def read(self, name: str, content: bytes) -> np.ndarray:
        """Return the molecule of a file ``.mol`` as a graph.

        Raises:
            Unreadable: if it is none, or has several fragments or too many atoms.
        """
        with quietly() as chem:
            molecule = chem.MolFromMolBlock(content.decode("utf-8", "replace"))
            trouble = self.trouble(molecule)
            if trouble:
                raise Unreadable(f"{name} has {trouble}")
            return self.graph(molecule).astype(np.float32)


def is_empty(cell: Any) -> bool:
    """Return whether a cell of a table holds nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def read_smiles(chem: Any, text: Any) -> Any:
    """Return a molecule of RDKit, None where the text is none."""
    return chem.MolFromSmiles(text.strip()) if isinstance(text, str) and text.strip() else None


def sdf_molecules(chem: Any, content: bytes) -> list[Any]:
    """Return the molecules of an SDF file, None for those that RDKit cannot read."""
    return list(chem.ForwardSDMolSupplier(io.BytesIO(content)))


def flat_smiles(chem: Any, molecule: Any) -> str:
    """Return the canonical SMILES without stereochemistry, which stereo twins share."""
    return str(chem.MolToSmiles(molecule, isomericSmiles=False))


def _atom(atom: Any) -> list[int]:
    symbol, charge = atom.GetSymbol(), atom.GetFormalCharge()
    elements = [int(symbol == element) for element in ELEMENTS]
    hybrid = str(atom.GetHybridization())
    return [
        1,
        *elements,
        int(symbol not in ELEMENTS),
        atom.GetDegree(),
        atom.GetTotalNumHs(),
        max(charge, 0),
        max(-charge, 0),
        int(atom.GetIsAromatic()),
        int(atom.IsInRing()),
        int(hybrid == "SP"),
        int(hybrid == "SP2"),
    ]


def _fragments(molecule: Any) -> Sequence[Any]:
    from rdkit.Chem import rdmolops

    fragments: Sequence[Any] = rdmolops.GetMolFrags(molecule)
    return fragments
