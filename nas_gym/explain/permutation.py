"""Whether an effect could be chance: the same statistic with accuracies permuted within each depth.

What all other components explain is taken out first: accuracies are whitened by the covariance
that they have if the tested component has no effect, which leaves errors of prediction, each given
the evaluations before it. Those are exchangeable if the component has none, and are permuted
within each depth (the depth itself: among all). Adjusted for asking of many components at once by
the distribution of the largest statistic (Westfall and Young, "Resampling-based multiple testing",
1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import beta

from nas_gym.explain.mixed_model import MixedModel

PERMUTATIONS = 999
DETERMINED = 1e-6


@dataclass(frozen=True, slots=True)
class Significance:
    """Of one component.

    Attributes:
        evidence: minus the natural logarithm of the chance of explaining as large a share of the errors.
        p: share of permutations in which some component of the family had as much evidence.
    """

    evidence: float
    p: float


def significance(
    model: MixedModel,
    tested: Sequence[np.ndarray],
    across: Sequence[bool],
    depth: np.ndarray,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> list[Significance]:
    """The significance of each of a family of components, adjusted for the family.

    Args:
        model: of the accuracies.
        tested: columns of `model.z` of each component.
        across: of each, whether accuracies are permuted across depths.
        depth: int (n,).
        permutations: how many; the smallest p is 1 / (1 + permutations).
        seed: of the permutations.
    """
    rng = np.random.default_rng(seed)
    count = len(model.y)
    inside = np.array([_within(depth, rng) for _ in range(permutations)]).reshape(-1, count)
    free = np.array([rng.permutation(count) for _ in range(permutations)]).reshape(-1, count)
    seen, largest = [], np.zeros(permutations)
    roots: dict[bool, np.ndarray] = {}
    for columns, everywhere in zip(tested, across, strict=True):
        shared = bool((model.each[columns] == 0).all())
        if not shared or True not in roots:
            roots[shared] = np.linalg.cholesky(model.without(columns))
        errors, basis = _whitened(roots[shared], model.y, model.z[:, columns])
        orders = free if everywhere else inside
        shares = ((np.vstack([errors, errors[orders]]) @ basis) ** 2).sum(axis=1) / (errors @ errors)
        evidence = _evidence(shares, basis.shape[1], len(errors) - 1)
        seen.append(float(evidence[0]))
        largest = np.maximum(largest, evidence[1:])
    return [
        Significance(evidence, float((1 + (largest >= evidence).sum()) / (1 + permutations)))
        for evidence in seen
    ]


def _within(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A permutation that leaves every architecture at its depth."""
    order = np.arange(len(depth))
    for value in np.unique(depth):
        places = np.flatnonzero(depth == value)
        order[places] = rng.permutation(places)
    return order


def _whitened(root: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors of prediction of y (n,), and an orthonormal basis of the features beside the mean (n, s)."""
    white = solve_triangular(root, np.column_stack([np.ones(len(y)), y, z]), lower=True)
    ones, rest = white[:, 0] / np.linalg.norm(white[:, 0]), white[:, 1:]
    rest = rest - np.outer(ones, ones @ rest)
    basis, sizes, _ = np.linalg.svd(rest[:, 1:], full_matrices=False)
    return rest[:, 0], basis[:, sizes > DETERMINED * np.linalg.norm(white[:, 2:])]


def _evidence(shares: np.ndarray, degrees: int, total: int) -> np.ndarray:
    """Of shares of a sum of squares; 0 for no degrees, where nothing was learned."""
    if not degrees:
        return np.zeros(len(shares))
    return np.asarray(-beta.logsf(np.minimum(shares, 1.0), degrees / 2.0, (total - degrees) / 2.0))
