"""Gradients by architecture weights, each against a form that is known, on toys."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from nas_agents.one_shot.beta_darts import beta_penalty
from nas_agents.one_shot.collapse import is_sharp, risen_from
from nas_agents.one_shot.darts import unrolled_gradient
from nas_agents.one_shot.drnas import concentration, dirichlet
from nas_agents.one_shot.gdas import gumbel, straight_through
from nas_agents.one_shot.proxyless import (
    Pair,
    drawn_pair,
    pair_chance,
    probabilities,
    rescaled,
    two_path_gradient,
)

from nas_gym.networks import Blend, Mixture, NetworkBuilder, Supernet
from nas_gym.training import hessian


@pytest.mark.parametrize("speed", [0.0, 0.7])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_second_order_gradient_is_that_of_the_loss_after_a_step(speed, decay):
    """L_train = p/2 (w - q a)^2 and L_val = (w - t)^2 / 2 + s/2 a^2, so that all is known."""
    p, q, t, s, xi, w, a = 1.3, 0.8, -0.4, 0.6, 0.1, 0.9, 0.5
    ahead = w - xi * (0.9 * speed + decay * w + p * (w - q * a))
    expected = s * a + (ahead - t) * xi * p * q
    found = unrolled_gradient(
        lambda w, a: p / 2 * ((w[0] - q * a) ** 2).sum(),
        lambda w, a: ((w[0] - t) ** 2).sum() / 2 + s / 2 * (a**2).sum(),
        [torch.tensor([w], dtype=torch.float64)],
        torch.tensor([a], dtype=torch.float64),
        xi,
        [torch.tensor([speed], dtype=torch.float64)],
        decay,
    )
    assert float(found) == pytest.approx(expected, abs=1e-9)
    # The first order leaves the second term out, which is not small here.
    assert abs(expected - s * a) > 0.05


def test_the_second_order_gradient_of_several_weights_is_that_of_differences():
    """Of a product of w and alpha, by central differences of the loss after the step."""
    generator = torch.Generator().manual_seed(0)
    x, y, u, z = (torch.randn(6, 3, dtype=torch.float64, generator=generator) for _ in range(4))
    w = [torch.randn(3, 3, dtype=torch.float64, generator=generator) for _ in range(2)]
    alpha = torch.randn(2, dtype=torch.float64, generator=generator)

    def loss(inputs, targets):
        def at(w, alpha):
            p = torch.softmax(alpha, 0)
            return ((p[0] * inputs @ w[0] + p[1] * torch.tanh(inputs @ w[1]) - targets) ** 2).mean()

        return at

    train, validation, xi = loss(x, y), loss(u, z), 0.2
    zero = [torch.zeros_like(each) for each in w]

    def after_a_step(alpha):
        here = [each.clone().requires_grad_(True) for each in w]
        steps = torch.autograd.grad(train(here, alpha), here)
        return float(validation([each - xi * step for each, step in zip(w, steps, strict=True)], alpha))

    found = unrolled_gradient(train, validation, w, alpha, xi, zero, 0.0)
    for place in range(2):
        offset = torch.zeros(2, dtype=torch.float64)
        offset[place] = 1e-5
        slope = (after_a_step(alpha + offset) - after_a_step(alpha - offset)) / 2e-5
        assert float(found[place]) == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_the_straight_through_gradient_is_that_of_the_expectation_of_the_soft_choice():
    rng = np.random.default_rng(0)
    row, value = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64), torch.tensor([1.0, -2.0, 0.5]).double()
    noises, tau = [gumbel(3, rng, row) for _ in range(200)], 0.7
    point = row.clone().requires_grad_(True)
    mean = torch.stack([(straight_through(point, noise, tau) * value).sum() for noise in noises]).mean()
    (found,) = torch.autograd.grad(mean, point)

    def expectation(row):
        soft = [torch.softmax((torch.log_softmax(row, 0) + noise) / tau, 0) for noise in noises]
        return float(torch.stack(soft).mean(0) @ value)

    for place in range(3):
        offset = torch.zeros(3, dtype=torch.float64)
        offset[place] = 1e-5
        slope = (expectation(row + offset) - expectation(row - offset)) / 2e-5
        assert float(found[place]) == pytest.approx(slope, abs=1e-7)


def test_gumbel_noise_draws_each_candidate_by_its_probability_and_one_alone():
    rng = np.random.default_rng(0)
    row = torch.tensor([1.0, 0.0, -1.0])
    drawn = torch.stack([straight_through(row, gumbel(3, rng, row), 5.0) for _ in range(4000)])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn.sum(1) == 1).all()
    assert (drawn.mean(0) - torch.softmax(row, 0)).abs().max() < 0.03


def test_a_candidate_that_does_not_run_gets_the_gradient_of_a_result_of_1():
    builder = NetworkBuilder((3,))
    ends = [builder.activation(builder.input, name) for name in ("relu", "tanh")]
    network = builder.build(builder.operation(Mixture(), *ends, variable="v"))
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([1.0, 0.0], requires_grad=True)
    nothing = [{} for _ in network.nodes]
    outputs = Supernet(0, torch.device("cpu")).forward(
        network, nothing, x, blends={"v": Blend(weights, (0,), constant=True)}
    )
    assert torch.equal(outputs, x.relu())
    slopes = torch.arange(12.0).view(4, 3)
    (found,) = torch.autograd.grad((outputs * slopes).sum(), weights)
    assert found.tolist() == pytest.approx([float((x.relu() * slopes).sum()), float(slopes.sum())])


def test_the_gradient_of_two_gates_is_in_expectation_that_of_all_of_them():
    row = torch.tensor([0.4, -0.3, 0.1, -1.0], dtype=torch.float64)
    d_gates = torch.tensor([0.7, -0.2, 1.5, 0.3], dtype=torch.float64)
    p = torch.softmax(row, 0)
    full = p * (d_gates - (p * d_gates).sum())
    expectation = torch.zeros_like(row)
    total = 0.0
    for i, j in itertools.combinations(range(4), 2):
        chance = pair_chance(p.numpy(), i, j)
        total += chance
        seen = torch.where((torch.arange(4) == i) | (torch.arange(4) == j), d_gates, 0.0)
        expectation += chance * two_path_gradient(row, Pair((i, j), i, chance), seen)
    assert total == pytest.approx(1)
    assert expectation.tolist() == pytest.approx(full.tolist(), abs=1e-12)


def test_pairs_are_drawn_by_their_chance_and_opened_by_the_odds_of_the_two():
    rng, p = np.random.default_rng(0), np.array([0.5, 0.3, 0.2])
    drawn = [drawn_pair(p, rng) for _ in range(4000)]
    for i, j in itertools.combinations(range(3), 2):
        found = [pair for pair in drawn if pair.members == (i, j)]
        assert len(found) / 4000 == pytest.approx(pair_chance(p, i, j), abs=0.03)
        opened = np.mean([pair.opened == i for pair in found])
        assert opened == pytest.approx(p[i] / (p[i] + p[j]), abs=0.05)


def test_a_step_of_two_paths_leaves_the_probabilities_of_the_others():
    before = torch.tensor([0.4, -0.3, 0.1, -1.0])
    after = before + torch.tensor([0.2, 0.0, 0.3, 0.0])
    found = probabilities(rescaled(before, after))
    assert found[[1, 3]] == pytest.approx(probabilities(before)[[1, 3]], abs=1e-6)
    assert found[0] / found[2] == pytest.approx(probabilities(after)[0] / probabilities(after)[2], rel=1e-5)


def test_draws_of_drnas_have_the_mean_of_their_concentrations_and_its_gradient():
    rng, row = np.random.default_rng(0), torch.tensor([0.5, -0.5, 0.0], requires_grad=True)
    beta = concentration(row)
    assert beta.tolist() == pytest.approx([1.5, np.exp(-0.5), 1.0])
    mean = torch.stack([dirichlet(beta, rng) for _ in range(4000)]).mean(0)
    expected = beta / beta.sum()
    assert (mean - expected).abs().max() < 0.02
    (found,) = torch.autograd.grad(mean[0], row, retain_graph=True)
    (exact,) = torch.autograd.grad(expected[0], row)
    assert (found - exact).abs().max() < 0.02
    assert exact.abs().max() > 0.05


def test_the_gradient_of_the_beta_penalty_is_the_softmax():
    rows = {name: torch.randn(size, requires_grad=True) for name, size in (("a", 3), ("b", 5))}
    found = torch.autograd.grad(beta_penalty(rows), list(rows.values()))
    for row, gradient in zip(rows.values(), found, strict=True):
        assert torch.allclose(gradient, torch.softmax(row, 0) / 2)


def test_the_hessian_is_exact():
    matrix = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    point = torch.tensor([0.3, -0.1, 0.7, 0.2], dtype=torch.float64)
    found = hessian(lambda a: 0.5 * a @ matrix @ a + (a**3).sum(), point)
    assert torch.allclose(found, (matrix + matrix.T) / 2 + torch.diag(6 * point))
    assert torch.equal(hessian(lambda a: a.sum(), point), torch.zeros(4, 4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("values", "sharp"),
    [
        ([1.0] * 20, False),
        ([1.0] * 4 + [9.0], False),  # too early
        ([1.0] * 10 + [2.0, 3.0, 5.0], True),
        ([1.0] * 14 + [6.0], False),  # one reading that is high is smoothed
        ([4.0, 4.0, 4.0] + [1.0] * 12, False),
        ([-1.0] * 11 + [0.5] * 4, False),
        ([None, 1.0] * 5 + [1.0, 1.0, 3.0, 4.0, 4.0], True),
    ],
)
def test_the_rule_of_robustdarts_compares_smoothed_eigenvalues(values, sharp):
    assert is_sharp(values) == sharp


@pytest.mark.parametrize(
    ("weights", "low"),
    [
        ([0.5], None),
        ([0.5] * 20, None),
        ([0.6, 0.55, 0.5, 0.45], None),  # it falls
        ([0.5, 0.495, 0.504], None),  # by less than counts
        ([0.5, 0.5, 0.512, 0.514], 0.5),
        ([0.6, 0.5, 0.5, 0.54, 0.54], 0.5),  # above the lowest, if not above the first
        ([0.5, 0.5, 0.54, 0.54, 0.5, 0.5], None),  # it came back
    ],
)
def test_a_rise_of_the_weight_of_candidates_without_weights_is_from_its_lowest(weights, low):
    assert risen_from(weights) == (None if low is None else pytest.approx(low))
