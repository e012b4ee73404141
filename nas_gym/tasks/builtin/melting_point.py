"""Melting points of organic molecules, which are graphs of atoms and bonds."""

from __future__ import annotations

import numpy as np

from nas_gym.errors import unknown
from nas_gym.tasks.chemistry.dividing import molecule_data
from nas_gym.tasks.chemistry.molecules import LARGEST, MoleculeForm
from nas_gym.tasks.chemistry.records import measured_molecules
from nas_gym.tasks.data import Data
from nas_gym.tasks.preparation import Size

TABLE = "Phase Change/OpenNotebook Melting Points.tsv"
KINDS = ("values", "classes")


def melting_point(
    kind: str = "values",
    split: str = "scaffold",
    atoms: int = LARGEST,
    train_size: Size | None = 2_500,
    validation_size: Size = 1_200,
    test_size: Size = 1_500,
    split_seed: int = 0,
) -> Data:
    """Melting points in kelvin of 10,985 molecules of 2 to 28 heavy atoms.

    The open collection of Bradley, Williams and Lang ("Jean-Claude Bradley Open Melting Point Dataset", 2014,
    figshare 1031637), in the copy of 11,549 CAS numbers of the package `chemicals` (MIT), which also brings
    their SMILES; mean 352 K, standard deviation 96 K, from 68 to 1,077 K. Molecules that differ in
    stereochemistry alone are one example, with the mean of their melting points: 102 molecules have several,
    half of which lie within 3 K of each other. No molecule is in two parts as its mirror image, then, which
    would let a network look the answer up. Left out are 15 rows without a SMILES, 44 of several fragments, 3
    that RDKit cannot read and those of another size.

    An example is a graph: of each atom its element, how many atoms and hydrogens it is bonded to, charge, and
    whether it is aromatic, in a ring, sp or sp2; of each bond whether it is single, double, triple or
    aromatic. The score of values is R² (the mean has 0), of classes accuracy (the more frequent has about
    .5).

    By default no ring system is in two parts: validation and test are of other scaffolds than training, which
    is harder than a random split, and what a chemist asks of a model. docs/domains/chemistry.md has what is
    reached on both, and by a ridge regression on Morgan fingerprints. Agents are better ranked elsewhere:
    networks of the space `graph` differ by 2.2 times the noise of a seed, which is too little.

    Args:
        kind: ``"values"``, or ``"classes"`` for above or below the median.
        split: ``"scaffold"`` or ``"random"``.
        atoms: most heavy atoms of a molecule, which all graphs are padded to.
        train_size: as in `nas_gym.tasks.preparation.Preparation`.
        validation_size: as in `nas_gym.tasks.preparation.Preparation`.
        test_size: as in `nas_gym.tasks.preparation.Preparation`.
        split_seed: as in `nas_gym.tasks.preparation.Preparation`.
    """
    if kind not in KINDS:
        raise unknown("kind of melting_point", kind, KINDS)
    form = MoleculeForm("smiles", atoms)
    molecules = measured_molecules(TABLE, "Tm", form, "melting_point")
    sizes = {"train_size": train_size, "validation_size": validation_size, "test_size": test_size}
    if kind == "values":
        target = {"target_kind": "values", "target_names": ("melting point in K",)}
        return molecule_data(molecules, form, molecules.values, split, sizes, split_seed, **target)
    above = (molecules.values > np.median(molecules.values)).astype(np.int64)
    names = ("below the median", "above the median")
    return molecule_data(molecules, form, above, split, sizes, split_seed, class_names=names)
