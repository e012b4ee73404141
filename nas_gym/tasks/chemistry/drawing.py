"""Where the atoms of a molecule lie when it is drawn, from its graph alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.errors import DataError
from nas_gym.tasks.chemistry.molecules import BONDS, ELEMENTS, FEATURES
from nas_gym.tasks.chemistry.rdkit import quietly

PLACE = {name: place for place, name in enumerate(FEATURES)}
OTHER = "*"
"""What an element is drawn as that the features do not tell."""


@dataclass(frozen=True, eq=False)
class MoleculeLayout:
    """A molecule to be drawn.

    Attributes:
        symbols: symbol of each atom.
        positions: float64 (atoms, 2).
        bonds: of each bond its two atoms and its kind, one of `BONDS`.
    """

    symbols: tuple[str, ...]
    positions: np.ndarray
    bonds: tuple[tuple[int, int, str], ...]


def atom_labels(graph: np.ndarray) -> list[str]:
    """Return what each atom of a graph is called: ``"aromatic C"``, ``"O"``; "" where there is none.

    Args:
        graph: (features + atoms, atoms), as `MoleculeForm.graph` gives it.
    """
    found = []
    for column in graph[: len(FEATURES)].T:
        if not column[0]:
            found.append("")
            continue
        symbol = next((one for one in ELEMENTS if column[PLACE[one]]), "other element")
        found.append(f"aromatic {symbol}" if column[PLACE["aromatic"]] else symbol)
    return found


def layout(graph: np.ndarray) -> MoleculeLayout | None:
    """Return a molecule as it is drawn; None where RDKit is missing or cannot lay it out.

    Args:
        graph: (features + atoms, atoms), as `MoleculeForm.graph` gives it.
    """
    there = np.flatnonzero(graph[0])
    edges = graph[len(FEATURES) :]
    symbols = [next((one for one in ELEMENTS if graph[PLACE[one], atom]), OTHER) for atom in there]
    bonds = [
        (int(one), int(other), BONDS[int(edges[one, other]) - 1])
        for one in there
        for other in there
        if one < other and edges[one, other]
    ]
    try:
        with quietly() as chem:
            from rdkit.Chem import rdDepictor

            made = chem.RWMol()
            for symbol in symbols:
                made.AddAtom(chem.Atom(symbol))
            for one, other, kind in bonds:
                made.AddBond(one, other, getattr(chem.BondType, kind.upper()))
            chem.FastFindRings(made)
            rdDepictor.Compute2DCoords(made)
            positions = np.array(made.GetConformer().GetPositions())[:, :2]
    except (DataError, ValueError, RuntimeError):  # no RDKit, or a graph that is no molecule
        return None
    return MoleculeLayout(tuple(symbols), positions, tuple(bonds))
