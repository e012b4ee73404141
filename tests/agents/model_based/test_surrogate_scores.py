"""A surrogate scores the networks of a table by a model of others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nas_agents import Surrogate, surrogate_of
from scipy.stats import kendalltau

from nas_gym.errors import NASGymError
from nas_gym.explain import Scorer, rank_scores
from nas_gym.tables import load_table

TABLE = load_table("mlp", "mnist1d")
ROWS = np.random.default_rng(0).choice(TABLE.size, 60, replace=False)


def test_it_ranks_networks_that_it_never_saw():
    scores = Surrogate(30).scores(TABLE, ROWS, 0)
    assert kendalltau(scores, TABLE.mean_score()[ROWS]).statistic > 0.4
    changed = TABLE.validation.copy()
    changed[:, ROWS] = 0.5
    assert Surrogate(30).scores(replace(TABLE, validation=changed), ROWS, 0).tolist() == scores.tolist()


def test_what_it_is_told_of_follows_from_the_seed():
    one, again, other = (Surrogate(20).scores(TABLE, ROWS, seed) for seed in (1, 1, 2))
    assert one.tolist() == again.tolist() != other.tolist()


def test_it_stands_in_a_ranking_with_what_it_costs():
    surrogate = surrogate_of({"name": "surrogate", "trainings": 20, "proxies": ["params"]})
    assert isinstance(surrogate, Scorer)
    found = rank_scores(TABLE, None, [surrogate], networks=40, seeds=(0, 1), fidelities=[])
    row = found.rows[-1]
    assert (row.kind, row.over, row.cost) == ("surrogate", "seeds", 20 / TABLE.size)
    assert row.score == "surrogate (model-based, trainings 20, proxies ['params'])"
    assert found.values[row.score].shape == (2, 40)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"name": "surrogate", "agent": "random"}, "a surrogate is the model of an agent that has one"),
        (
            {"name": "surrogate", "trainings": 1},
            "trainings of a surrogate must be a whole number of at least 2",
        ),
        ({"name": "surrogate", "smoothnes": 1}, "smoothness"),
    ],
)
def test_bad_options_are_one_sentence(spec, words):
    with pytest.raises(NASGymError, match=words) as caught:
        surrogate_of(spec)
    assert "\n" not in str(caught.value)


def test_it_needs_networks_beside_those_that_are_compared():
    with pytest.raises(NASGymError, match="compare at most 4,620 networks"):
        rank_scores(TABLE, None, [Surrogate(60)], networks=None, seeds=(0,))
