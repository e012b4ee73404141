"""REINFORCE: its policy, its gradient, its baseline, its optimiser, and that together they learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nas_agents import RandomSearch, Reinforce
from nas_agents.reinforce import Adam, Baseline, SoftmaxPolicy

from nas_gym.search_spaces import make_search_space
from tests.helpers.environments import environment, relu_layers


@pytest.fixture
def policy():
    """A policy over variables with 5, 2 and 4 choices in turn, far from uniform."""
    made = SoftmaxPolicy(make_search_space("mlp", (1, 40), 10), np.random.default_rng(0))
    made.logits += np.random.default_rng(1).normal(size=made.logits.shape)
    return made


def log_probability(logits, choices):
    """By torch, each variable by itself."""
    total = torch.zeros((), dtype=torch.float64)
    for row, choice in zip(logits, choices, strict=True):
        there = row[torch.isfinite(row)]
        total = total + torch.distributions.Categorical(logits=there).log_prob(torch.tensor(int(choice)))
    return total


def test_a_draw_follows_the_softmax_of_the_logits(policy):
    rng = np.random.default_rng(2)
    draws = np.array([policy.draw(rng) for _ in range(4000)])
    expected = policy.probabilities()
    assert expected.sum(axis=1) == pytest.approx(np.ones(len(expected)))
    for variable, probabilities in enumerate(expected):
        shares = np.bincount(draws[:, variable], minlength=len(probabilities)) / 4000
        assert np.abs(shares - probabilities).max() < 5 * np.sqrt(0.25 / 4000)
        assert not shares[probabilities == 0].any()


def test_the_first_policy_is_nearly_uniform_and_knows_the_choices_of_each_variable():
    space = make_search_space("mlp", (1, 40), 10)
    probabilities = SoftmaxPolicy(space, np.random.default_rng(0)).probabilities()
    for row, variable in zip(probabilities, space.variables.values(), strict=True):
        count = len(variable.choices)
        assert row[:count] == pytest.approx(1 / count, rel=0.01)
        assert not row[count:].any()


def test_the_gradient_is_that_of_the_log_probability_weighted_by_advantage(policy):
    rng = np.random.default_rng(3)
    drawn, advantages = [policy.draw(rng) for _ in range(3)], [1.5, -2.0, 0.25]
    logits = torch.tensor(policy.logits, requires_grad=True)
    loss = sum(a * log_probability(logits, d) for a, d in zip(advantages, drawn, strict=True)) / 3
    (expected,) = torch.autograd.grad(loss, logits)
    assert policy.score_gradient(drawn, advantages) == pytest.approx(expected.numpy(), abs=1e-12)


def test_the_optimiser_is_adam():
    gradients = np.random.default_rng(4).normal(size=(20, 3, 2))
    parameters = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.Adam([parameters], lr=0.01, maximize=True)
    ours, total = Adam(0.01, (3, 2)), np.zeros((3, 2))
    for gradient in gradients:
        parameters.grad = torch.tensor(gradient)
        theirs.step()
        total += ours.step(gradient)
    assert total == pytest.approx(parameters.detach().numpy(), rel=1e-9)


def test_the_baseline_is_a_weighted_mean_that_has_the_newest_reward_in_it():
    baseline, rewards = Baseline(0.9), [50.0, 80.0, 20.0]
    for count in range(1, 4):
        weights = 0.9 ** np.arange(count - 1, -1, -1)
        expected = np.average(rewards[:count], weights=weights)
        assert baseline.updated(rewards[count - 1]) == pytest.approx(expected)


def test_reinforce_learns_a_smooth_landscape():
    def mean_best(agent):
        found = [agent.search(environment(relu_layers, "mlp"), 60, seed).score for seed in range(5)]
        return np.mean(found)

    assert mean_best(Reinforce(learning_rate=0.1)) > mean_best(RandomSearch()) + 0.05


def test_a_policy_that_has_settled_ends_by_the_bound_on_steps():
    result = Reinforce(learning_rate=10, planning=0).search(
        environment(relu_layers, "mlp"), budget=100, seed=0
    )
    assert result.stopped == "max_steps"
    assert result.steps == 50 * 100
