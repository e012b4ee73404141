"""Estimates and their intervals against SciPy and cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nas_agents.comparison.statistics import (
    IQM,
    MEAN,
    improvement_interval,
    improvement_probability,
    interquartile_mean,
    iqm_interval,
    mean_interval,
    share_interval,
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


def test_the_interval_is_scipys_percentile_bootstrap_widened_for_few_runs():
    scores = np.random.default_rng(0).normal(size=15)
    ours = iqm_interval([scores], seed=1, resamples=20_000)
    tail = stats.norm.sf(stats.t.ppf(0.975, 14) * np.sqrt(15 / 14))
    theirs = stats.bootstrap(
        (scores,),
        lambda drawn, axis: stats.trim_mean(drawn, 0.25, axis=axis),
        method="percentile",
        n_resamples=20_000,
        confidence_level=1 - 2 * tail,
        rng=2,
    ).confidence_interval
    assert (ours.lower, ours.upper) == pytest.approx((theirs.low, theirs.high), abs=0.04)


def test_a_task_whose_runs_all_agree_adds_no_width_because_runs_are_drawn_within_tasks():
    agreed = [np.full(6, 0.2), np.full(6, 0.9)]
    interval = iqm_interval(agreed, seed=0)
    assert interval.lower == interval.value == interval.upper == pytest.approx(0.55)


@pytest.mark.parametrize("runs", [2, 3, 4, 5, 10, 30])
@pytest.mark.parametrize("estimand", [MEAN, IQM])
def test_intervals_of_few_runs_cover_the_true_value(runs, estimand):
    rng = np.random.default_rng(7)
    covered = sum(
        interval.lower <= 0 <= interval.upper
        for interval in (estimand.interval([rng.normal(size=runs)], seed, 300) for seed in range(400))
    )
    assert 0.92 <= covered / 400 <= 0.99


def test_the_interval_of_a_mean_over_several_tasks_covers_it_too():
    rng = np.random.default_rng(2)
    intervals = [IQM.interval([rng.normal(size=3) for _ in range(4)], seed, 300) for seed in range(300)]
    assert 0.92 <= np.mean([each.lower <= 0 <= each.upper for each in intervals]) <= 0.99


@pytest.mark.parametrize("estimand", [MEAN, IQM])
@pytest.mark.parametrize("scores", [[0.9], [0.9] * 3, [0.1] * 7, [0.0] * 50])
def test_runs_that_agree_have_no_interval(estimand, scores):
    interval = estimand.interval([np.array(scores)], 0)
    assert not interval.is_known
    assert interval.value == interval.lower == interval.upper == pytest.approx(scores[0])


def test_the_interval_of_regrets_that_are_mostly_zero_reaches_further_up_than_down():
    regrets = np.array([0.0] * 8 + [0.004, 0.02])
    interval = mean_interval(regrets, 0).within(0, 1)
    assert interval.lower == 0
    assert interval.upper - interval.value > 1.5 * (interval.value - interval.lower)


def test_an_interval_ends_where_values_end_and_holds_its_own():
    assert mean_interval(np.array([0.9, 1.0, 1.0]), 0).within(0, 1).upper == 1.0
    outside = mean_interval(np.array([1.5, 1.7]), 0).within(0, 1)
    assert outside.lower <= outside.value == outside.upper


def test_a_share_of_all_runs_is_not_certain():
    everything = share_interval(10, 10)
    assert (everything.value, everything.upper) == (1.0, 1.0)
    assert everything.lower == pytest.approx(0.722, abs=0.001)


@given(samples, samples)
@settings(max_examples=50, deadline=None)
def test_the_probability_of_improvement_is_the_mann_whitney_statistic(x, y):
    expected = stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))
    assert improvement_probability([x], [y]) == pytest.approx(expected)
    assert improvement_probability([x], [y]) + improvement_probability([y], [x]) == pytest.approx(1)


def test_the_probability_of_improvement_is_averaged_over_tasks():
    x, y = [np.array([2.0, 2.0]), np.array([1.0])], [np.array([1.0]), np.array([1.0, 2.0])]
    assert improvement_probability(x, y) == pytest.approx((1 + 0.25) / 2)


def test_ten_won_runs_do_not_make_the_probability_of_improvement_certain():
    interval = improvement_interval([np.ones(10)], [np.zeros(10)])
    assert interval.value == interval.upper == 1
    assert 0.75 < interval.lower < 0.9
    few = improvement_interval([np.ones(2)], [np.zeros(2)])
    assert few.lower < interval.lower


def test_the_improvement_interval_of_the_other_agent_is_the_mirror_image():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.7, 1, size=8), rng.normal(size=11)
    one, other = improvement_interval([x], [y]), improvement_interval([y], [x])
    assert (one.lower, one.upper) == pytest.approx((1 - other.upper, 1 - other.lower), abs=1e-3)
    assert one.value == improvement_probability([x], [y])


def test_more_tasks_make_the_probability_of_improvement_better_known():
    x, y = np.array([1.0, 2, 4, 5]), np.array([1.5, 2.5, 3, 3.5])
    one, many = improvement_interval([x], [y]), improvement_interval([x] * 9, [y] * 9)
    assert many.upper - many.lower < 0.5 * (one.upper - one.lower)


def test_each_point_of_a_curve_has_the_interval_of_its_column():
    curves = np.random.default_rng(1).random((7, 5))
    bands = IQM.curve(curves, seed=9, resamples=500)
    for point in range(5):
        interval = iqm_interval([curves[:, point]], seed=9, resamples=500)
        assert bands[:, point] == pytest.approx([interval.value, interval.lower, interval.upper])


def test_long_curves_are_worked_through_in_parts_with_the_same_result():
    curves = np.tile(np.random.default_rng(1).random((10, 3)), 200)
    bands = IQM.curve(curves, seed=0)
    assert bands[:, :3] == pytest.approx(bands[:, -3:])


@pytest.mark.parametrize("runs", [5, 10, 41])
def test_bands_of_curves_are_those_of_drawing_whole_runs_one_sample_at_a_time(runs):
    curves = np.random.default_rng(runs).random((runs, 4)).round(1)
    draws = np.random.default_rng(7).integers(runs, size=(300, runs))
    samples = np.array([interquartile_mean(curves[drawn].T) for drawn in draws])
    tail = stats.norm.sf(stats.t.ppf(0.975, runs - 1) * np.sqrt(runs / (runs - 1)))
    value, lower, upper = IQM.curve(curves, 7, resamples=300)
    assert value == pytest.approx(interquartile_mean(curves.T))
    assert lower == pytest.approx(np.minimum(value, np.quantile(samples, tail, axis=0)))
    assert upper == pytest.approx(np.maximum(value, np.quantile(samples, 1 - tail, axis=0)))


def test_the_band_of_a_mean_is_nowhere_narrower_than_students():
    curves = np.random.default_rng(0).exponential(size=(15, 3))
    value, lower, upper = MEAN.curve(curves, seed=1)
    half = stats.t.ppf(0.975, 14) * curves.std(axis=0, ddof=1) / np.sqrt(15)
    assert value == pytest.approx(curves.mean(axis=0))
    assert (lower <= value - half + 1e-12).all()
    assert (upper >= value + half - 1e-12).all()
    # What is skewed to the right reaches further up.
    assert (upper - value > value - lower).all()
    interval = mean_interval(curves[:, 0], seed=1)
    assert (interval.value, interval.lower) == pytest.approx((value[0], lower[0]))
