"""How much better a molecule dissolves in octanol than in water."""

from __future__ import annotations

from nas_gym.tasks.chemistry.dividing import molecule_data
from nas_gym.tasks.chemistry.molecules import LARGEST, MoleculeForm
from nas_gym.tasks.chemistry.records import measured_molecules
from nas_gym.tasks.data import Data
from nas_gym.tasks.preparation import Size

TABLE = "Environment/Syrres logP data.csv.gz"


def logp(
    split: str = "scaffold",
    atoms: int = LARGEST,
    train_size: Size | None = 2_000,
    validation_size: Size = 800,
    test_size: Size = 800,
    split_seed: int = 0,
) -> Data:
    """Measured logP, the logarithm of the partition between octanol and water, of 4,512 molecules.

    logP says how fat-soluble a molecule is; drug designers watch it since it decides how a drug is taken up
    (Lipinski's rule asks for at most 5). The values are those of the SRC PHYSPROP database in the copy of
    11,569 CAS numbers of the package `chemicals` (MIT), of which it has SMILES for fewer than half; mean 2.1,
    standard deviation 2.0. Examples, duplicates and parts are those of `melting_point`; the score is R².

    It is nearly additive over the atoms, so that a network without message passing is far from hopeless, and
    a sum over the atoms is better than a mean. For ranking agents take the table
    ``NASTable-Molecules-v0``: by one training of the usual recipe networks differ by 2.7 times the noise of a
    seed, which is too little (docs/domains/chemistry.md).

    Args:
        split: ``"scaffold"`` or ``"random"``.
        atoms: most heavy atoms of a molecule, which all graphs are padded to.
        train_size: as in `nas_gym.tasks.preparation.Preparation`.
        validation_size: as in `nas_gym.tasks.preparation.Preparation`.
        test_size: as in `nas_gym.tasks.preparation.Preparation`.
        split_seed: as in `nas_gym.tasks.preparation.Preparation`.
    """
    form = MoleculeForm("smiles", atoms)
    molecules = measured_molecules(TABLE, "logP", form, "logp")
    sizes = {"train_size": train_size, "validation_size": validation_size, "test_size": test_size}
    target = {"target_kind": "values", "target_names": ("logP",)}
    return molecule_data(molecules, form, molecules.values, split, sizes, split_seed, **target)
