"""Fronts and their measures against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.envs import (
    Frame,
    attainment,
    attainment_front,
    crowding,
    hypervolume,
    hypervolume_share,
    igd_plus,
    layers,
    nondominated,
    share_found,
)


def points(dimensions, most=12):
    """Small whole numbers, so that ties and duplicates are common."""
    row = st.tuples(*[st.integers(0, 5)] * dimensions)
    return st.lists(row, min_size=1, max_size=most).map(lambda rows: np.array(rows, dtype=float))


any_points = st.integers(1, 4).flatmap(points)


def dominates(one, other):
    return (one >= other).all() and (one > other).any()


def counted_volume(found, reference):
    """The volume as a number of unit cubes, which whole coordinates make exact."""
    return sum(
        any((point > cube).all() for point in found)
        for cube in itertools.product(*(range(int(low), 6) for low in reference))
    )


@given(any_points)
def test_what_none_dominates_is_what_no_pair_says_is_dominated(found):
    expected = [not any(dominates(other, point) for other in found) for point in found]
    assert nondominated(found).tolist() == expected


@given(any_points)
def test_a_layer_is_the_front_of_what_is_left(found):
    numbers, left, number = layers(found), list(range(len(found))), 0
    while left:
        front = [row for row in left if not any(dominates(found[other], found[row]) for other in left)]
        assert (numbers[front] == number).all()
        left, number = [row for row in left if row not in front], number + 1


@given(any_points, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_the_hypervolume_is_the_number_of_unit_cubes(found, low):
    reference = [low] * found.shape[1]
    assert hypervolume(found, reference) == pytest.approx(counted_volume(found, reference))


@given(any_points)
def test_the_hypervolume_does_not_depend_on_order_or_on_what_is_dominated(found):
    whole = hypervolume(found, [0] * found.shape[1])
    assert hypervolume(found[::-1], [0] * found.shape[1]) == pytest.approx(whole)
    assert hypervolume(found[nondominated(found)], [0] * found.shape[1]) == pytest.approx(whole)


def test_nothing_beyond_the_reference_counts():
    assert hypervolume(np.array([[1.0, 5.0], [5.0, 1.0]]), [1, 1]) == 0.0
    assert hypervolume(np.empty((0, 2)), [0, 0]) == 0.0


def test_crowding_is_the_distance_between_neighbours_and_infinite_at_the_ends():
    found = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    assert crowding(found).tolist() == [np.inf, 3 / 4 + 3 / 4, 3 / 4 + 3 / 4, np.inf]


def test_the_exact_front_has_share_1_and_distance_0():
    front = np.array([[0.0, 3.0], [2.0, 2.0], [3.0, 0.0]])
    assert hypervolume_share(front, front) == 1.0
    assert (igd_plus(front, front), share_found(front, front)) == (0.0, 1.0)
    assert share_found(front[:1], front) == pytest.approx(1 / 3)


def test_the_reference_is_a_tenth_beyond_the_nadir():
    front = np.array([[0.0, 10.0], [4.0, 0.0]])
    frame = Frame.of(front)
    assert (frame.ideal.tolist(), frame.nadir.tolist()) == ([4, 10], [0, 0])
    # Both corners: 1.1 wide and .1 high, which they share a square of.
    assert frame.hypervolume(front) == pytest.approx(2 * 1.1 * 0.1 - 0.1 * 0.1)
    assert frame.hypervolume(np.array([[-0.5, -2.0]])) == 0.0
    assert frame.normalised(np.array([[2.0, 5.0]])).tolist() == [[0.5, 0.5]]


def test_an_objective_that_is_one_all_along_the_front_counts_what_reaches_it():
    front = np.array([[1.0, 5.0]])
    assert hypervolume_share(front, front) == 1.0
    assert hypervolume_share(np.array([[1.0, 4.0]]), front) == 0.0


@given(points(2), points(2))
def test_the_distance_counts_only_what_is_worse(found, front):
    front = np.unique(front[nondominated(front)], axis=0)
    span = front.max(axis=0) - front.min(axis=0)
    if (span == 0).any():
        return
    nearest = [min(np.linalg.norm(np.maximum(goal - one, 0) / span) for one in found) for goal in front]
    assert igd_plus(found, front) == pytest.approx(np.mean(nearest))


@given(st.lists(points(2), min_size=1, max_size=5))
def test_attainment_is_the_share_of_runs_with_a_point_as_good(runs):
    goals = np.array(list(itertools.product(range(6), repeat=2)), dtype=float)
    found = attainment(runs, goals)
    for goal, share in zip(goals, found, strict=True):
        expected = np.mean([any((point >= goal).all() for point in run) for run in runs])
        assert share == pytest.approx(expected)
    median = attainment_front(runs, 0.5)
    reached = {tuple(goal) for goal, share in zip(goals, found, strict=True) if share >= 0.5}
    best = {one for one in reached if not any(dominates(np.array(o), np.array(one)) for o in reached)}
    assert {tuple(point) for point in median.tolist()} == best


def test_runs_without_a_point_attain_nothing():
    assert attainment([np.empty((0, 2)), np.array([[1.0, 1.0]])], np.array([[0.0, 0.0]])).tolist() == [0.5]
