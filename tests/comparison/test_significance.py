"""Tests and corrections against brute force, SciPy and cases worked by hand."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nas_agents.comparison.significance import (
    ALPHA,
    friedman,
    holm,
    kruskal_wallis,
    permutation_test,
    seeds_needed,
    signed_rank,
    smallest_p,
    tasks_needed,
)
from scipy import stats


def brute_force(x, y):
    pooled = np.concatenate([x, y])
    observed = abs(np.mean(x) - np.mean(y))
    extreme = []
    for chosen in combinations(range(len(pooled)), len(x)):
        rest = [i for i in range(len(pooled)) if i not in chosen]
        extreme.append(abs(pooled[list(chosen)].mean() - pooled[rest].mean()) >= observed - 1e-9)
    return np.mean(extreme)


values = st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=2, max_size=5).map(np.array)


@given(values, values)
@settings(max_examples=40, deadline=None)
def test_the_exact_permutation_test_is_the_share_of_all_divisions_as_extreme(x, y):
    test = permutation_test(x, y, seed=0)
    assert test.exact
    assert test.p == pytest.approx(brute_force(x, y))
    assert test.difference == pytest.approx(x.mean() - y.mean())


def test_the_permutation_test_agrees_with_scipy():
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.5, 1, 6), rng.normal(0, 1, 6)
    theirs = stats.permutation_test((x, y), lambda a, b: a.mean() - b.mean(), n_resamples=np.inf).pvalue
    assert permutation_test(x, y, seed=0).p == pytest.approx(theirs)


def test_fishers_worked_case_by_hand():
    assert permutation_test(np.array([3.0, 4.0]), np.array([1.0, 2.0]), seed=0).p == pytest.approx(2 / 6)


def test_many_runs_are_permuted_at_random_and_the_p_value_is_never_zero():
    x, y = np.linspace(5, 6, 15), np.linspace(0, 1, 15)
    test = permutation_test(x, y, seed=1)
    assert not test.exact
    assert test.p == pytest.approx(smallest_p(15, 15)) == pytest.approx(1e-5)


def test_the_random_permutations_estimate_the_exact_p_value():
    rng = np.random.default_rng(8)
    x, y = rng.normal(0.6, 1, 12), rng.normal(0, 1, 12)
    theirs = stats.permutation_test(
        (x, y), lambda a, b, axis: a.mean(axis) - b.mean(axis), vectorized=True, n_resamples=50_000, rng=1
    ).pvalue
    test = permutation_test(x, y, seed=3)
    assert test.p == pytest.approx(theirs, abs=0.01)
    assert test == permutation_test(x, y, seed=3)


def test_the_permutation_test_is_wrong_no_more_often_than_it_says():
    rng = np.random.default_rng(11)
    p = [permutation_test(*rng.normal(size=(2, 5)), seed=0).p for _ in range(600)]
    assert np.mean(np.array(p) <= 0.05) <= 0.075


def test_holms_correction_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_procedure_rejects(p):
    rejected = set()
    for step, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[index] * (len(p) - step) > ALPHA:
            break
        rejected.add(index)
    assert set(np.flatnonzero(holm(p) <= ALPHA)) == rejected


def test_kruskal_wallis_by_hand_and_without_any_difference():
    groups = [np.array([1.0, 2, 3]), np.array([4.0, 5, 6]), np.array([7.0, 8, 9])]
    statistic = 12 / (9 * 10) * 3 * (2**2 + 5**2 + 8**2) - 3 * 10
    assert kruskal_wallis(groups) == pytest.approx(stats.chi2.sf(statistic, 2))
    assert kruskal_wallis([np.ones(3), np.ones(4)]) == 1.0


def test_friedman_by_hand_and_without_any_difference():
    means = np.array([[0.1, 0.2, 0.3]] * 5 + [[0.2, 0.1, 0.3]])
    ranks = np.array([1 + 1 / 6, 2 - 1 / 6, 3])
    statistic = 12 * 6 / (3 * 4) * ((ranks**2).sum() - 3 * 4**2 / 4)
    assert friedman(means) == pytest.approx(stats.chi2.sf(statistic, 2))
    assert friedman(np.ones((6, 3))) == 1.0


def test_the_signed_rank_test_of_six_won_tasks_is_two_of_sixty_four():
    lead = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    assert signed_rank(lead, np.zeros(6)) == pytest.approx(2 / 64)
    assert signed_rank(lead, lead) == 1.0


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 3), (3, 5), (5, 5)])
def test_the_smallest_p_value_is_that_of_samples_far_apart(n, m):
    apart = permutation_test(np.arange(n) + 1000.0, np.arange(m) * 1.0, seed=0)
    assert apart.p == pytest.approx(smallest_p(n, m))


def test_three_seeds_can_show_nothing_and_four_can_for_one_pair():
    assert smallest_p(3, 3) == 2 / comb(6, 3) > 0.05
    assert seeds_needed(tests=1) == 4


def test_five_agents_need_six_seeds():
    assert smallest_p(5, 5) > ALPHA / 10 >= smallest_p(6, 6)
    assert seeds_needed(tests=10) == 6


def test_the_tasks_needed_are_the_first_that_pass_the_strictest_threshold():
    assert tasks_needed(tests=1) == 6
    assert tasks_needed(tests=10) == 9
    assert 2 / 2**8 > ALPHA / 10 >= 2 / 2**9
