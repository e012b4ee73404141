"""The edit graph says of states and edits what the search space says."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from nas_gym.search_spaces import EditGraph, SearchSpace, make_search_space
from nas_gym.search_spaces.graph import edit_graph
from tests.helpers.fakes import SMALL

SPACES = {"small": SMALL, "mlp": "mlp", "cell": "cell", "conv": "conv"}


def walk(graph: EditGraph, space: SearchSpace, steps: int, seed: int = 0) -> list[int]:
    """The numbers of the states of a walk of random actions, checked against the space."""
    rng = np.random.default_rng(seed)
    state = space.sample(rng)
    number, visited = graph.number(state), []
    for action in rng.integers(len(space.actions), size=steps).tolist():
        edited = space.edited(state, action)
        number, legal = graph.follow(number, action)
        assert legal == (edited is not None)
        state = space.apply(state, action)
        assert graph.architecture(number) == state
        assert graph.number(state) == number
        visited.append(number)
    return visited


@pytest.fixture(params=SPACES)
def space(request) -> SearchSpace:
    return make_search_space(SPACES[request.param], (1, 40), 10)


def test_a_walk_in_the_graph_is_a_walk_in_the_space(space):
    graph = EditGraph(space)
    for number in walk(graph, space, 150):
        state = graph.architecture(number)
        assert graph.texts[number] == str(state)
        assert graph.masks.dtype == np.int8
        assert (graph.masks[number] == space.mask(state)).all()
        assert graph.index(number) == space.index(state)
        for name, values in space.observe(state).items():
            assert (graph.observations[name][number] == values).all()
    assert graph.words.tolist() == [str(edit) for edit in space.actions]


def test_many_steps_are_as_many_single_ones(space):
    graph, other = EditGraph(space), EditGraph(space)
    rng = np.random.default_rng(1)
    starts = [space.sample(rng) for _ in range(30)]
    numbers = np.array([graph.number(start) for start in starts])
    single = [other.number(start) for start in starts]
    for _ in range(20):
        actions = rng.integers(len(space.actions), size=len(starts))
        numbers, legal = graph.follow_all(numbers, actions)
        followed = [other.follow(*step) for step in zip(single, actions.tolist(), strict=True)]
        single = [number for number, _ in followed]
        assert legal.tolist() == [told for _, told in followed]
        assert [graph.architecture(n) for n in numbers.tolist()] == [other.architecture(n) for n in single]
    assert graph.indices(numbers).tolist() == [space.index(graph.architecture(n)) for n in numbers.tolist()]


def test_in_a_small_space_a_number_is_an_index_and_nothing_is_filled_before_a_visit():
    space = make_search_space(SMALL, (30,), 2)
    graph = EditGraph(space)
    assert graph.rows == space.size
    assert all(text is None for text in graph.texts)
    for index in reversed(range(space.size)):
        assert graph.number(space.architecture(index)) == index
    assert graph.texts.tolist() == [str(architecture) for architecture in space]


def test_in_a_large_space_numbers_count_the_visited_and_the_arrays_grow(monkeypatch):
    monkeypatch.setattr(edit_graph, "LARGEST_INDEXED", 10)
    monkeypatch.setattr(edit_graph, "FIRST_ROWS", 4)
    space = make_search_space(SMALL, (30,), 2)
    graph = EditGraph(space)
    visited = {number for seed in range(8) for number in walk(graph, space, 60, seed)}
    assert visited == set(range(space.size))
    assert graph.rows == 16
    assert {graph.index(number) for number in visited} == set(range(space.size))
    texts = [str(graph.architecture(number)) for number in range(space.size)]
    assert graph.texts[: space.size].tolist() == texts


def test_a_copy_of_the_space_goes_on_from_what_was_visited():
    space = make_search_space("conv", (1, 40), 10)
    visited = walk(space.edit_graph, space, 30)
    twin = pickle.loads(pickle.dumps(space))
    assert walk(twin.edit_graph, twin, 30) == visited
