"""Morgan fingerprints of molecules, from their graphs alone: what plain methods of chemistry read."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.tasks.chemistry.molecules import BONDS, ELEMENTS, FEATURES
from nas_gym.tasks.chemistry.rdkit import quietly

RADIUS, PLACES = 2, 2048
PLACE = {name: place for place, name in enumerate(FEATURES)}
OTHER = "*"
"""What an element counts as that the features do not tell."""


def morgan_counts(graphs: np.ndarray, radius: int = RADIUS, places: int = PLACES) -> np.ndarray:
    """Return how often each surrounding of an atom is in each molecule (Rogers and Hahn 2010).

    A surrounding is told by elements, charges, hydrogens, rings and bonds, all of which the graph holds, so
    that counts are those of the molecule's SMILES; only the elements that the features do not tell are alike.

    Args:
        graphs: (n, features + atoms, atoms), as `MoleculeForm.graph` gives each.
        radius: bonds from the atom to the end of its surrounding, at most.
        places: places that the surroundings are hashed to.

    Returns:
        float32 (n, places).

    Raises:
        DataError: if RDKit is not installed.
    """
    found = np.zeros((len(graphs), places), dtype=np.float32)
    with quietly() as chem:
        from rdkit.Chem import rdFingerprintGenerator

        maker = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=places)
        for number, graph in enumerate(np.asarray(graphs).astype(np.int64)):
            found[number] = maker.GetCountFingerprintAsNumPy(_molecule(chem, graph))
    return found


def _molecule(chem: Any, graph: np.ndarray) -> Any:
    """Return a graph as a molecule of RDKit, as far as fingerprints ask."""
    made = chem.RWMol()
    there = np.flatnonzero(graph[0])
    for atom in there:
        symbol = next((one for one in ELEMENTS if graph[PLACE[one], atom]), OTHER)
        new = chem.Atom(symbol)
        positive, negative = (graph[PLACE[f"{sign} charge"], atom] for sign in ("positive", "negative"))
        new.SetFormalCharge(int(positive - negative))
        new.SetNumExplicitHs(int(graph[PLACE["hydrogens"], atom]))
        new.SetNoImplicit(True)
        new.SetIsAromatic(bool(graph[PLACE["aromatic"], atom]))
        made.AddAtom(new)
    ones, others = np.nonzero(np.triu(graph[len(FEATURES) :], 1))
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        kind = BONDS[int(graph[len(FEATURES) + one, other]) - 1]
        made.AddBond(one, other, getattr(chem.BondType, kind.upper()))
    made.UpdatePropertyCache(strict=False)
    chem.FastFindRings(made)
    return made
