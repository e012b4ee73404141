"""Which pairs of choices explain the evaluations as well as one that stands out.

An agent that met a combination two or three times met it along with other values. An interaction
that is seen there may then be of another pair, and evaluations that were never made cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.explain.methods.anova.components import Component
from nas_gym.explain.methods.anova.mixed_model import MixedModel, fit
from nas_gym.explain.methods.anova.variances import STANDS_OUT, chance


def rivals(
    model: MixedModel, parts: Sequence[Component], columns: Sequence[np.ndarray]
) -> dict[int, tuple[str, ...]]:
    """The rivals of each pair with a variance of its own.

    A rival stands out as long as the pair has no variance of its own, and once it has one in the
    pair's place the pair stands out no more: whichever is taken for granted, the other is not needed.

    Args:
        model: of the evaluations.
        parts: the components.
        columns: of each in the model.

    Returns:
        Names, the likeliest first, by the number of the component; without those that have none.
    """
    pairs = [n for n, part in enumerate(parts) if len(part.columns) == 2]
    own = [n for n in pairs if model.group[columns[n][0]] > 0]
    shared = [n for n in pairs if n not in own]
    found = {}
    for number in own:
        without = _swapped(model, columns[number], None)
        likely = []
        for other in shared:
            alone = chance(without, columns[other])
            if alone <= STANDS_OUT / len(pairs):
                instead = _swapped(model, columns[number], columns[other])
                if chance(instead, columns[number]) > STANDS_OUT / len(pairs):
                    likely.append((alone, parts[other].name))
        if likely:
            found[number] = tuple(name for _, name in sorted(likely))
    return found


def _swapped(model: MixedModel, old: np.ndarray, new: np.ndarray | None) -> MixedModel:
    """The model in which a pair shares the variance of all, and another has its own instead."""
    group = model.group.copy()
    number = group[old[0]]
    group[old] = 0
    if new is None:
        group[group > number] -= 1
    else:
        group[new] = number
    return fit(model.y, model.z, group, model.third)
