"""A limit by the clock: how much of it is over, and how much work to begin at once."""

import pytest

from nas_gym._clock import MOST_AT_ONCE, Clock, OutOfTimeError, check_time, in_time, minutes_in_words
from nas_gym.errors import NASGymError
from tests.helpers.clock import fake_clock


@pytest.fixture
def time(monkeypatch):
    return fake_clock(monkeypatch)


def test_a_limit_is_over_when_its_minutes_are(time):
    clock = Clock(2)
    time.time += 90
    assert (clock.elapsed, clock.share, clock.is_over) == (90, 0.75, False)
    time.time += 30
    assert (clock.share, clock.is_over) == (1.0, True)


def test_a_part_of_a_limit_may_be_kept_for_what_comes_after(time):
    clock = Clock(2, kept=0.25)
    time.time += 89
    assert not clock.is_over
    assert clock.batch == 1
    time.time += 1
    assert (clock.minutes, clock.is_over, clock.share) == (2, True, 1.0)


def test_a_part_of_the_time_that_is_left_may_be_given_to_some_work(time):
    clock = Clock(2)
    time.time += 40
    with clock.part(0.5):
        time.time += 40
        assert clock.is_over
    assert not clock.is_over
    time.time += 40
    assert clock.is_over


def test_what_is_computed_under_a_limit_is_broken_off_at_it(time):
    def compute(seconds):
        for _ in range(seconds):
            time.time += 1
            check_time()
        return seconds

    with Clock(1).breaking_off():
        assert in_time(lambda: compute(40)) == 40
        assert in_time(lambda: compute(40)) is None
        with pytest.raises(OutOfTimeError, match="the limit of 1 minute was reached"):
            check_time()
    assert compute(40) == 40  # outside there is no limit


def test_without_a_limit_nothing_ends_and_all_work_goes_at_once(time):
    clock = Clock()
    time.time += 1e6
    assert (clock.share, clock.is_over, clock.batch) == (0.0, False, None)


def test_batches_double_and_shrink_before_the_end(time):
    clock, batches = Clock(1), []
    while not clock.is_over:
        batches.append(clock.batch)
        with clock.timing(batches[-1]):
            time.time += batches[-1]
    assert batches == [1, 2, 4, 8, 16, 16, 13]
    assert max(batches) == MOST_AT_ONCE
    assert clock.elapsed == 60


def test_work_that_takes_longer_than_is_left_goes_one_by_one(time):
    clock = Clock(1)
    with clock.timing(1):
        time.time += 50
    assert clock.batch == 1


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf"), "2", True])
def test_a_limit_that_is_none_is_refused(minutes):
    with pytest.raises(NASGymError, match="minutes must be a number above 0"):
        Clock(minutes)


def test_minutes_in_words():
    assert [minutes_in_words(each) for each in (1, 2.0, 0.5)] == ["1 minute", "2 minutes", "0.5 minutes"]
