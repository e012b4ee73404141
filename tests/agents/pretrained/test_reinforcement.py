"""Reinforcement of the policy on drawn landscapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.state import FEATURES
from nas_agents.pretrained.training import reinforcement
from nas_agents.pretrained.training.landscapes import Landscape, draw_landscape
from nas_agents.pretrained.training.learning import fresh_network
from nas_agents.pretrained.training.reinforcement import (
    Reinforcement,
    Steps,
    reinforced,
    side_by_side,
    update,
)
from nas_agents.pretrained.training.spaces import training_space
from nas_agents.pretrained.weights import PolicyWeights

SHORT = Reinforcement(updates=2, landscapes=1, searches=2, steps=4, batch=8, passes=1)


@pytest.fixture(scope="module")
def pool():
    space = training_space("mlp-c")
    return Pool(space, list(space))


def test_a_reinforcement_that_was_interrupted_ends_as_one_that_was_not(pool, tmp_path):
    def trained(folder, stop_after=9):
        def report(done, earned):
            if done * SHORT.updates >= stop_after:
                raise KeyboardInterrupt

        network = fresh_network(3)
        reinforced(network, SHORT, lambda rng: draw_landscape(pool, rng).subset(60, rng), folder, report)
        return PolicyWeights.of_network(network, {})

    whole = trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", stop_after=1)
    assert trained(tmp_path / "parts").digest == whole.digest
    before = PolicyWeights.of_network(fresh_network(3), {})
    assert whole.digest != before.digest
    assert np.array_equal(whole.arrays["graph.enter.weight"], before.arrays["graph.enter.weight"])


def test_a_search_is_paid_one_in_all_for_the_best_and_more_the_sooner(pool):
    plan = Reinforcement(updates=1, searches=3, steps=30, discount=1.0)
    landscape = draw_landscape(pool, np.random.default_rng(1)).subset(24, np.random.default_rng(2))
    weights = PolicyWeights.of_network(fresh_network(0), {})
    steps, earned = side_by_side(landscape, weights, plan, np.random.default_rng(0))
    # 24 candidates and 30 steps: each search comes to the best, and ends there.
    assert earned == pytest.approx(1.0)
    assert len(steps.chosen) < 3 * 24
    assert steps.features.shape[1:] == (24, len(FEATURES) + 12)
    _, earned_late = side_by_side(landscape, weights, replace(plan, discount=0.9), np.random.default_rng(0))
    assert earned_late < 1.0


def test_what_earned_more_than_the_others_becomes_likelier():
    network, rng = fresh_network(0, graph=False), np.random.default_rng(0)
    seen = rng.standard_normal((16, 5, len(FEATURES))).astype(np.float32)
    chosen = rng.integers(5, size=16)
    advantages = np.where(np.arange(16) % 2, 1.0, -1.0).astype(np.float32)

    def chances():
        with torch.inference_mode():
            logits = network(torch.from_numpy(seen)) / SHORT.temperature
        return torch.log_softmax(logits, dim=1).numpy()[np.arange(16), chosen]

    before = chances()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(5):
        update(network, optimizer, Steps(seen, chosen, before, advantages), SHORT, rng)
    moved = chances() - before
    assert moved[advantages > 0].mean() > 0.02 > -0.02 > moved[advantages < 0].mean()


def test_a_landscape_of_a_reinforcement_has_a_bounded_number_of_candidates(pool, monkeypatch):
    monkeypatch.setattr(reinforcement, "whole", lambda name: pool)
    monkeypatch.setattr(reinforcement, "MOST_CANDIDATES", 50)
    draw = reinforcement.drawing(reinforcement.Plan(spaces=("mlp-c",)))
    landscape = draw(np.random.default_rng(0))
    assert isinstance(landscape, Landscape)
    assert len(landscape.pool) == 50
