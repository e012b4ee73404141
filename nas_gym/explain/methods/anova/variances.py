"""The mixed model of a run's evaluations: which variances it has, which are assumed, which are in doubt.

Choices are fixed effects. Pairs are random and share a variance, except that a pair that stands out gets
one of its own, so that one strong interaction does not make all others look possible. What three choices
do together is a covariance between architectures. An agent that evaluated a combination two or three
times evaluated it along with certain other values: the interaction seen there may be that of another
pair, its rival, which only evaluations that were never made could exclude.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

from nas_gym.explain.methods.anova.components import Component
from nas_gym.explain.methods.anova.encoding import EncodedArchitectures
from nas_gym.explain.methods.anova.mixed_model import FIXED, MixedModel, fit

OWN_VARIANCES = 6
STANDS_OUT = 0.05
HALF = 0.5


def fitted(
    parts: Sequence[Component], visited: EncodedArchitectures, y: np.ndarray
) -> tuple[MixedModel, list[np.ndarray]]:
    """Return the mixed model of a run's evaluations, and the columns of each component in it.

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
    model: MixedModel,
    parts: Sequence[Component],
    columns: Sequence[np.ndarray],
    visited: EncodedArchitectures,
) -> MixedModel:
    """Return the model with interactions of the depth allowed for where the visits say nothing of them.

    An agent that never evaluated a value at some depth has not seen whether it acts there as it does
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


def unmet_cells(part: Component, visited: EncodedArchitectures) -> list[int]:
    """Return the cells of a component that exist and were never visited."""
    cells = part.cells(visited)
    visits = np.bincount(cells[cells >= 0], minlength=len(part.words))
    return [cell for cell in range(len(visits)) if part.share[cell] > 0 and not visits[cell]]


def of_depth(part: Component) -> bool:
    """Whether a component is a pair of the depth and another choice."""
    return len(part.columns) == 2 and part.variables[0].is_depth


def chance(model: MixedModel, columns: np.ndarray) -> float:
    """Return the chance of coefficients as far from 0 as those of a component."""
    values, covariance, _ = model.determined(columns)
    variances = np.diag(covariance)
    use = variances > 0
    return float(chi2.sf((values[use] ** 2 / variances[use]).sum(), use.sum())) if use.any() else 1.0


def third_order(features: Sequence[np.ndarray]) -> np.ndarray:
    """Return the kernel of all triples of components, scaled to about 1 on its diagonal, float64 (n, n).

    The elementary symmetric polynomial of the kernels by Newton's identities, as Durrande et al.
    ("ANOVA kernels and RKHS of zero mean functions", 2013) have it.
    """
    kernels = [z @ z.T / max(1.0, z.shape[1]) for z in features]
    one = sum(kernels, np.zeros_like(kernels[0]))
    two = sum((kernel**2 for kernel in kernels), np.zeros_like(one))
    three = sum((kernel**3 for kernel in kernels), np.zeros_like(one))
    kernel = (one**3 - 3.0 * one * two + 2.0 * three) / 6.0
    scale = float(np.trace(kernel)) / len(kernel)
    return np.asarray(kernel / scale if scale > 1e-9 else np.zeros_like(kernel))


def rivals(
    model: MixedModel, parts: Sequence[Component], columns: Sequence[np.ndarray]
) -> dict[int, tuple[str, ...]]:
    """Return the rivals of each pair with a variance of its own.

    A rival stands out as long as the pair has no variance of its own, and once it has one in the
    pair's place the pair stands out no more: whichever is taken for granted, the other is not needed.

    Args:
        model: model of the evaluations.
        parts: the components.
        columns: columns of each component in the model.

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
    """Return the model in which a pair shares the variance of all, and another has its own instead."""
    group = model.group.copy()
    number = group[old[0]]
    group[old] = 0
    if new is None:
        group[group > number] -= 1
    else:
        group[new] = number
    return fit(model.y, model.z, group, model.third)
