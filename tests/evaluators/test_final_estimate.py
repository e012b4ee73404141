"""An accuracy for new examples is of one network on examples that nothing was chosen by."""

import pytest
from scipy.stats import binomtest

from nas_gym.evaluators import FinalScore, final_estimate, score_interval


@pytest.mark.parametrize(("right", "examples"), [(0, 20), (43, 60), (60, 60), (1180, 1200)])
def test_the_interval_of_one_network_is_clopper_and_pearsons(right, examples):
    expected = binomtest(right, examples).proportion_ci(0.95, "exact")
    mean, low, high = score_interval([right / examples], examples)
    assert mean == pytest.approx(right / examples)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_mistake_on_few_examples_is_not_surely_none():
    assert score_interval([1.0], 60)[1] < 0.95
    assert score_interval([1.0], 60)[1] < score_interval([1.0], 6000)[1]


def test_more_trainings_on_the_same_examples_do_not_make_the_examples_more():
    _, low, high = score_interval([0.7], 60)
    _, low_of_five, high_of_five = score_interval([0.7] * 5, 60)
    assert (low_of_five, high_of_five) == pytest.approx((low, high))


def test_trainings_that_differ_widen_it():
    _, low, high = score_interval([0.5, 0.7, 0.9], 100_000)
    assert high - low > 0.4
    assert 0.0 <= low < 0.7 < high <= 1.0


SCORES = [
    FinalScore(7, 0.0, 0.0, "failed", "diverged"),
    FinalScore(8, 0.7, 0.65),
    FinalScore(9, 0.9, 0.75),
]


def test_it_is_of_the_first_network_that_trained_and_of_all_that_were_recorded():
    made = final_estimate(SCORES, (40, 60), trained=True)
    assert (made.score, made.examples, made.seeds) == (0.65, 60, (8,))
    recorded = final_estimate(SCORES, (40, 60), trained=False)
    assert (recorded.score, recorded.seeds) == (pytest.approx(0.7), (8, 9))


def test_nothing_is_said_where_it_is_not_known_over_how_many_examples():
    assert final_estimate(SCORES, None, trained=True) is None
    assert final_estimate(SCORES[:1], (40, 60), trained=True) is None
