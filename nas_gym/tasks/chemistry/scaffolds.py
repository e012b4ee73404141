"""Parts by scaffold: molecules of one ring system are in one part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.errors import ConfigError, unknown
from nas_gym.tasks.chemistry.rdkit import quietly
from nas_gym.tasks.division import UNUSED, Division
from nas_gym.tasks.preparation import Preparation, Size

SPLITS = ("scaffold", "random")
COMMON = (0.1, 0.3, 1.0)
"""Share of the smaller of the validation and the test part above which a scaffold's molecules are those of
training, the first that leaves enough others."""


def check_split(split: object) -> None:
    """Check an option ``split`` of a task of molecules.

    Raises:
        NASGymError: if it is none of `SPLITS`.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)


def scaffolds_of(smiles: Sequence[str]) -> np.ndarray:
    """Return the number of each molecule's scaffold, int64 (n,).

    The scaffold is the rings and what links them (Bemis and Murcko 1996, "The Properties of Known Drugs. 1.
    Molecular Frameworks"). All molecules without a ring share one, the empty one.

    Args:
        smiles: SMILES that RDKit can read.
    """
    with quietly():
        from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

        found = [MurckoScaffoldSmiles(smiles=text, includeChirality=False) for text in smiles]
    numbers: np.ndarray = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return numbers


def scaffold_division(
    scaffolds: np.ndarray, train_size: Size | None, validation_size: Size, test_size: Size, seed: int
) -> Division:
    """Return parts of exactly these sizes, no scaffold in two of them.

    Scaffolds in random order fill the validation and the test part, common ones excepted, which would be
    most of such a part; of what is left the training part is drawn. A scaffold that does not fit a part as a
    whole leaves molecules that are in no part.

    Args:
        scaffolds: number of each molecule's scaffold, int64 (n,).
        train_size: as in `nas_gym.tasks.preparation.Preparation`.
        validation_size: as in `nas_gym.tasks.preparation.Preparation`.
        test_size: as in `nas_gym.tasks.preparation.Preparation`.
        seed: seed of the order of the scaffolds.

    Raises:
        NASGymError: if there are too few molecules of scaffolds that are not common.
    """
    preparation = Preparation(train_size=train_size, validation_size=validation_size, test_size=test_size)
    train, validation, test = preparation.counts(len(scaffolds))
    rng = np.random.default_rng([seed, len(scaffolds)])
    counts = np.bincount(scaffolds)
    few = min(validation, test)
    limits = [max(1.0, share * few) for share in COMMON]
    limit = next((one for one in limits if counts[counts <= one].sum() >= validation + test), limits[-1])
    parts = np.full(len(scaffolds), UNUSED, dtype=np.int64)
    taken = np.zeros(len(counts), dtype=bool)
    order = iter(rng.permutation(np.flatnonzero((counts > 0) & (counts <= limit))).tolist())
    for part, size in ((2, test), (1, validation)):
        left = size
        while left:
            scaffold = next(order, None)
            if scaffold is None:
                raise ConfigError(
                    f"the scaffolds that are not common have too few molecules for a validation part of "
                    f"{validation:,} and a test part of {test:,}: lower validation_size or test_size, or "
                    "pass split='random'"
                )
            taken[scaffold] = True
            members = np.flatnonzero(scaffolds == scaffold)[:left]
            parts[members] = part
            left -= len(members)
    free = rng.permutation(np.flatnonzero(~taken[scaffolds]))
    if len(free) < (train if train_size is not None else 1):
        raise ConfigError(
            f"{len(free):,} molecules are left for a training part of {train:,}: lower a size, or pass "
            "split='random'"
        )
    parts[free if train_size is None else free[:train]] = 0
    names = (("parts", "scaffold"), ("groups", "the scaffold"))
    return Division(parts=parts, sized=True, names=names)
