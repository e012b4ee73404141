"""Estimates and their intervals against SciPy and cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nas_agents.comparison.statistics import (
    improvement_interval,
    improvement_probability,
    interquartile_mean,
    iqm_curve,
    iqm_interval,
    mean_curve,
    mean_interval,
)
from scipy import stats

samples = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)


def test_the_interquartile_mean_drops_a_quarter_from_each_end():
    assert interquartile_mean(np.array([9.0, 1, 2, 3, 4, 5, 6, -100])) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_of_ten_runs_the_interquartile_mean_is_that_of_the_middle_six():
    assert interquartile_mean(np.arange(10.0) ** 2) == pytest.approx(np.mean(np.arange(2, 8) ** 2))


def test_intervals_repeat_with_their_seed_and_leave_the_global_generator_alone():
    scores = [np.linspace(0, 1, 9) ** 2]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert iqm_interval(scores, seed=4) == iqm_interval(scores, seed=4)
    assert iqm_interval(scores, seed=4) != iqm_interval(scores, seed=5)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_the_interval_agrees_with_scipys_percentile_bootstrap():
    scores = np.random.default_rng(0).normal(size=15)
    ours = iqm_interval([scores], seed=1, resamples=20_000)
    theirs = stats.bootstrap(
        (scores,), interquartile_mean, method="percentile", n_resamples=20_000, rng=2
    ).confidence_interval
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_a_task_whose_runs_all_agree_adds_no_width_because_runs_are_drawn_within_tasks():
    agreed = [np.full(6, 0.2), np.full(6, 0.9)]
    interval = iqm_interval(agreed, seed=0)
    assert interval.lower == interval.value == interval.upper == pytest.approx(0.55)


@pytest.mark.parametrize(("runs", "coverage"), [(30, 0.94), (10, 0.94), (5, 0.89), (3, 0.75)])
def test_the_interval_covers_the_true_value_as_often_as_the_report_says(runs, coverage):
    rng = np.random.default_rng(7)
    covered = sum(
        interval.lower <= 0 <= interval.upper
        for interval in (iqm_interval([rng.normal(size=runs)], seed, 300) for seed in range(500))
    )
    assert covered / 500 == pytest.approx(coverage, abs=0.04)


@given(samples, samples)
@settings(max_examples=50, deadline=None)
def test_the_probability_of_improvement_is_the_mann_whitney_statistic(x, y):
    expected = stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))
    assert improvement_probability([x], [y]) == pytest.approx(expected)
    assert improvement_probability([x], [y]) + improvement_probability([y], [x]) == pytest.approx(1)


def test_the_probability_of_improvement_is_averaged_over_tasks():
    x, y = [np.array([2.0, 2.0]), np.array([1.0])], [np.array([1.0]), np.array([1.0, 2.0])]
    assert improvement_probability(x, y) == pytest.approx((1 + 0.25) / 2)


def test_the_improvement_interval_matches_resampling_by_hand():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.7, 1, size=8), rng.normal(size=11)
    draws = [(rng.choice(x, 8), rng.choice(y, 11)) for _ in range(4000)]
    expected = np.quantile([(a[:, None] > b).mean() for a, b in draws], [0.025, 0.975])
    interval = improvement_interval([x], [y], seed=5, resamples=4000)
    assert (interval.lower, interval.upper) == pytest.approx(expected, abs=0.03)
    assert interval.value == improvement_probability([x], [y])


def test_each_point_of_a_curve_has_the_interval_of_its_column():
    curves = np.random.default_rng(1).random((7, 5))
    bands = iqm_curve(curves, seed=9, resamples=500)
    for point in range(5):
        interval = iqm_interval([curves[:, point]], seed=9, resamples=500)
        assert bands[:, point] == pytest.approx([interval.value, interval.lower, interval.upper])


def test_long_curves_are_worked_through_in_parts_with_the_same_result():
    curves = np.tile(np.random.default_rng(1).random((10, 3)), 200)
    bands = iqm_curve(curves, seed=0)
    assert bands[:, :3] == pytest.approx(bands[:, -3:])


@pytest.mark.parametrize("runs", [1, 3, 10, 41])
def test_bands_of_curves_are_those_of_drawing_whole_runs_one_sample_at_a_time(runs):
    curves = np.random.default_rng(runs).random((runs, 4)).round(1)
    draws = np.random.default_rng(7).integers(runs, size=(300, runs))
    samples = np.array([interquartile_mean(curves[drawn].T) for drawn in draws])
    value, lower, upper = iqm_curve(curves, 7, resamples=300)
    assert value == pytest.approx(interquartile_mean(curves.T))
    assert lower == pytest.approx(np.quantile(samples, 0.025, axis=0))
    assert upper == pytest.approx(np.quantile(samples, 0.975, axis=0))


def test_the_band_of_a_mean_agrees_with_scipys_percentile_bootstrap():
    curves = np.random.default_rng(0).normal(size=(15, 2))
    value, lower, upper = mean_curve(curves, seed=1, resamples=20_000)
    assert value == pytest.approx(curves.mean(axis=0))
    for point in range(2):
        theirs = stats.bootstrap(
            (curves[:, point],), np.mean, method="percentile", n_resamples=20_000, rng=2
        ).confidence_interval
        assert (lower[point], upper[point]) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    interval = mean_interval(curves[:, 0], seed=1, resamples=20_000)
    assert (interval.value, interval.lower) == pytest.approx((value[0], lower[0]))
