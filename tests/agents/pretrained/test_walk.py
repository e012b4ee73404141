"""The pretrained policy as a walk: the value of an edit is that of the network it leads to."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import PretrainedWalk, Session, make_agent
from nas_agents.pretrained.search import PolicySearch
from nas_agents.pretrained.walk import Walker
from nas_agents.pretrained.weights import shipped_weights

from nas_gym.search_spaces import make_search_space
from nas_gym.traces import State, ValuePolicy, load_policy
from tests.helpers.environments import environment, texts

SPACE = make_search_space(
    {"name": "mlp", "max_layers": 3, "widths": [4], "activations": ["relu", "tanh"]}, (1, 8), 2
)
PLACES = list(SPACE)


def policy(values, known=(), **options):
    made = ValuePolicy(SPACE, **({"steps": 10} | options))
    numbers = [SPACE.index(SPACE.parse(text)) for text in known]
    scores = np.zeros(len(PLACES))
    for text, value in values.items():
        scores[SPACE.index(SPACE.parse(text))] = value
    made.put(PLACES, scores, numbers)
    return made


def follow(made, start, steps):
    """Go by the best edit, and return the states on the way."""
    here, way = SPACE.parse(start), []
    for left in range(steps, 0, -1):
        legal = np.flatnonzero(SPACE.mask(here))
        values = made.edit_values(here, left, legal)
        here = SPACE.apply(here, int(legal[np.argmax(values[legal])]))
        way.append(str(here))
    return way


def test_it_heads_for_the_best_network_by_a_shortest_way():
    goal = "tanh-4 > tanh-4 > relu-4"
    way = follow(policy({goal: 20.0}), "relu-4", 3)
    assert way[-1] == goal


def test_the_steps_left_count():
    made = policy({"tanh-4 > tanh-4 > relu-4": 20.0, "tanh-4": 3.0})
    assert follow(made, "relu-4", 1) == ["tanh-4"]
    assert follow(made, "relu-4", 3)[-1] == "tanh-4 > tanh-4 > relu-4"


def test_a_way_through_known_networks_is_preferred():
    goal, known = "tanh-4 > tanh-4", ["relu-4", "relu-4 > tanh-4"]
    assert follow(policy({goal: 5.0}, known), "relu-4", 2) == ["relu-4 > tanh-4", goal]
    others = ["relu-4", "tanh-4"]
    assert follow(policy({goal: 5.0}, others), "relu-4", 2) == ["tanh-4", goal]


def test_a_known_network_is_no_place_to_go_to():
    made = policy({"tanh-4": 9.0, "relu-4 > relu-4": 1.0}, known=["tanh-4", "relu-4"])
    assert follow(made, "relu-4", 1) == ["relu-4 > relu-4"]


def test_where_the_last_network_alone_counts_nothing_on_the_way_costs():
    made = policy({"tanh-4 > tanh-4 > relu-4": 1.0, "tanh-4": 0.9}, last_only=True)
    assert follow(made, "relu-4", 3)[-1] == "tanh-4 > tanh-4 > relu-4"
    assert follow(made, "relu-4", 1) == ["tanh-4"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_saved_policy_is_the_same(tmp_path, monkeypatch, whole):
    if not whole:
        monkeypatch.setattr("nas_gym.traces.policies.values.LISTED", 0)
    made = policy({"tanh-4 > tanh-4": 5.0, "relu-4 > relu-4": 4.0}, known=["relu-4", "tanh-4"])
    made.save(tmp_path / "3.npz")
    read = load_policy(tmp_path / "3.npz", SPACE)
    states = [State(SPACE.parse("relu-4")), State(SPACE.parse("relu-4"), 1), State(SPACE.parse("tanh-4"), 2)]
    masks = np.array([SPACE.mask(state.architecture) for state in states])
    one, two = made.scores(states, masks), read.scores(states, masks)
    np.testing.assert_allclose(two[masks], one[masks], atol=1e-5)
    assert [int(np.where(masks[0], row, -np.inf).argmax()) for row in one] == [
        int(np.where(masks[0], row, -np.inf).argmax()) for row in two
    ]


def test_of_a_space_too_large_to_list_neighbours_are_looked_up_when_a_state_is_asked_about(monkeypatch):
    monkeypatch.setattr("nas_gym.traces.policies.values.LISTED", 0)
    made = ValuePolicy(SPACE, steps=10)
    places = [SPACE.parse(text) for text in ("relu-4", "tanh-4 > relu-4", "relu-4 > relu-4")]
    made.put(places, np.array([0.0, 9.0, 1.0]), [0])
    # From the known network by way of its unknown neighbour, which was never put.
    assert follow(made, "tanh-4", 1) == ["tanh-4 > relu-4"]


def test_both_forms_search_by_the_same_weights_and_say_so():
    query, walk = (make_agent(name).search(environment(), 6) for name in ("pretrained", "pretrained-walk"))
    assert query.started_from == walk.started_from != ""


def test_the_walk_finds_more_than_random_edits():
    """All that the policy says is followed by steps alone."""
    best = [
        np.mean([make_agent(name).search(table(), 12, seed).score for seed in range(4)])
        for name in ("pretrained-walk", "random-walk")
    ]
    assert best[0] > best[1]


def table():
    """A table of 340 networks, of which wide relu layers are best."""
    space = {"name": "mlp", "max_layers": 4, "widths": [4, 8], "activations": ["relu", "tanh"]}

    def score(architecture, seed):
        good = [(width == 8) + (function == "relu") for width, function in architecture.layers]
        return sum(good) / 8

    return environment(score, space=space)


@pytest.mark.parametrize("mode", ["same_step", "disabled"])
def test_walks_side_by_side_share_a_run_of_the_vector_environment(mode):
    single = environment().unwrapped
    envs = gym.make_vec(
        "NAS-v0",
        num_envs=3,
        search_space=single.search_space,
        task=single.task,
        evaluator=single.evaluator,
        autoreset_mode=mode,
        horizon=4,
    )
    results = [PretrainedWalk().search(envs, 9, seed=2) for _ in range(2)]
    assert results[0] == results[1]
    assert len(set(texts(results[0]))) == 9


def test_walks_side_by_side_do_not_step_to_one_network_at_once():
    env = environment(space=SPACE.config())
    session, agent = Session(env, 0), PretrainedWalk()
    env.unwrapped.start_run(9)
    search = PolicySearch(shipped_weights(), SPACE, session.rng, listed=99, memory=9)
    walker = Walker(agent, search, session)
    mask = SPACE.mask(SPACE.smallest())
    actions = walker.actions([str(SPACE.smallest())] * 3, [mask] * 3, [20] * 3)
    assert len({SPACE.apply(SPACE.smallest(), action) for action in actions}) == 3


def test_a_space_too_large_to_list_is_walked(monkeypatch):
    monkeypatch.setattr("nas_gym.traces.policies.values.LISTED", 0)
    agent = PretrainedWalk(listed=0, memory=6)
    one, two = (agent.search(environment(space=SPACE.config()), 8, seed=1) for _ in range(2))
    assert one == two
    assert len(one.evaluations) == 8
