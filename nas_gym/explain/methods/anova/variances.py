"""The mixed model of a run's evaluations: which variances it has, and which are assumed.

Choices are fixed effects. Pairs are random, share a variance, and get one of their own where they
stand out, so that one strong interaction does not make all others look possible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

from nas_gym.explain.methods.anova.coding import Coded
from nas_gym.explain.methods.anova.components import Component
from nas_gym.explain.methods.anova.mixed_model import FIXED, MixedModel, fit
from nas_gym.explain.methods.anova.third_order import third_order

OWN_VARIANCES = 6
STANDS_OUT = 0.05
HALF = 0.5


def fitted(parts: Sequence[Component], visited: Coded, y: np.ndarray) -> tuple[MixedModel, list[np.ndarray]]:
    """The mixed model of a run's evaluations, and the columns of each component in it.

    Choices are fixed. Pairs are random and share a variance, but for those that stand out, one
    after the other, which get one of their own.
    """
    features = [part.features(visited) for part in parts]
    owner = np.repeat(np.arange(len(parts)), [z.shape[1] for z in features])
    columns = [np.flatnonzero(owner == number) for number in range(len(parts))]
    singles = [n for n, part in enumerate(parts) if len(part.columns) == 1]
    pairs = [n for n, part in enumerate(parts) if len(part.columns) == 2]
    third = third_order([features[n] for n in singles])
    z, group = np.hstack(features), np.where(np.isin(owner, singles), FIXED, 0)
    model = fit(y, z, group, third)
    for number in range(1, 1 + min(OWN_VARIANCES, len(pairs) - 1)):
        shared = [n for n in pairs if group[columns[n][0]] == 0]
        evidence = [chance(model, columns[n]) for n in shared]
        if min(evidence) > STANDS_OUT / len(pairs):
            break
        group[columns[shared[int(np.argmin(evidence))]]] = number
        model = fit(y, z, group.copy(), third)
    return model, columns


def cautious(
    model: MixedModel, parts: Sequence[Component], columns: Sequence[np.ndarray], visited: Coded
) -> MixedModel:
    """The model with interactions of the depth allowed for where the visits say nothing of them.

    An agent that never met a value at some depth has not seen whether it acts there as it does
    elsewhere. Coefficients half as large as those of the choice itself are allowed for.
    """
    single = {part.columns[0]: n for n, part in enumerate(parts) if len(part.columns) == 1}
    least = []
    for n, part in enumerate(parts):
        if of_depth(part) and unmet_cells(part, visited):
            estimate = model.estimate(columns[single[part.columns[1]]])
            size = float((estimate[0] ** 2).mean()) if estimate else float(model.y.var())
            least.append((columns[n], HALF**2 * size))
    return model.assuming(least)


def unmet_cells(part: Component, visited: Coded) -> list[int]:
    """The cells of a component that exist and were never visited."""
    cells = part.cells(visited)
    visits = np.bincount(cells[cells >= 0], minlength=len(part.words))
    return [cell for cell in range(len(visits)) if part.share[cell] > 0 and not visits[cell]]


def of_depth(part: Component) -> bool:
    """Whether a component is a pair of the depth and another choice."""
    return len(part.columns) == 2 and part.variables[0].is_depth


def chance(model: MixedModel, columns: np.ndarray) -> float:
    """The chance of coefficients as far from 0 as those of a component."""
    values, covariance, _ = model.determined(columns)
    variances = np.diag(covariance)
    use = variances > 0
    return float(chi2.sf((values[use] ** 2 / variances[use]).sum(), use.sum())) if use.any() else 1.0
