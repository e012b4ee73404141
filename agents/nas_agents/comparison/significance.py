"""Tests between agents, corrected for their number, and what the number of seeds can show at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import ceil, comb, log2

import numpy as np
from scipy import stats

from nas_agents.comparison.statistics import MEAN, Estimand

PERMUTATIONS = 99_999
EXACT_LIMIT = 200_000
ALPHA = 0.05
TASKS_FOR_TESTS = 6
# From so many seeds on pairs of one seed are tested: see `pairs_seeds`.
PAIRED_FROM = 10
# Of fewer runs the interquartile mean keeps at most five, whose spread says too little of its error:
# with 15 runs against 5 of ten times the spread 7 to 17 false positives in 100 came of it, now 5.
FEW = 10
# What the middle half does not see breaks ties of its spread: where all runs of an agent agree, a
# rearrangement that mixes one run in must not be as extreme as the one that was observed.
TIE_BREAK = 1e-6
ROWS_AT_ONCE = 10_000
ROUNDING = 1e-13
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A two-sided test of a difference between two agents.

    Attributes:
        difference: estimand of the first sample minus that of the second.
        p: p-value, in (0, 1].
        exact: whether every rearrangement of the runs was tried, or a random part of them.
        paired: whether runs of one seed were compared with each other.
    """

    difference: float
    p: float
    exact: bool
    paired: bool = False


def kruskal_wallis(groups: Sequence[np.ndarray]) -> float:
    """Return the p-value of no difference between the agents of one task; 1 where every run scored the same.

    Source: Kruskal and Wallis 1952, "Use of ranks in one-criterion variance analysis" (chi-square form).
    """
    if np.ptp(np.concatenate(groups)) == 0:
        return 1.0
    return float(stats.kruskal(*groups).pvalue)


def permutation_test(
    x: np.ndarray, y: np.ndarray, seed: int, estimand: Estimand = MEAN, *, paired: bool = False
) -> PermutationTest:
    """Test, two-sided and by studentised permutations, that two agents have the same estimand.

    What is permuted is the difference divided by its standard error (Welch's; of an interquartile
    mean Yuen's), since a bare difference takes a group that is smaller and more variable for a
    better or a worse one. The p-value is the larger of two. That of the permutations is exact
    where the runs of both agents come from one distribution, however skewed or tied. That of
    Student's t on the same statistic holds where they differ in spread, which permutations of few
    runs do not allow for enough. `tests/agents/comparison/test_simulated_errors.py` measures both kinds.

    All rearrangements are tried up to `EXACT_LIMIT`; above, `PERMUTATIONS` random ones, with the
    observed one counted among them so that the p-value is valid and never zero. Of a single run
    no spread is known, and the p-value is 1.

    Args:
        x: scores of the first agent's runs, float (runs,).
        y: those of the second's, float (runs,).
        seed: seed of the random rearrangements.
        estimand: estimand that is compared.
        paired: whether x[i] and y[i] are of one seed; the two then change places with each other
            only. Right where runs of one seed share draws, and where they share none.

    Source: Fisher 1935, "The Design of Experiments"; Yuen 1974, "The two-sample trimmed t for
    unequal population variances"; Wilcox 2012, "Introduction to Robust Estimation", section 5.9.5
    (paired); Chung and Romano 2013, "Exact and asymptotically robust permutation tests"; Phipson
    and Smyth 2010, "Permutation p-values should never be zero" (the +1).
    """
    if estimand.of(x) == estimand.of(y) or min(len(x), len(y)) < 2:
        return PermutationTest(float(estimand.of(x) - estimand.of(y)), 1.0, exact=True, paired=paired)
    studentised = _paired if paired else _independent
    # Centred, since the squares of large numbers leave no digits for their spread.
    shift = np.concatenate([x, y]).mean()
    observed, freedom, drawn, exact = studentised(x - shift, y - shift, seed, estimand)
    # Equal rearrangements summed in another order differ by rounding, and must count as equal.
    extreme = int((drawn >= observed * (1 - 1e-9)).sum())
    p = extreme / len(drawn) if exact else (extreme + 1) / (len(drawn) + 1)
    p = max(p, 2 * float(stats.t.sf(observed, freedom)))
    return PermutationTest(float(estimand.of(x) - estimand.of(y)), min(1.0, p), exact, paired)


def sign_flip_test(differences: np.ndarray, seed: int) -> PermutationTest:
    """Test that the mean of paired differences is 0, as `permutation_test` does with `paired`."""
    return permutation_test(differences, np.zeros(len(differences)), seed, paired=True)


def pairs_seeds(runs: int, tests: int) -> bool:
    """Return whether agents with a run of the same so many seeds each are tested in pairs of one seed.

    Runs of one seed share draws: the seeds that retrain what they chose, the noise of a table, and
    those agents that begin uniformly begin with the same architectures. Pairs then show smaller
    differences. Of few runs they show less, since n pairs can be arranged in 2**n ways only, and so
    the number of seeds alone decides: at least `PAIRED_FROM`, and enough to pass Holm's strictest
    threshold. A test without pairs is valid, too: what runs share makes it more careful.
    """
    return runs >= PAIRED_FROM and smallest_paired_p(runs) <= ALPHA / tests


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return Holm's step-down adjusted p-values, in the order given, float (tests,).

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def friedman(means: np.ndarray) -> float:
    """Return the p-value of no difference between agents over tasks, from their ranks within each task.

    Args:
        means: mean score per task and agent, float (tasks, agents), at least 3 agents.

    Source: Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", section 3.2.1.
    """
    if (np.ptp(means, axis=1) == 0).all():
        return 1.0
    return float(stats.friedmanchisquare(*means.T).pvalue)


def smallest_p(n: int, m: int) -> float:
    """Return the smallest p-value that independent samples of `n` and `m` runs can give.

    Of equally large samples two divisions are equally extreme, the observed one and its mirror image.
    """
    if min(n, m) < 2:
        return 1.0
    divisions = comb(n + m, n)
    smallest = (2 if n == m else 1) / divisions
    return smallest if divisions <= EXACT_LIMIT else max(smallest, 1 / (PERMUTATIONS + 1))


def smallest_paired_p(n: int) -> float:
    """Return the smallest p-value that `n` pairs can give, the observed signs and their mirror image."""
    smallest = 2.0 ** (1 - n)
    return smallest if n <= log2(EXACT_LIMIT) else max(smallest, 1 / (PERMUTATIONS + 1))


def seeds_needed(tests: int, alpha: float = ALPHA) -> int:
    """Return the runs per agent from which a pairwise test can pass Holm's strictest threshold."""
    n = 2
    while smallest_p(n, n) > alpha / tests and n < 100:
        n += 1
    return n


def tasks_needed(tests: int, alpha: float = ALPHA) -> int:
    """Return the tasks from which a test, at best 2 / 2**tasks, can pass Holm's strictest threshold."""
    return max(TASKS_FOR_TESTS, ceil(1 + log2(tests / alpha)))


Studentised = tuple[float, float, np.ndarray, bool]


def _independent(x: np.ndarray, y: np.ndarray, seed: int, estimand: Estimand) -> Studentised:
    """Return the studentised difference, its degrees of freedom, and the same of divisions of all runs."""
    pooled = np.concatenate([x, y])
    order = np.argsort(pooled, kind="stable")
    divisions, exact = _divisions(len(pooled), len(x), seed)

    def statistics(first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        taken = first[:, order]
        a, b = (_group(part, pooled[order], estimand) for part in (taken, ~taken))
        total = a.variance + b.variance
        with np.errstate(invalid="ignore", divide="ignore"):
            freedom = total**2 / (a.variance**2 / a.freedom + b.variance**2 / b.freedom)
        return _ratio(a.location - b.location, total), freedom

    value, freedom = statistics((np.arange(len(pooled)) < len(x))[None])
    drawn = np.concatenate([statistics(part)[0] for part in _parts(divisions)])
    return float(value[0]), float(np.nan_to_num(freedom[0], nan=1.0)), drawn, exact


def _paired(x: np.ndarray, y: np.ndarray, seed: int, estimand: Estimand) -> Studentised:
    """Return the same where runs change places within pairs."""
    flips, exact = _flips(len(x), seed)
    kept = len(x) - 2 * estimand.cut(len(x))

    def statistics(flipped: np.ndarray) -> np.ndarray:
        if kept == len(x):
            # Of means the sum of squares is the same for all signs, so that sums are all it takes.
            sums = (1 - 2.0 * flipped) @ (x - y)
            squares = ((x - y) ** 2).sum()
            variance = np.maximum(squares - sums**2 / len(x), 0) / (len(x) * (len(x) - 1))
            return _ratio(sums / len(x), np.where(variance > ROUNDING * squares, variance, 0))
        first, second = (_winsorised(np.where(flipped, *two), estimand) for two in ((y, x), (x, y)))
        difference = first.location - second.location
        spread = (first.values - second.values).var(axis=1) * len(x)
        squares = ((x - y) ** 2).sum()
        whole = np.maximum(squares - ((1 - 2.0 * flipped) @ (x - y)) ** 2 / len(x), 0)
        variance = (spread + TIE_BREAK * whole) / (kept * (kept - 1))
        negligible = ROUNDING * TIE_BREAK * (x**2 + y**2).sum()
        return _ratio(difference, np.where(variance > negligible, variance, 0))

    (value,) = statistics(np.zeros((1, len(x)), dtype=bool))
    drawn = np.concatenate([statistics(part) for part in _parts(flips)])
    return float(value), float(kept - 1), drawn, exact


def _ratio(difference: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return absolute studentised differences; infinite where there is a difference and no spread at all."""
    size = np.abs(difference)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size < TINY, 0.0, size / np.sqrt(variance))


@dataclass(frozen=True, slots=True)
class _Group:
    """Estimand, squared standard error (samples,) and its degrees of freedom, of many samples."""

    location: np.ndarray
    variance: np.ndarray
    freedom: int


def _group(taken: np.ndarray, values: np.ndarray, estimand: Estimand) -> _Group:
    """Return what a sample of each row has.

    Args:
        taken: whether a value is in the sample, bool (samples, values), equally many in each.
        values: float (values,), ascending.
        estimand: estimand of the samples.
    """
    runs, cut = int(taken[0].sum()), estimand.cut(int(taken[0].sum()))
    negligible = ROUNDING * (values**2).sum()
    sums, squares = (taken @ np.column_stack([values, values**2])).T
    whole = _deviations(sums, squares, runs, negligible)
    if not cut:
        return _Group(sums / runs, whole / (runs * (runs - 1)), runs - 1)
    kept = runs - 2 * cut
    place = taken.cumsum(axis=1, dtype=np.int16)
    low, high = values[(place == cut + 1).argmax(axis=1)], values[(place == runs - cut).argmax(axis=1)]
    inside = taken & (place > cut) & (place <= runs - cut)
    sums, squares = (inside @ np.column_stack([values, values**2])).T
    location = sums / kept
    ends, end_squares = cut * (low + high), cut * (low**2 + high**2)
    spread = _deviations(sums + ends, squares + end_squares, runs, negligible) / (kept * (kept - 1))
    whole /= runs * (runs - 1)
    if runs >= FEW:
        return _Group(location, spread + TIE_BREAK * whole, kept - 1)
    return _Group(location, np.maximum(spread, whole), runs - 1)


def _deviations(sums: np.ndarray, squares: np.ndarray, runs: int, negligible: float) -> np.ndarray:
    """Return sums of squared deviations from the mean, exactly 0 where they are nothing but rounding."""
    spread = squares - sums**2 / runs
    return np.where(spread > negligible, spread, 0.0)


@dataclass(frozen=True, slots=True)
class _Winsorised:
    """Samples whose ends are pulled in to where the estimand cuts, and their trimmed means."""

    location: np.ndarray
    values: np.ndarray


def _winsorised(samples: np.ndarray, estimand: Estimand) -> _Winsorised:
    runs, cut = samples.shape[1], estimand.cut(samples.shape[1])
    ordered = np.sort(samples, axis=1)
    low, high = ordered[:, cut, None], ordered[:, runs - cut - 1, None]
    return _Winsorised(ordered[:, cut : runs - cut].mean(axis=1), np.clip(samples, low, high))


def _parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield rearrangements in parts that fit in memory."""
    return (rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE))


@lru_cache(maxsize=4)
def _divisions(total: int, chosen: int, seed: int) -> tuple[np.ndarray, bool]:
    """Return ways to choose a sample of runs, bool (ways, total), and whether those are all ways."""
    if comb(total, chosen) > EXACT_LIMIT:
        rng, first = np.random.default_rng(seed), np.arange(total) < chosen
        parts = [min(ROWS_AT_ONCE, PERMUTATIONS - s) for s in range(0, PERMUTATIONS, ROWS_AT_ONCE)]
        return np.concatenate([rng.permuted(np.tile(first, (n, 1)), axis=1) for n in parts]), False
    members = np.array(list(combinations(range(total), chosen)))
    ways = np.zeros((len(members), total), dtype=bool)
    np.put_along_axis(ways, members, values=True, axis=1)
    return ways, True


@lru_cache(maxsize=4)
def _flips(pairs: int, seed: int) -> tuple[np.ndarray, bool]:
    """Return ways to change places within pairs, bool (ways, pairs), and whether those are all ways."""
    if 2**pairs > EXACT_LIMIT:
        return np.random.default_rng(seed).random((PERMUTATIONS, pairs), dtype=np.float32) < 0.5, False
    return (np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1).astype(bool), True
