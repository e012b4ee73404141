"""The contract of search spaces finds what is planted."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from nas_gym.search_spaces import KEEP, SEARCH_SPACES, Link, Sketch, make_search_space
from nas_gym.testing import check_search_space

ONLY = {
    "seq2seq": ((5,), {"vocabulary": 6, "lengths": [4, 1], "positions": 1}),
    "graph": ((9, 5), {"node_features": 4, "edge_kinds": 3}),
    "nasbench_graph": ((7, 4), {"node_features": 3, "edge_kinds": 1}),
}
"""Input shape and facts for spaces that read one kind of examples alone."""


@pytest.fixture
def space():
    """14 architectures, whose methods a test may replace."""
    spec = {"name": "mlp", "max_layers": 3, "widths": [64], "activations": ["relu", "sigmoid"]}
    return make_search_space(spec, (8,), 2)


def test_a_sound_space_passes(space):
    check_search_space(space)


@pytest.mark.parametrize("name", SEARCH_SPACES)
def test_a_space_of_one_output_passes(name):
    shape, facts = ONLY.get(name, ((1, 12), {}))
    check_search_space(make_search_space(name, shape, 1, facts), walks=2, steps=6)


def shifted(space):
    return {"index": lambda state: (type(space).index(space, state) + 1) % space.size}


def deaf(space):
    return {"parse": lambda text: space.smallest()}


def always_legal(space):
    return {"mask": lambda state: np.ones(len(space.actions), dtype=bool)}


def keeps_nothing(space):
    return {"actions": (*space.actions[1:], KEEP)}


def blind(space):
    return {"observe": lambda state: type(space).observe(space, space.smallest())}


def shared(space):
    kept = {state: type(space).observe(space, state) for state in space}
    return {"observe": kept.__getitem__}


def forgets(space):
    return {"decode": lambda values: space.smallest()}


def draws_by_itself(space):
    rng = np.random.default_rng(0)
    return {"sample": lambda _: type(space).sample(space, rng)}


def without_ends(space):
    return {"sketch": lambda state: Sketch(("in", "out"), (), (0, 0), ())}


def undrawn(space):
    def drawing(state):
        found = type(space).drawing(space, state)
        return dataclasses.replace(found, boxes=(found.boxes[0], found.boxes[-1]), links=())

    return {"drawing": drawing}


def drawn_backwards(space):
    def drawing(state):
        return dataclasses.replace(type(space).drawing(space, state), links=(Link(1, 0),))

    return {"drawing": drawing}


def coloured(*kinds):
    def plant(space):
        def sketch(state):
            found = type(space).sketch(space, state)
            return dataclasses.replace(found, box_kinds=kinds * len(found.boxes))

        return {"sketch": sketch}

    return plant


def no_way_back(space):
    def edited(state, action):
        removes = space.actions[action].kind == "remove"
        return None if removes else type(space).edited(space, state, action)

    return {"edited": edited}


@pytest.mark.parametrize(
    ("plant", "sentence"),
    [
        (shifted, r"architecture\(1\), the index of 'relu-64', gives"),
        (deaf, r"parse\(.*\) gives 'relu-64'"),
        (always_legal, "is legal by its mask only"),
        (keeps_nothing, "action 0 must be KEEP"),
        (blind, "have the same observation"),
        (shared, "must be a fresh array each time"),
        (forgets, r"decode\(encode\(a\)\) gives another one"),
        (draws_by_itself, "from one seed"),
        (without_ends, "must lead from 'input' to 'output'"),
        (undrawn, "shows box 1 of the sketch, 'relu-64', 0 times"),
        (drawn_backwards, "has a link from 1 to 0"),
        (coloured(0, 1), "needs a kind, or None, for each box"),
        (coloured(-1), "has the box kind -1"),
        (no_way_back, "cannot be led back to"),
    ],
)
def test_a_planted_fault_is_told_in_one_sentence(space, plant, sentence):
    for name, value in plant(space).items():
        object.__setattr__(space, name, value)
    with pytest.raises(AssertionError, match=sentence) as caught:
        check_search_space(space)
    assert not re.search(r"\n", str(caught.value))
