"""How well a score ranks, against scipy, brute force and regressions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from nas_gym.explain.methods.ranking import (
    MEASURES,
    over_networks,
    over_seeds,
    partial_spearman,
    rank_quality,
    spearman,
    tau_b,
    tau_top,
    top_quality,
)


def drawn(count=60, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=count)
    fixed = worth + rng.normal(size=count)
    score = worth + fixed + rng.normal(size=count)
    if ties:
        score, worth, fixed = (np.round(each) for each in (score, worth, fixed))
    return score, worth, fixed


@pytest.mark.parametrize("ties", [False, True])
def test_tau_b_counts_pairs(ties):
    score, worth, _ = drawn(ties=ties)
    agree = tied_score = tied_worth = 0
    pairs = list(itertools.combinations(range(len(score)), 2))
    for i, j in pairs:
        agree += np.sign(score[i] - score[j]) * np.sign(worth[i] - worth[j])
        tied_score += score[i] == score[j]
        tied_worth += worth[i] == worth[j]
    expected = agree / math.sqrt((len(pairs) - tied_score) * (len(pairs) - tied_worth))
    assert tau_b(score, worth) == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True])
def test_spearman_is_scipys(ties):
    score, worth, _ = drawn(ties=ties)
    assert spearman(score, worth) == pytest.approx(stats.spearmanr(score, worth).statistic)


def test_minus_infinity_ranks_below_all_others():
    score, worth, _ = drawn()
    broken = np.where(worth < -1, -np.inf, score)
    finite = np.where(worth < -1, -1e9, score)
    assert rank_quality(broken, worth, worth) == pytest.approx(
        rank_quality(finite, worth, worth), nan_ok=True
    )


@pytest.mark.parametrize("ties", [False, True])
def test_the_partial_correlation_is_that_of_residuals_of_ranks(ties):
    score, worth, fixed = map(stats.rankdata, drawn(ties=ties))
    residuals = [each - np.polyval(np.polyfit(fixed, each, 1), fixed) for each in (score, worth)]
    expected = np.corrcoef(*residuals)[0, 1]
    assert partial_spearman(*drawn(ties=ties)) == pytest.approx(expected)


def test_a_score_that_only_follows_what_is_held_fixed_has_no_partial_correlation():
    rng = np.random.default_rng(3)
    size = rng.normal(size=4000)
    worth, score = size + rng.normal(size=4000), size + rng.normal(size=4000)
    assert spearman(score, worth) > 0.4
    assert abs(partial_spearman(score, worth, size)) < 0.05


def test_the_top_tenth_is_that_by_worth():
    score, worth, _ = drawn(200)
    best = sorted(range(200), key=lambda i: -worth[i])[:20]
    assert tau_top(score, worth, 0.1) == pytest.approx(stats.kendalltau(score[best], worth[best]).statistic)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_precision_and_best_rank_are_expectations_over_random_orders_of_ties(share):
    score, worth, _ = drawn(40, seed=2, ties=True)
    rng, k = np.random.default_rng(0), round(40 * share)
    places = np.array([(worth > each).sum() for each in worth])
    precisions, bests = [], []
    for _ in range(20_000):
        chosen = np.lexsort((rng.random(40), -score))[:k]
        precisions.append((places[chosen] < k).mean())
        bests.append((places[chosen].min() + 1) / 40)
    precision, best = top_quality(score, worth, share)
    assert precision == pytest.approx(np.mean(precisions), abs=0.01)
    assert best == pytest.approx(np.mean(bests), abs=0.003)


def test_a_perfect_score_finds_the_best():
    worth = np.arange(1000.0)
    found = rank_quality(worth**3, worth, np.ones(1000))
    assert [found[name] for name in MEASURES[:3]] == pytest.approx([1, 1, 1])
    assert (found["precision_5"], found["precision_0.5"]) == (1, 1)
    assert (found["best_rank_5"], found["best_rank_0.5"]) == (0.001, 0.001)


def test_what_is_constant_has_no_correlation():
    worth = np.arange(50.0)
    found = rank_quality(np.ones(50), worth, worth)
    assert all(math.isnan(found[name]) for name in MEASURES[:4])
    # A constant score is a random choice.
    assert found["precision_5"] == pytest.approx(round(50 * 0.05) / 50)


def test_intervals_over_seeds_are_students():
    values = [0.1, 0.2, 0.6]
    (interval,) = over_seeds([{"tau": each} for each in values]).values()
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval.value == pytest.approx(0.3)
    assert (interval.low, interval.high) == pytest.approx((expected.low, min(1.0, expected.high)))


def test_the_interval_over_networks_is_as_wide_as_tau_varies_between_draws():
    taus = [tau_b(*drawn(150, seed)[:2]) for seed in range(300)]
    widths = [
        (found.high - found.low) / 2
        for seed in range(5)
        for found in [over_networks(*drawn(150, seed), draws=100)["tau"]]
    ]
    assert np.mean(widths) == pytest.approx(1.96 * np.std(taus), rel=0.25)
