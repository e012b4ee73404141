"""Tests between agents, corrected for their number, and what the number of seeds can show at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import ceil, comb, log2

import numpy as np
from scipy import stats

PERMUTATIONS = 99_999
EXACT_LIMIT = 200_000
ALPHA = 0.05
TASKS_FOR_RANK_TESTS = 6


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A two-sided permutation test of a difference of means.

    Attributes:
        difference: mean of the first sample minus mean of the second.
        p: p-value, in (0, 1].
        exact: whether every division of the runs was tried, or a random part of them.
    """

    difference: float
    p: float
    exact: bool


def kruskal_wallis(groups: Sequence[np.ndarray]) -> float:
    """P-value of no difference between the agents of one task; 1 where every run scored the same.

    Source: Kruskal and Wallis 1952, "Use of ranks in one-criterion variance analysis" (chi-square form).
    """
    if np.ptp(np.concatenate(groups)) == 0:
        return 1.0
    return float(stats.kruskal(*groups).pvalue)


def permutation_test(x: np.ndarray, y: np.ndarray, seed: int) -> PermutationTest:
    """Two-sided permutation test of a difference of means between independent runs.

    Exact up to `EXACT_LIMIT` divisions of the runs; above, `PERMUTATIONS` random ones, the observed
    division counted among them so that the p-value is valid and never zero.

    Source: Fisher 1935, "The Design of Experiments"; the +1 of Phipson and Smyth 2010,
    "Permutation p-values should never be zero".
    """
    pooled = np.concatenate([x, y]).astype(float)
    pooled -= pooled.mean()
    share = len(x) * len(y) / len(pooled)
    exact = comb(len(pooled), len(x)) <= EXACT_LIMIT
    if exact:
        sums = pooled[_divisions(len(pooled), len(x))].sum(axis=1)
    else:
        sums = _random_sums(pooled, len(x), seed)
    observed = abs(pooled[: len(x)].sum())
    # Equal divisions summed in another order differ by rounding, and must count as equal.
    extreme = int((np.abs(sums) >= observed - 1e-12 * np.abs(pooled).sum()).sum())
    p = extreme / len(sums) if exact else (extreme + 1) / (len(sums) + 1)
    return PermutationTest(float(pooled[: len(x)].sum() / share), p, exact)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjusted p-values, in the order given, float (tests,).

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def friedman(means: np.ndarray) -> float:
    """P-value of no difference between agents over tasks, from their ranks within each task.

    Args:
        means: mean score per task and agent, float (tasks, agents), at least 3 agents.

    Source: Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", section 3.2.1.
    """
    if (np.ptp(means, axis=1) == 0).all():
        return 1.0
    return float(stats.friedmanchisquare(*means.T).pvalue)


def signed_rank(x: np.ndarray, y: np.ndarray) -> float:
    """P-value of Wilcoxon's two-sided signed-rank test on per-task means; 1 where all are equal.

    Source: Demsar 2006, section 3.1.3.
    """
    if (x == y).all():
        return 1.0
    return float(stats.wilcoxon(x, y).pvalue)


def smallest_p(n: int, m: int) -> float:
    """The smallest p-value `permutation_test` can give for samples of `n` and `m` runs.

    Of equally large samples two divisions are equally extreme, the observed one and its mirror image.
    """
    divisions = comb(n + m, n)
    smallest = (2 if n == m else 1) / divisions
    return smallest if divisions <= EXACT_LIMIT else max(smallest, 1 / (PERMUTATIONS + 1))


def seeds_needed(tests: int, alpha: float = ALPHA) -> int:
    """Runs per agent from which a pairwise test can pass Holm's strictest threshold, alpha / tests."""
    n = 2
    while smallest_p(n, n) > alpha / tests and n < 100:
        n += 1
    return n


def tasks_needed(tests: int, alpha: float = ALPHA) -> int:
    """Tasks from which a signed-rank test, at best 2 / 2**tasks, can pass Holm's strictest threshold."""
    return max(TASKS_FOR_RANK_TESTS, ceil(1 + log2(tests / alpha)))


@lru_cache(maxsize=4)
def _divisions(total: int, chosen: int) -> np.ndarray:
    """Every way to choose members of a sample, int (comb(total, chosen), chosen)."""
    flat = np.fromiter((i for group in combinations(range(total), chosen) for i in group), dtype=np.int64)
    return flat.reshape(-1, chosen)


def _random_sums(pooled: np.ndarray, chosen: int, seed: int) -> np.ndarray:
    """Sums of `PERMUTATIONS` random samples of `chosen` runs, in parts that fit in memory."""
    samples = _samples(len(pooled), chosen, seed)
    return np.concatenate(
        [samples[start : start + 10_000] @ pooled for start in range(0, len(samples), 10_000)]
    )


@lru_cache(maxsize=1)
def _samples(total: int, chosen: int, seed: int) -> np.ndarray:
    """`PERMUTATIONS` random samples: which runs are in each, bool (permutations, total)."""
    rng, first = np.random.default_rng(seed), np.arange(total) < chosen
    parts = [min(10_000, PERMUTATIONS - start) for start in range(0, PERMUTATIONS, 10_000)]
    return np.concatenate([rng.permuted(np.tile(first, (count, 1)), axis=1) for count in parts])
