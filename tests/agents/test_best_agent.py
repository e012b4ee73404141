"""Which agent is taken where nobody names one follows from the space and the budget."""

from __future__ import annotations

import pytest
from nas_agents import AGENTS, best_agent

from nas_gym.search_spaces import SEARCH_SPACES


@pytest.mark.parametrize(
    ("space", "evaluations", "objectives", "expected"),
    [
        ("cell", 20, 1, "pretrained"),
        ("conv", None, 1, "pretrained"),
        ("mlp", 500, 1, "pretrained"),
        ("mlp", 501, 1, "local-search"),
        ("forecaster", 20, 1, "model-based"),
        ("tabular", 60, 1, "model-based"),
        ("graph", 20, 1, "pretrained"),
        ("recurrent", 20, 1, "pretrained"),
        ("graph", 60, 1, "model-based"),
        ("graph", None, 1, "model-based"),
        ("cell", 100, 2, "model-based"),
    ],
)
def test_the_agent_is_the_best_of_our_comparisons(space, evaluations, objectives, expected):
    assert space in SEARCH_SPACES
    found = best_agent(space, evaluations, objectives=objectives)
    assert found.name == expected
    assert found.name in AGENTS
    assert found.why


@pytest.mark.parametrize(
    ("size", "seconds", "expected"),
    [
        (4680, 6, "model-based"),
        (4680, 60, "pretrained"),
        (1055, 6, "pretrained"),
        (15625, 30, "model-based"),
        (10**9, 6, "pretrained"),
        (None, 6, "pretrained"),
        (4680, None, "pretrained"),
    ],
)
def test_the_pretrained_policy_is_not_taken_where_it_would_start_for_most_of_the_time(
    size, seconds, expected
):
    assert best_agent("cell", None, seconds=seconds, size=size).name == expected
    assert best_agent("cell", 20, seconds=seconds, size=size).name == expected
