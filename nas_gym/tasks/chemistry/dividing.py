"""A task of measured molecules: its parts, its notes and its sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.tasks.chemistry.molecules import MoleculeForm
from nas_gym.tasks.chemistry.records import Molecules
from nas_gym.tasks.chemistry.scaffolds import check_split, scaffold_division
from nas_gym.tasks.data import Data
from nas_gym.tasks.preparation import Size


def molecule_data(
    molecules: Molecules,
    form: MoleculeForm,
    y: Any,
    split: str,
    sizes: dict[str, Size | None],
    split_seed: int,
    **target: str | Sequence[str],
) -> Data:
    """Return the data of measured molecules.

    Args:
        molecules: the molecules.
        form: how they became graphs.
        y: values or classes.
        split: ``"scaffold"`` or ``"random"``.
        sizes: of the parts, as in `nas_gym.tasks.preparation.Preparation`.
        split_seed: which molecules go where.
        **target: what `Data` is told of the target.
    """
    check_split(split)
    division = None
    if split == "scaffold":
        division = scaffold_division(
            molecules.scaffolds,
            sizes["train_size"],
            sizes["validation_size"] or 0.2,
            sizes["test_size"] or 0.2,
            split_seed,
        )
    return Data(
        molecules.graphs,
        y,
        coded=form.inputs,
        files=form,
        division=division,
        notes=(molecules.note,),
        defaults=sizes,
        **target,  # type: ignore[arg-type]
    )
