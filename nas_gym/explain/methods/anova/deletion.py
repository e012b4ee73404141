"""The deletion test: whether the choices that were named most important matter most at the found network.

It follows the deletion tests of attributions (Samek et al., "Evaluating the visualization of what a deep
neural network has learned", 2017): change the named choices, change as many others, and compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb
from typing import Any

import numpy as np

from nas_gym.search_spaces import Architecture, SearchSpace

NAMED = 3
MOST_SETS = 20_000


@dataclass(frozen=True, slots=True)
class Deletion:
    """The outcome of a deletion test.

    Attributes:
        named: the choices named most important.
        drop: mean drop of the score over all single edits of these choices.
        others: mean of that drop over all other sets of as many choices.
        below: share of the other sets with a smaller drop.
        sets: number of the other sets.
        changes: number of single edits of the network that were compared.
        drops: mean drop over the single edits of each choice.
    """

    named: tuple[str, ...]
    drop: float
    others: float
    below: float
    sets: int
    changes: int
    drops: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """Whether changing the named choices costs something, and more than changing others."""
        return self.drop > max(0.0, self.others)


def edited_choice(space: SearchSpace[Any], architecture: Architecture, neighbour: Architecture) -> str:
    """Return the choice that an edit changes, "" for several: a layer added below others moves them."""
    old, new = space.encode(architecture), space.encode(neighbour)
    shared = space.active_variables(architecture) & space.active_variables(neighbour)
    changed = [name for name in space.variables if name in shared and old[name] != new[name]]
    return changed[0] if len(changed) == 1 else ""


def deletion(
    ranking: Sequence[str], drops: Mapping[str, Sequence[float]], most: int = NAMED
) -> Deletion | None:
    """Compare the choices named most important with all other sets of as many.

    Args:
        ranking: choices, the most important first.
        drops: drop of the score by each single edit, by the choice of the network that it changes.
        most: number of named choices; fewer where the network has no more choices than that.

    Returns:
        None where there is nothing to compare with.
    """
    names = [name for name in ranking if drops.get(name)]
    k = min(most, len(names) - 1)
    if k < 1:
        return None
    totals = np.array([sum(drops[name]) for name in names])
    counts = np.array([len(drops[name]) for name in names])
    sets = np.array(list(islice(combinations(range(len(names)), k), MOST_SETS)))
    means = totals[sets].sum(axis=1) / counts[sets].sum(axis=1)
    return Deletion(
        named=tuple(names[:k]),
        drop=float(means[0]),
        others=float(means[1:].mean()),
        below=float((means[1:] < means[0]).mean()),
        sets=min(MOST_SETS, comb(len(names), k)) - 1,
        changes=int(counts.sum()),
        drops={name: float(np.mean(drops[name])) for name in names},
    )
