"""Brute force: the whole space once, without a list of it."""

from __future__ import annotations

from collections import Counter
from itertools import islice, permutations

import numpy as np
import pytest
from nas_agents import BruteForce
from nas_agents.brute_force import shuffled
from scipy.stats import chisquare

from tests.helpers.environments import environment, scattered


def test_brute_force_visits_every_architecture_once():
    env = environment(scattered, {"name": "mlp", "max_layers": 2})
    result = BruteForce().search(env, budget=500, seed=0)
    assert result.stopped == "space exhausted"
    assert result.steps == len(result.evaluations) == env.unwrapped.search_space.size == 72


@pytest.mark.parametrize("space", ["mlp", "cell", "conv"])
def test_brute_force_needs_no_list_of_a_large_space(space):
    env = environment(lambda architecture, seed: 0.5, space)
    result = BruteForce().search(env, budget=30, seed=0)
    # The 31st is the one that the budget refuses: none was a repeat.
    assert result.steps == 31
    assert len(result.evaluations) == 30


def test_a_batch_changes_no_result():
    one, many = (BruteForce(batch=batch).search(environment(), 10, seed=4) for batch in (1, 7))
    assert one.evaluations == many.evaluations


def test_all_orders_are_equally_likely():
    orders = Counter(tuple(shuffled(4, np.random.default_rng(seed))) for seed in range(4800))
    assert set(orders) == set(permutations(range(4)))
    assert chisquare(list(orders.values())).pvalue > 1e-4


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_an_order_has_every_number_once(size):
    assert sorted(shuffled(size, np.random.default_rng(0))) == list(range(size))


def test_an_order_of_a_space_beyond_64_bits_begins_at_once():
    found = list(islice(shuffled(10**30, np.random.default_rng(0)), 100))
    assert len(set(found)) == 100
    assert max(found) > 2**64
