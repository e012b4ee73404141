"""What holds for every search space of the package, beside the contract that a user's own must hold."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import SEARCH_SPACES, SearchSpace, Variable, make_search_space
from nas_gym.testing import check_search_space

from .conftest import CATALOGUE

Space = SearchSpace[Any]
few = settings(max_examples=15, deadline=None, derandomize=True)
edits = st.lists(st.integers(0, 10**6), max_size=25)
numbers = st.integers(0, 10**30)


def walk(space: Space, picks: list[int]) -> list[Any]:
    """The states of a walk from the smallest architecture, each pick choosing among the legal edits."""
    states = [space.smallest()]
    for pick in picks:
        legal = np.flatnonzero(space.mask(states[-1]))
        states.append(space.apply(states[-1], int(legal[pick % len(legal)])))
    return states


def distance(space: Space, one: Any, other: Any) -> int:
    """How many entries of the observations differ."""
    pairs = zip(space.observe(one).values(), space.observe(other).values(), strict=True)
    return sum(int((a != b).sum()) for a, b in pairs)


def parsed(space: Space, text: str) -> tuple[Any, str]:
    """The architecture of a text, or None and the error."""
    try:
        return space.parse(text), ""
    except NASGymError as error:
        return None, str(error)


def _is_full(space: Space, state: Any) -> bool:
    return hasattr(space, "edges") and len(state.edges) == space.edges


def test_the_catalogue_has_every_registered_space() -> None:
    assert {spec["name"] for spec, _ in CATALOGUE.values()} >= set(SEARCH_SPACES)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_contract_holds(space: Space, seed: int) -> None:
    check_search_space(space, seed=seed)


@few
@given(number=numbers)
def test_number_and_architecture_are_a_bijection(space: Space, number: int) -> None:
    for index in {number % space.size, 0, space.size - 1}:
        assert space.index(space.architecture(index)) == index


@few
@given(picks=edits, pick=numbers)
def test_every_edit_has_an_inverse_path(space: Space, picks: list[int], pick: int) -> None:
    before = walk(space, picks)[-1]
    after = walk(space, [*picks, pick])[-1]
    while after != before:
        nearest = min(space.neighbours(after), key=lambda state: distance(space, state, before))
        assert distance(space, nearest, before) < distance(space, after, before)
        after = nearest


@few
@given(picks=edits)
def test_an_active_variable_can_change_the_architecture(space: Space, picks: list[int]) -> None:
    state = walk(space, picks)[-1]
    values = space.encode(state)
    free = {name: variable.choices for name, variable in space.variables.items() if variable.choices[1:]}
    for name in space.active_variables(state) & set(free):
        changed = {space.decode(values | {name: value}) for value in range(len(free[name]))}
        # A pool without room is mended to a convolution, so an operation may change nothing; and an edge
        # beyond the most that there may be is taken away again.
        assert len(changed) > 1 or name.endswith("operation") or _is_full(space, state)


def test_variables_say_what_and_where_they_are(space: Space) -> None:
    variables = list(space.variables.values())
    assert [variable.name for variable in variables] == list(space.variables)
    assert all(isinstance(variable, Variable) and variable.choices for variable in variables)
    assert all(len(set(variable.choices)) == len(variable.choices) for variable in variables)
    where = [(variable.group, variable.position, variable.aspect) for variable in variables]
    assert len(set(where)) == len(where)
    assert all(bool(variable.group) == bool(variable.position) for variable in variables)
    assert sum(variable.is_depth for variable in variables) <= 1


@few
@given(picks=edits)
def test_a_description_has_words_for_every_box_and_labelled_link(space: Space, picks: list[int]) -> None:
    state = walk(space, picks)[-1]
    found, sketch = space.describe(state), space.sketch(state)
    labelled = {(source, target) for source, target, label in sketch.links if label}
    boxes = {(number,) for number in range(1, len(sketch.boxes) - 1)}
    assert set(found.parts) == boxes | labelled
    assert all(found.parts.values())
    assert found.words.startswith(("a ", "an "))
    assert "_" not in found.words
    for variable in space.variables.values():
        assert all(space.value_words(variable, value) for value in variable.choices)


@settings(few, max_examples=8)
@given(picks=edits, others=edits)
def test_distances_and_shortest_paths_agree_with_a_search_without_a_bound(
    space: Space, picks: list[int], others: list[int]
) -> None:
    one, other = walk(space, picks)[-1], walk(space, others[:2])[-1]
    near = walk(space, [*picks, *others[:2]])[-1]
    for start, goal in ((one, near), (near, one), (one, other)):
        reached, border, truth = {start}, {start}, 0
        while goal not in reached and truth < 2:
            border = {after for state in border for after in space.neighbours(state)} - reached
            reached |= border
            truth += 1
        truth = truth if goal in reached else 3
        assert space.edit_distance(start, goal, 2) == truth
        assert space.least_edits(start, goal) <= truth or truth == 3
        if truth < 3:
            path = space.shortest_path(start, goal)
            assert path is not None
            assert path.shortest
            assert len(path) == truth
            assert (path.architectures[0], path.architectures[-1]) == (start, goal)


def test_sampling_is_uniform(small_space: Space) -> None:
    rng, size = np.random.default_rng(0), small_space.size
    drawn = [small_space.index(small_space.sample(rng)) for _ in range(50 * size)]
    assert chisquare(np.bincount(drawn, minlength=size)).pvalue > 1e-3


@few
@given(picks=edits)
def test_the_place_of_an_edit_is_in_the_sketch_after_it(space: Space, picks: list[int]) -> None:
    state = walk(space, picks)[-1]
    for action in np.flatnonzero(space.mask(state))[1:]:
        edit, sketch = space.actions[action], space.sketch(space.apply(state, int(action)))
        links = {link[:2]: link[2] for link in sketch.links}
        assert all(-1 <= number < len(sketch.boxes) for number in edit.place)
        place = sketch.place(edit.place)
        if edit.aspect in ("skip", "edge"):
            assert (links.get(place) == edit.value) == (edit.kind != "remove")
        elif edit.kind == "remove":
            assert not place or place in links  # a vertex takes its links with it
        else:
            label = sketch.boxes[place[0]]
            assert edit.value in (label, *label.split("-"))


@few
@given(picks=edits, data=st.data())
def test_a_damaged_text_parses_back_or_is_named_in_one_sentence(
    space: Space, picks: list[int], data: st.DataObject
) -> None:
    text = str(walk(space, picks)[-1])
    start = data.draw(st.integers(0, len(text)))
    damage = data.draw(st.sampled_from(["", "|", "+", ">", "-", "~7", "none", "relu", " ", "skip 0-2", "7"]))
    damaged = text[:start] + damage + text[start + data.draw(st.integers(0, 8)) :]
    architecture, error = parsed(space, damaged)
    if architecture is None:
        assert repr(damaged) in error
        assert "\n" not in error
    else:
        assert space.parse(str(architecture)) == architecture
        assert 0 <= space.index(architecture) < space.size


@pytest.mark.parametrize("text", ["", "nonsense", "🙂", "a > b", "+", "||+||+||", "relu-16 >", "None"])
def test_nonsense_is_refused_by_its_name(space: Space, text: str) -> None:
    with pytest.raises(NASGymError) as caught:
        space.parse(text)
    assert repr(text) in str(caught.value)


def test_the_configuration_builds_an_equal_space(space: Space) -> None:
    config = json.loads(json.dumps(space.config()))
    again = make_search_space(config, space.input_shape, space.outputs)
    assert again == space
    assert hash(again) == hash(space)
    assert again.actions == space.actions
    assert again != make_search_space(config, space.input_shape, 2 * space.outputs)


def test_a_space_survives_pickling(space: Space) -> None:
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    state = again.architecture(space.size // 2)
    assert (again.mask(state) == space.mask(state)).all()


def test_an_unknown_space_or_option_names_the_known_ones() -> None:
    with pytest.raises(NASGymError, match=r"unknown search space 'convv'.*did you mean 'conv'"):
        make_search_space("convv", (1, 8), 2)
    with pytest.raises(NASGymError, match=r"unknown option.*'max_layer'.*did you mean 'max_layers'"):
        make_search_space({"name": "mlp", "max_layer": 3}, (8,), 2)


def test_a_space_of_one_architecture_is_refused() -> None:
    one = {"name": "mlp", "max_layers": 1, "widths": [4], "activations": ["relu"]}
    with pytest.raises(NASGymError, match="at least 2"):
        make_search_space(one, (8,), 2)


def test_a_built_space_passes_through_only_for_its_own_task() -> None:
    space = make_search_space("mlp", (8,), 2)
    assert make_search_space(space, (8,), 2) is space
    with pytest.raises(NASGymError, match=r"built for input shape \(8,\) and 2 outputs, the task has \(9,\)"):
        make_search_space(space, (9,), 2)
    with pytest.raises(
        NASGymError, match=r"and 2 outputs, the task has \(8,\) and 1: build it for the task's"
    ):
        make_search_space(space, (8,), 1)
