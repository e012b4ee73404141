"""What a search would still gain: on curves whose law is known, and in words."""

import numpy as np
import pytest

from nas_gym.cli.outlook import Outlook


def seen(scores):
    """The outlook after networks with these scores."""
    found = Outlook()
    for count, best in enumerate(np.maximum.accumulate(scores), start=1):
        found.see(count, float(best))
    return found


@pytest.mark.parametrize(("networks", "more"), [(20, 10), (60, 60), (60, 6)])
def test_of_draws_with_an_exponential_tail_the_expected_gain_is_the_mean_gain(networks, more):
    rng = np.random.default_rng(0)
    curves = 0.5 + 0.02 * rng.exponential(size=(4000, networks + more))
    expected = np.mean([seen(curve[:networks]).gain(more)[0] for curve in curves])
    gained = np.mean([curve.max() - curve[:networks].max() for curve in curves])
    assert expected == pytest.approx(gained, rel=0.1)


def test_its_interval_holds_the_mean_gain_of_most_curves_that_rise_often():
    # A curve that rises by 0.001 about 30 times as the number of networks doubles.
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        course = Outlook()
        rises = np.exp(np.sort(rng.uniform(0, np.log(400), rng.poisson(np.log(400) / np.log(2) * 30))))
        for number, networks in enumerate(rises):
            course.see(float(networks), 0.5 + 0.001 * number)
        course.see(400, None)
        gain, error = course.gain(400)
        held.append(abs(gain - 0.030) <= 1.96 * error)
    assert 0.9 <= np.mean(held) <= 0.99


def test_less_time_gains_less():
    course = seen([0.5, 0.6, 0.62, 0.7, 0.7, 0.71, 0.71, 0.72])
    assert 0 < course.gain(2)[0] < course.gain(8)[0]
    assert course.gain(8)[0] == pytest.approx(0.72 - 0.70)  # as many again: as the second half did


def test_a_plateau_is_said_and_not_extrapolated():
    assert seen([0.5, 0.6, 0.7] + [0.6] * 30).words(60) == "no gain in the last 30 networks"


def test_the_words_name_the_gain_of_a_minute_with_its_uncertainty():
    course = seen([0.5, 0.6, 0.62, 0.7, 0.7, 0.71, 0.71, 0.72])
    assert course.words(60) == "a further minute is expected to gain 0.0200 (0.0000 to 0.0477)"
    assert course.words(480) == "a further minute is expected to gain 0.0034 (0.0000 to 0.0081)"


def test_few_networks_say_nothing():
    assert seen([0.5, 0.6, 0.7]).words(60) == ""
    assert Outlook().words(0) == ""
