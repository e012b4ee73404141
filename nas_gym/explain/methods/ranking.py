"""How well a cheap score ranks networks, against what they are worth.

Both are arrays over the same networks, higher is better; minus infinity ranks below all others. Ties are
taken for what they are: correlations are those of average ranks, and where the best by score are not told
apart from others, every number is its expectation over a random order of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

MEASURES = (
    "tau",
    "rho",
    "tau_top_tenth",
    "partial_rho",
    "precision_5",
    "precision_0.5",
    "best_rank_5",
    "best_rank_0.5",
)
"""What `rank_quality` measures, in the order of tables."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with a 95% interval; nan where there is none.

    Attributes:
        value: the number.
        low, high: ends of the interval.
    """

    value: float
    low: float
    high: float


def rank_quality(score: np.ndarray, worth: np.ndarray, fixed: np.ndarray) -> dict[str, float]:
    """Return how well a score ranks networks, by name; nan where that is not defined.

    - ``"tau"`` and ``"rho"``: Kendall's tau-b and Spearman's correlation;
    - ``"tau_top_tenth"``: tau-b within the best tenth by worth;
    - ``"partial_rho"``: Spearman's partial correlation with `fixed` held fixed;
    - ``"precision_K"``: of the best K% by score the share that is among the best K% by worth;
    - ``"best_rank_K"``: the place of the best of the best K% by score, as a share of all networks.

    Args:
        score: the cheap score, (networks,).
        worth: what ranks them in truth, (networks,).
        fixed: what is held fixed, such as parameters, (networks,).
    """
    found = correlations(score, worth, fixed)
    for percent in (5, 0.5):
        precision, best = top_quality(score, worth, percent / 100)
        found[f"precision_{percent}"], found[f"best_rank_{percent}"] = precision, best
    return found


def correlations(score: np.ndarray, worth: np.ndarray, fixed: np.ndarray) -> dict[str, float]:
    """Return those measures of `rank_quality` that are correlations."""
    return {
        "tau": tau_b(score, worth),
        "rho": spearman(score, worth),
        "tau_top_tenth": tau_top(score, worth, 0.1),
        "partial_rho": partial_spearman(score, worth, fixed),
    }


def tau_b(score: np.ndarray, worth: np.ndarray) -> float:
    """Return Kendall's tau-b; nan where one of them is constant."""
    if len(score) < 2 or _constant(score) or _constant(worth):
        return math.nan
    return float(stats.kendalltau(mean_ranks(score), mean_ranks(worth)).statistic)


def spearman(score: np.ndarray, worth: np.ndarray) -> float:
    """Return the correlation of ranks; nan where one of them is constant."""
    if len(score) < 2 or _constant(score) or _constant(worth):
        return math.nan
    one, other = (ranks - ranks.mean() for ranks in (mean_ranks(score), mean_ranks(worth)))
    return float(one @ other / math.sqrt((one @ one) * (other @ other)))


def tau_top(score: np.ndarray, worth: np.ndarray, share: float) -> float:
    """Return tau-b within the best share by worth; all that tie with the last of them are in it."""
    top = _places(worth) < top_count(len(worth), share)
    return tau_b(score[top], worth[top])


def partial_spearman(score: np.ndarray, worth: np.ndarray, fixed: np.ndarray) -> float:
    """Return the correlation of ranks with the rank of a third held fixed.

    It is that of the residuals of both after a regression on the third; nan where the third leaves nothing.
    """
    xy, xz, yz = spearman(score, worth), spearman(score, fixed), spearman(worth, fixed)
    if math.isnan(xz) or math.isnan(yz):  # a constant third explains nothing
        return xy if _constant(fixed) else math.nan
    left = (1 - xz**2) * (1 - yz**2)
    return (xy - xz * yz) / math.sqrt(left) if left > 1e-12 else math.nan


def top_quality(score: np.ndarray, worth: np.ndarray, share: float) -> tuple[float, float]:
    """Return precision and best rank of the best share by score.

    Returns:
        Of the best k by score the share that is among the best k by worth, ties with the last of these
        included; and the number of networks of which the best of them is the last, as a share of all.
    """
    count = len(score)
    k = top_count(count, share)
    places = _places(worth)
    order = np.argsort(-score, kind="stable")
    last = score[order[k - 1]]
    sure, tied = np.flatnonzero(score > last), np.flatnonzero(score == last)
    drawn = k - len(sure)
    good = places < k
    precision = (good[sure].sum() + good[tied].mean() * drawn) / k
    best = int(places[sure].min()) if len(sure) else count
    return float(precision), (_expected_best(places[tied], drawn, best) + 1) / count


def _expected_best(places: np.ndarray, drawn: int, best: int) -> float:
    """Return the expected minimum of `best` and of so many of `places`, drawn without replacement."""
    ordered = np.minimum(np.sort(places), best)
    total: float = 0.0
    none_before: float = 1.0
    for position, place in enumerate(ordered.tolist()):
        left = len(ordered) - position
        if drawn >= left:  # one of those left is drawn for sure
            return float(total + none_before * place)
        total += none_before * drawn / left * place
        none_before *= 1 - drawn / left
    return total


def top_count(count: int, share: float) -> int:
    """Return how many networks a share of them is, at least 1."""
    return max(1, round(count * share))


def over_seeds(by_seed: Sequence[dict[str, float]]) -> dict[str, Interval]:
    """Return the mean of each measure over seeds, with Student's interval for further seeds; at least two."""
    return {
        name: _over_seeds([each[name] for each in by_seed], 0.0 if _of_best(name) else -1.0)
        for name in by_seed[0]
    }


def over_networks(
    score: np.ndarray,
    worth: np.ndarray,
    fixed: np.ndarray,
    *,
    draws: int = 200,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return each measure with the interval that a bootstrap over networks gives.

    Measures of the best K% have none: a network that is drawn twice takes two of few places.

    Args:
        score: as of `rank_quality`.
        worth: as of `rank_quality`.
        fixed: as of `rank_quality`.
        draws: bootstrap samples.
        seed: seed of them.
    """
    rng = np.random.default_rng(seed)
    samples = [
        correlations(score[rows], worth[rows], fixed[rows])
        for rows in (rng.integers(len(score), size=len(score)) for _ in range(draws))
    ]
    found = {}
    for name, value in rank_quality(score, worth, fixed).items():
        known = [each[name] for each in samples if name in each and not math.isnan(each[name])]
        ends = np.quantile(known, (0.025, 0.975)) if known else (math.nan, math.nan)
        found[name] = Interval(value, float(ends[0]), float(ends[1]))
    return found


def _of_best(name: str) -> bool:
    """Return whether a measure is one of the best by score, a share in [0, 1]; others are correlations."""
    return name.startswith(("precision", "best_rank"))


def _over_seeds(values: Sequence[float], lowest: float) -> Interval:
    """Return the mean with its interval, cut to what the measure can be."""
    known = np.array([each for each in values if not math.isnan(each)])
    if len(known) < 2:
        return Interval(float(known.mean()) if len(known) else math.nan, math.nan, math.nan)
    half = stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known))
    mean = float(known.mean())
    return Interval(mean, max(lowest, float(mean - half)), min(1.0, float(mean + half)))


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value from 1, the mean for ties, float64: `scipy.stats.rankdata`, but quick."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = np.cumsum(counts) - (counts - 1) / 2
    return ranks[which]


def _constant(values: np.ndarray) -> bool:
    return bool((values == values[0]).all())


def _places(worth: np.ndarray) -> np.ndarray:
    """Return how many networks are better than each, int (networks,)."""
    _, which, counts = np.unique(worth, return_inverse=True, return_counts=True)
    above: np.ndarray = len(worth) - np.cumsum(counts)
    return above[which]
