"""The shortest way between two architectures is the shortest, in every space."""

from collections import deque
from itertools import pairwise

import numpy as np
import pytest

from nas_gym.search_spaces import SearchSpace, distances_from, make_search_space
from nas_gym.search_spaces.graph import paths as edit_paths
from tests.helpers.own_space import OwnSpace

MLP = {"name": "mlp", "max_layers": 3, "widths": [16, 64], "activations": ["relu", "tanh"]}
CONV = {
    "name": "conv",
    "max_layers": 3,
    "operations": ["conv3", "max_pool"],
    "channels": [16],
    "activations": ["relu", "tanh"],
}
CELL = {"name": "cell", "operations": ["none", "skip_connect", "nor_conv_1x1"]}
SPACES = {
    "mlp": make_search_space(MLP, (1, 40), 10),
    "conv": make_search_space(CONV, (1, 40), 10),
    "cell": make_search_space(CELL, (1, 40), 10),
    "own": OwnSpace((1, 40), 10),
}


def distances(space: SearchSpace, start: object) -> dict[object, int]:
    """The length of the shortest way to every architecture, by brute force over all edits."""
    found, queue = {start: 0}, deque([start])
    while queue:
        one = queue.popleft()
        for action in range(1, len(space.actions)):
            after = space.edited(one, action)
            if after is not None and after not in found:
                found[after] = found[one] + 1
                queue.append(after)
    return found


@pytest.mark.parametrize("name", SPACES)
def test_no_way_is_shorter(name):
    space, rng = SPACES[name], np.random.default_rng(0)
    for _ in range(2):
        start = space.sample(rng)
        truth = distances(space, start)
        for _ in range(6):
            goal = space.sample(rng)
            path = space.shortest_path(start, goal)
            assert path.shortest
            assert len(path) == truth[goal]
            assert path.architectures[0] == start
            assert path.architectures[-1] == goal


@pytest.mark.parametrize("name", SPACES)
def test_each_edit_of_a_way_leads_to_the_next_architecture(name):
    space, rng = SPACES[name], np.random.default_rng(1)
    path = space.shortest_path(space.sample(rng), space.sample(rng))
    words = [str(edit) for edit in space.actions]
    for edit, (before, after) in zip(path.edits, pairwise(path.architectures), strict=True):
        assert space.edited(before, words.index(edit)) == after


@pytest.mark.parametrize("name", SPACES)
def test_the_bound_that_guides_the_search_is_never_too_high(name):
    space, rng = SPACES[name], np.random.default_rng(2)
    start = space.sample(rng)
    for goal, truth in list(distances(space, start).items())[:: max(1, space.size // 300)]:
        assert space.least_edits(start, goal) <= truth


@pytest.mark.parametrize("name", SPACES)
def test_what_a_few_edits_reach_is_found_at_its_distance(name):
    space = SPACES[name]
    start = space.sample(np.random.default_rng(3))
    near = {one: edits for one, edits in distances(space, start).items() if edits <= 2}
    assert distances_from(space, start, 2) == near


def test_a_way_to_where_one_is_has_no_edits():
    start = SPACES["mlp"].smallest()
    assert len(SPACES["mlp"].shortest_path(start, start)) == 0


def test_a_large_space_is_searched_too():
    space = make_search_space("conv", (1, 40), 10)
    goal = space.parse(
        "sep3-32-tanh > max_pool > conv5-16-relu > conv3-32-tanh + skip 0-2 + skip 1-3 + skip 0-4"
    )
    path = space.shortest_path(space.smallest(), goal, most_expanded=2_000)
    assert path.shortest
    assert len(path) == 7


def test_a_search_that_is_cut_off_finds_none():
    space = SPACES["mlp"]
    start, goal = space.parse("relu-16"), space.parse("tanh-64 > tanh-64 > tanh-64")
    assert space.shortest_path(start, goal, most_expanded=2) is None


def test_a_way_that_is_found_greedily_is_not_called_the_shortest(monkeypatch):
    search = edit_paths._search

    def only_greedy(*given, greedy=False, **bounds):
        return search(*given, greedy=True, **bounds) if greedy else None

    monkeypatch.setattr(edit_paths, "_search", only_greedy)
    space = SPACES["mlp"]
    path = space.shortest_path(space.parse("relu-16"), space.parse("tanh-64 > tanh-64 > tanh-64"))
    assert path.architectures[-1] == space.parse("tanh-64 > tanh-64 > tanh-64")
    assert not path.shortest
