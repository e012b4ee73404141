"""Intervals of many differences to one network hold all at once, and say no more than they can."""

import math

import numpy as np
import pytest
from scipy import stats

from nas_gym.explain.fact import standing_of
from nas_gym.explain.methods.significance.dunnett import (
    against_control,
    critical_value,
    mean_interval,
    seeds_for_margin,
)


@pytest.mark.parametrize("degrees", [4, 10, 60])
def test_one_comparison_has_students_critical_value(degrees):
    assert critical_value((3,), 3, degrees) == pytest.approx(stats.t.ppf(0.975, degrees), abs=1e-3)


def test_critical_values_are_those_of_dunnetts_tables():
    # Dunnett (1964), two-sided, 5%: equal groups, 2 comparisons with 10 and with 12 degrees of freedom.
    assert critical_value((5, 5), 5, 10) == pytest.approx(2.57, abs=0.005)
    assert critical_value((5, 5), 5, 12) == pytest.approx(2.50, abs=0.005)


def test_the_critical_value_is_the_simulated_quantile_of_the_largest_statistic():
    counts, control = (3, 3, 3, 5, 8), 7
    degrees = sum(counts) + control - len(counts) - 1
    rng, repeats = np.random.default_rng(0), 200_000
    common = rng.standard_normal(repeats) / math.sqrt(control)
    scale = np.sqrt(rng.chisquare(degrees, repeats) / degrees)
    largest = np.zeros(repeats)
    for count in counts:
        difference = rng.standard_normal(repeats) / math.sqrt(count) - common
        largest = np.maximum(largest, np.abs(difference) / math.sqrt(1 / count + 1 / control) / scale)
    assert critical_value(counts, control, degrees) == pytest.approx(np.quantile(largest, 0.95), abs=0.015)


def coverage(deviations: np.ndarray, repeats: int = 400) -> float:
    """How often all intervals hold, of networks with 3 seeds and a control with 12 of deviation 1."""
    rng = np.random.default_rng(1)
    truth = np.linspace(-3, 1, len(deviations))
    held = 0
    for _ in range(repeats):
        groups = truth[:, None] + deviations[:, None] * rng.standard_normal((len(deviations), 3))
        found = against_control(list(groups), rng.standard_normal(12))
        held += bool(((found.low <= truth) & (truth <= found.high)).all())
    return held / repeats


def test_all_intervals_hold_at_once_as_often_as_they_say():
    assert 0.93 <= coverage(np.ones(16)) <= 1.0


def test_a_network_noisier_than_the_others_has_a_wider_interval():
    deviations = np.ones(16)
    deviations[3] = 3
    assert coverage(deviations) >= 0.87
    groups = [np.array([-0.01, 0.0, 0.01]), np.array([-0.1, 0.0, 0.1])]
    found = against_control(groups, np.array([-0.01, 0.0, 0.01]))
    widths = found.high - found.low
    assert widths[1] > 1.2 * widths[0]


def test_the_mean_of_a_set_has_an_interval_that_holds_with_all_others():
    rng, truth = np.random.default_rng(3), np.linspace(-3, 1, 12)
    sets, held, narrower = [[0, 1, 2], [3], [4, 5, 6, 7, 8]], 0, []
    for _ in range(400):
        found = against_control(
            list(truth[:, None] + rng.standard_normal((12, 3))), rng.standard_normal(10), sets=sets
        )
        means = np.array([truth[one].mean() for one in sets])
        single = (found.low <= truth) & (truth <= found.high)
        held += bool(single.all() and ((found.means[:, 1] <= means) & (means <= found.means[:, 2])).all())
        assert found.means[1].tolist() == pytest.approx([found.differences[3], found.low[3], found.high[3]])
        narrower.append((found.means[0, 2] - found.means[0, 1]) / (found.high - found.low)[:3].mean())
    assert 0.92 <= held / 400 <= 0.99
    assert np.mean(narrower) < 0.8


def test_networks_that_differ_in_noise_are_noticed():
    rng = np.random.default_rng(0)
    alike = [rng.standard_normal(3) for _ in range(10)]
    assert against_control(alike, rng.standard_normal(9)).unequal > 0.05
    assert against_control([*alike, 20 * rng.standard_normal(3)], rng.standard_normal(9)).unequal < 0.01


def test_numbers_without_noise_have_intervals_without_width():
    found = against_control([np.full(3, 0.4), np.full(3, 0.6)], np.full(5, 0.5))
    assert found.low.tolist() == pytest.approx([-0.1, 0.1])
    assert found.high.tolist() == pytest.approx([-0.1, 0.1])


def test_numbers_that_were_not_repeated_have_no_interval():
    found = against_control([np.array([0.4])], np.array([0.5]))
    assert found.differences.tolist() == pytest.approx([-0.1])
    assert np.isnan(found.low).all()
    assert math.isnan(found.deviation)
    assert seeds_for_margin(found, 1, 0.01) is None
    assert standing_of(found.low[0], found.high[0], 0.01) == "unclear"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.009, 0.008, "does not matter"),
        (-0.009, -0.001, "does not matter"),
        (-0.05, -0.011, "breaks"),
        (-0.05, -0.001, "worse"),
        (0.001, 0.02, "improves"),
        (-0.02, 0.001, "unclear"),
        (-0.02, 0.02, "unclear"),
    ],
)
def test_what_an_interval_says_of_an_edit(low, high, said):
    assert standing_of(low, high, 0.01) == said


def test_so_many_seeds_resolve_the_margin():
    rng = np.random.default_rng(0)
    found = against_control([0.02 * rng.standard_normal(3) for _ in range(9)], 0.02 * rng.standard_normal(9))
    needed = seeds_for_margin(found, 9, 0.01)
    error = found.deviation * math.sqrt(1 / needed + 1 / (3 * needed))
    assert found.critical * error <= 0.01


def test_the_interval_of_a_mean_uses_the_larger_deviation_and_stays_a_score():
    values = np.array([0.5, 0.51, 0.52])
    own = mean_interval(values, math.nan, 0)
    assert own[2] - own[0] == pytest.approx(stats.t.ppf(0.975, 2) * 0.01 / math.sqrt(3))
    pooled = mean_interval(values, 0.05, 40)
    assert pooled[2] - pooled[0] == pytest.approx(stats.t.ppf(0.975, 40) * 0.05 / math.sqrt(3))
    assert mean_interval(np.array([0.99, 1.0, 0.98]), 0.1, 40)[2] == 1.0
    assert math.isnan(mean_interval(np.array([0.5]), math.nan, 0)[1])


def test_what_rounding_alone_makes_different_is_the_same():
    found = against_control([np.full(3, 0.1), np.full(3, 0.7)], np.full(10, 0.7))
    same = found.differences[1], found.low[1], found.high[1]
    assert same == (0.0, 0.0, 0.0)
    assert standing_of(found.low[1], found.high[1], 0.01) == "does not matter"
    assert found.high[0] < -0.5
