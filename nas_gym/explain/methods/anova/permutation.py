"""Whether an effect could be chance: the same statistic with scores permuted within each depth.

What all other components explain is taken out first: scores are whitened by the covariance that they
have if the tested component has no effect, and predicted one after the other from those before, the fixed
effects unknown (recursive residuals: Brown, Durbin and Evans 1975). An evaluation that only settles an
effect of another component has no error, so there are as many errors as degrees of freedom are left. Were
it given one, near 0, permutations would spread the errors of the others over it and every effect would
seem large. These errors are exchangeable if the component has no effect, and are permuted within each
depth (for the depth itself: among all). The p-values are adjusted for the test of many components at once
by the distribution of the largest statistic (Westfall and Young, "Resampling-based multiple testing",
1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import beta

from nas_gym._clock import check_time
from nas_gym.explain.methods.anova.mixed_model import FIXED, MixedModel

PERMUTATIONS = 999
DETERMINED = 1e-6
ROUNDING = 1e-16
LEAST_LEFT = 1e-3
BATCH = 100


@dataclass(frozen=True, slots=True)
class Significance:
    """The significance of one component.

    Attributes:
        evidence: minus the natural logarithm of the probability to explain as large a share of the errors.
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
    """Return the significance of each of a family of components, adjusted for the family.

    Args:
        model: model of the scores.
        tested: columns of `model.z` of each component.
        across: whether scores are permuted across depths, for each component.
        depth: number of the depth of each architecture, int (n,).
        permutations: number of permutations; the smallest p is 1 / (1 + permutations).
        seed: seed of the permutations.
    """
    keys = np.random.default_rng(seed).random((permutations, len(depth)))
    fixed = np.flatnonzero(model.group == FIXED)
    seen, largest = [], np.zeros(permutations)
    roots: dict[bool, np.ndarray] = {}
    for columns, everywhere in zip(tested, across, strict=True):
        check_time()
        # All components without a variance of their own leave the same covariance.
        shared = bool((model.group[columns] == FIXED).all() or (model.each[columns] == 0).all())
        if not shared or True not in roots:
            roots[shared] = np.linalg.cholesky(model.random_without(columns))
        others = np.column_stack([np.ones(len(depth)), model.z[:, np.setdiff1d(fixed, columns)]])
        errors, basis, kept = _predicted(roots[shared], model.y, model.z[:, columns], others)
        orders = _by_keys(np.zeros_like(kept) if everywhere else depth[kept], keys[:, kept])
        total = max(float(errors @ errors), 1e-300)
        shares = ((np.vstack([errors, errors[orders]]) @ basis) ** 2).sum(axis=1) / total
        evidence = _evidence(shares, basis.shape[1], len(errors))
        seen.append(float(evidence[0]))
        largest = np.maximum(largest, evidence[1:])
    return [Significance(each, _share(largest, each)) for each in seen]


def table_significance(
    features: Sequence[np.ndarray],
    families: Sequence[int],
    across: Sequence[bool],
    y: np.ndarray,
    depth: np.ndarray,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> list[Significance]:
    """Return the significance of components of a full table, each adjusted for its family.

    Scores are fitted by least squares with all components. The statistic is that of the partial
    F test; what it would be by chance is found by permuting the errors of the fit (ter Braak 1992),
    each divided by the share of an error that the fit leaves of it.

    Args:
        features: features of each component, float64 (n, r).
        families: number of the family of each component.
        across: whether errors are permuted across depths, for each component.
        y: scores, float64 (n,).
        depth: number of the depth of each architecture, int (n,).
        permutations: number of permutations; the smallest p is 1 / (1 + permutations).
        seed: seed of the permutations.
    """
    z = np.hstack(features)
    z = z - z.mean(axis=0)
    sizes, directions = np.linalg.eigh(z.T @ z)
    use = sizes > DETERMINED**2 * sizes.max(initial=1e-300)
    roots = directions[:, use] / np.sqrt(sizes[use])
    span, centred = z @ roots, y - y.mean()
    degrees = len(y) - 1 - span.shape[1]
    fitted = span.T @ centred
    errors = centred - span @ fitted
    if degrees < 1 or errors @ errors <= ROUNDING * (centred @ centred):
        errors = np.zeros(len(y))
    left = np.maximum(1.0 - 1.0 / len(y) - (span**2).sum(axis=1), LEAST_LEFT)
    rng = np.random.default_rng(seed)
    orders = _orders(depth, permutations, rng)
    drawn = [_projected(errors / np.sqrt(left), each, span) for each in orders]
    # Of the coefficients in `span`, those of a component beyond all others.
    beyond = roots.T
    ends = np.cumsum([each.shape[1] for each in features])
    found: list[tuple[int, float]] = []
    largest: dict[int, np.ndarray] = {}
    for end, each, everywhere, family in zip(ends, features, across, families, strict=True):
        check_time()
        own, parts, _ = np.linalg.svd(beyond[:, end - each.shape[1] : end], full_matrices=False)
        own = own[:, parts > DETERMINED * parts.max(initial=1e-300)]
        projected, rest = drawn[1 if everywhere else 0]
        squares = np.append(((fitted @ own) ** 2).sum(), ((projected @ own) ** 2).sum(axis=1))
        if squares[0] <= ROUNDING * (centred @ centred):
            squares[0] = 0.0
        total = squares + np.append(errors @ errors, rest)
        shares = np.where(total > 0, squares / np.where(total > 0, total, 1.0), 0.0)
        evidence = _evidence(shares, own.shape[1] if degrees > 0 else 0, degrees + own.shape[1])
        found.append((family, float(evidence[0])))
        largest[family] = np.maximum(largest.get(family, np.zeros(permutations)), evidence[1:])
    return [Significance(each, _share(largest[family], each)) for family, each in found]


def _projected(errors: np.ndarray, orders: np.ndarray, span: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return permuted errors in a basis, float64 (permutations, p), and the sum of squares outside of it."""
    parts = [errors[orders[start : start + BATCH]] @ span for start in range(0, len(orders), BATCH)]
    inside = np.vstack([*parts, np.zeros((0, span.shape[1]))])
    all_of_them = float(((errors - errors.mean()) ** 2).sum())
    return inside, np.maximum(all_of_them - (inside**2).sum(axis=1), 0.0)


def _orders(depth: np.ndarray, permutations: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return permutations within depths and of all, each int (permutations, n)."""
    count = len(depth)
    inside = np.array([_within(depth, rng) for _ in range(permutations)], dtype=np.int64)
    free = np.array([rng.permutation(count) for _ in range(permutations)], dtype=np.int64)
    return inside.reshape(-1, count), free.reshape(-1, count)


def _share(largest: np.ndarray, evidence: float) -> float:
    """Return the share of permutations with as much evidence, the observed order counted among them."""
    return float((1 + (largest >= evidence).sum()) / (1 + len(largest)))


def _within(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a permutation that leaves every architecture at its depth."""
    order = np.arange(len(depth))
    for value in np.unique(depth):
        places = np.flatnonzero(depth == value)
        order[places] = rng.permutation(places)
    return order


def _by_keys(groups: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return permutations that leave every row in its group, int (permutations, n), by random keys."""
    orders = np.empty(keys.shape, dtype=np.int64)
    orders[:, np.argsort(groups, kind="stable")] = np.argsort(groups + keys, axis=1)
    return orders


def _predicted(
    root: np.ndarray, y: np.ndarray, z: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return errors of prediction of y (m,), a basis of what is left of z (m, s), and their rows (m,).

    If z has no effect the errors are uncorrelated and of one variance, whatever the effects of `others`.
    """
    white = solve_triangular(root, np.column_stack([others, y, z]), lower=True)
    x, values = white[:, : others.shape[1]], white[:, others.shape[1] :]
    left, kept = recursive_residuals(x, values)
    basis, sizes, _ = np.linalg.svd(left[:, 1:], full_matrices=False)
    return left[:, 0], basis[:, sizes > DETERMINED * np.linalg.norm(values[:, 1:])], kept


def recursive_residuals(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the errors of predicting each row from those before it by least squares, scaled to one variance.

    Args:
        x: regressors, float64 (n, p).
        values: what is predicted, each column by itself, float64 (n, s).

    Returns:
        Errors, float64 (m, s), and their rows, int (m,): those whose regressors lie in the span of the
        rows before. With the others, which extend the span, there is nothing to predict from.
    """
    directions = np.empty((0, x.shape[1]))
    spread, found = np.empty((0, 0)), np.empty((0, values.shape[1]))
    errors, kept = [], []
    for row, (own, value) in enumerate(zip(x, values, strict=True)):
        along = directions @ own
        beyond = own - along @ directions
        beyond = beyond - (directions @ beyond) @ directions
        size, pulled = float(np.linalg.norm(beyond)), spread @ along
        error, variance = value - along @ found, 1.0 + float(along @ pulled)
        if size > DETERMINED * float(np.linalg.norm(own)):
            directions = np.vstack([directions, beyond / size])
            edge = -pulled[:, None] / size
            spread = np.block([[spread, edge], [edge.T, np.full((1, 1), variance / size**2)]])
            found = np.vstack([found, error / size])
            continue
        errors.append(error / np.sqrt(variance))
        kept.append(row)
        found = found + np.outer(pulled / variance, error)
        spread = spread - np.outer(pulled, pulled) / variance
    return np.array(errors).reshape(-1, values.shape[1]), np.array(kept, dtype=np.int64)


def _evidence(shares: np.ndarray, degrees: int, total: int) -> np.ndarray:
    """Return the evidence of shares of a sum of squares; 0 for no degrees, where nothing was learned."""
    if not degrees:
        return np.zeros(len(shares))
    return np.asarray(-beta.logsf(np.minimum(shares, 1.0), degrees / 2.0, (total - degrees) / 2.0))
