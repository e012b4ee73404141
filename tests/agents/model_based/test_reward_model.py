"""The Gaussian process of the model-based agent, against formulas written out."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from nas_agents.model_based.features import Features, ignored, walks
from nas_agents.model_based.gaussian_process import Inputs, kernel, negative_log_posterior, prior_of
from nas_agents.model_based.reward_model import (
    EveryArchitecture,
    RewardModel,
    expected_improvement,
    standardised,
)
from scipy import sparse, stats

from nas_gym.search_spaces import make_search_space


def cells():
    return make_search_space(
        {"name": "cell", "operations": ["none", "skip_connect", "nor_conv_3x3"]}, (1, 16), 2
    )


def sample(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def drawn(space, count, seed=0):
    """Features of some architectures, and hyperparameters off their prior means."""
    features = Features(space)
    matrix = dense(features.matrix(sample(space, count)))
    prior = prior_of(features, smoothness=2.0, noise=0.1)
    theta = prior.mean + np.random.default_rng(seed).normal(0, 0.3, len(prior.mean))
    return features, matrix, prior, theta


def test_variables_beyond_the_depth_are_ignored():
    space = make_search_space("mlp", (1, 16), 2)
    assert ignored(space, space.parse("relu-16 > tanh-64")) == {
        f"layer {layer} {aspect}" for layer in (3, 4) for aspect in ("width", "activation")
    }
    assert ignored(space, space.parse("relu-16 > tanh-64 > relu-16 > relu-16")) == set()


def test_a_pool_ignores_channels_and_activation():
    space = make_search_space({"name": "conv", "max_layers": 2}, (1, 40), 10)
    assert ignored(space, space.parse("max_pool > conv3-16-relu")) == {
        "layer 1 channels",
        "layer 1 activation",
    }


def test_a_row_has_one_choice_of_each_variable_that_is_active():
    for name, active in (("cell", 6), ("mlp", 1 + 2 * 2)):
        space = make_search_space(name, (1, 16), 2)
        architecture = (
            space.sample(np.random.default_rng(0)) if name == "cell" else space.parse("relu-16 > tanh-64")
        )
        features = Features(space)
        row = dense(features.matrix([architecture]))[0]
        choices = row[features.groups()[0].columns]
        assert set(choices) == {0.0, 1.0}
        assert choices.sum() == active


def test_complete_walks_of_a_cell_are_its_paths():
    space = make_search_space("cell", (1, 16), 2)
    for cell in sample(space, 20):
        edge = dict(zip([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)], cell.edges, strict=True))
        routes = [(0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)]
        paths = Counter(
            labels
            for route in routes
            if "none" not in (labels := tuple(edge[pair] for pair in pairwise(route)))
        )
        present = [operation for operation in space.operations if operation != "none"]
        found = Counter[tuple[str, ...]]()
        for (_, complete, codes), count in walks(space.sketch(cell)).items():
            if complete:
                found[tuple(present[code] for code in codes[1::2])] += count
        assert found == paths


def test_walks_of_a_chain_are_its_n_grams():
    space = make_search_space("mlp", (1, 16), 2)
    found = walks(space.sketch(space.parse("relu-16 > relu-16 > tanh-64")))
    codes = space.sketch(space.parse("relu-16 > relu-16 > tanh-64")).box_codes
    assert found[0, False, (codes[1],)] == 2
    assert found[1, False, (codes[1], 0, codes[1])] == 1
    assert found[2, False, (codes[1], 0, codes[1], 0, codes[3])] == 1
    assert max(links for links, *_ in found) == 2


def test_the_kernel_is_its_formula():
    features, matrix, _, theta = drawn(cells(), 12)
    groups = features.groups()
    scales = theta[1 + len(groups) :]
    inputs = Inputs.of(matrix, groups)
    found = kernel(theta, groups, inputs, inputs)
    for i, a in enumerate(matrix):
        for j, b in enumerate(matrix):
            expected = 0.0
            for number, group in enumerate(groups):
                weights = np.prod(np.exp(scales[group.scales]), axis=0)
                distance = (weights * (a[group.columns] - b[group.columns]) ** 2).sum()
                expected += np.exp(theta[1 + number]) * np.exp(-distance)
            assert found[i, j] == pytest.approx(expected)


def test_sparse_features_give_the_kernel_of_dense_ones():
    features, matrix, _, theta = drawn(make_search_space("mlp", (1, 16), 2), 15)
    groups = features.groups()
    x, y = Inputs.of(matrix, groups), Inputs.of(sparse.csr_array(matrix), groups)
    assert kernel(theta, groups, x, y) == pytest.approx(kernel(theta, groups, x, x))


def test_the_gradient_of_the_log_posterior_is_that_of_finite_differences():
    features, matrix, prior, theta = drawn(cells(), 20)
    groups = features.groups()
    targets = np.random.default_rng(1).normal(size=20)
    inputs = Inputs.of(matrix, groups)

    def value(at):
        return negative_log_posterior(at, inputs, targets, groups, prior)[0]

    _, gradient = negative_log_posterior(theta, inputs, targets, groups, prior)
    steps = np.eye(len(theta)) * 1e-5
    numeric = [(value(theta + step) - value(theta - step)) / 2e-5 for step in steps]
    assert gradient == pytest.approx(numeric, abs=1e-6)


def fitted(space, count=25, memory=500):
    architectures = list(dict.fromkeys(sample(space, count)))
    rewards = [0.5 + 0.05 * str(each).count("nor_conv_3x3") for each in architectures]
    features = Features(space)
    matrix = features.matrix(list(space))
    model = RewardModel(features, smoothness=2.0, noise=0.1, growth=1.5, memory=memory)
    model.tell(architectures[:10], rewards[:10])
    return model, matrix, architectures, rewards


def test_beliefs_are_the_conditional_normal_distribution():
    space = cells()
    model, matrix, architectures, rewards = fitted(space)
    others = list(space)[:50]
    mean, deviation = model.beliefs(others)
    theta, groups = model._theta, model._groups
    known = Inputs.of(dense(model.features.matrix(architectures[:10])), groups)
    asked = Inputs.of(dense(matrix)[:50], groups)
    noisy = kernel(theta, groups, known, known) + (np.exp(theta[0]) + 1e-6) * np.eye(10)
    cross = kernel(theta, groups, asked, known)
    targets = standardised(np.array(rewards[:10]), np.array(rewards[:10]))[0]
    assert mean == pytest.approx(cross @ np.linalg.solve(noisy, targets))
    variance = np.diag(kernel(theta, groups, asked, asked) - cross @ np.linalg.solve(noisy, cross.T))
    assert deviation**2 == pytest.approx(variance, abs=1e-9)


def test_expected_improvement_counts_what_the_features_cannot_tell_apart():
    space = cells()
    model, *_ = fitted(space)
    mean, deviation = model.beliefs(sample(space, 10, seed=9))
    # What noise adds to a reward, found from the covariance that the model factors.
    total = np.diag(model.lower @ model.lower.T)
    noise = total - model.variance
    promise = model.expected_improvement((mean, deviation))
    known = expected_improvement((mean, deviation), model.best)
    draws = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    shown = mean[:, None] + np.sqrt(deviation**2 + noise[0])[:, None] * draws
    assert promise == pytest.approx(np.maximum(0, shown - model.best).mean(axis=1), rel=1e-2, abs=1e-6)
    assert (promise > known).all()


def test_beliefs_of_the_whole_list_follow_what_is_told_one_by_one():
    space = cells()
    model, matrix, architectures, rewards = fitted(space)
    every = EveryArchitecture(model, matrix)
    for architecture, reward in zip(architectures[10:], rewards[10:], strict=True):
        model.tell([architecture], [reward])
        mean, deviation = every.beliefs()
        expected_mean, expected_deviation = model.beliefs(list(space))
        assert mean == pytest.approx(expected_mean, abs=2e-3)
        assert deviation == pytest.approx(expected_deviation, abs=5e-3)
    assert 1 < model.fits < 10


def test_the_model_learns_what_counts():
    space = cells()
    model, _, architectures, rewards = fitted(space, count=60)
    for architecture, reward in zip(architectures[10:], rewards[10:], strict=True):
        model.tell([architecture], [reward])
    others = [each for each in space if each not in set(architectures)]
    truth = np.array([0.5 + 0.05 * str(each).count("nor_conv_3x3") for each in others])
    assert np.abs(model.score(model.beliefs(others)[0]) - truth).mean() < 0.01


def test_a_memory_keeps_the_best_and_the_latest():
    model, _, architectures, rewards = fitted(cells(), count=60, memory=12)
    for architecture, reward in zip(architectures[10:], rewards[10:], strict=True):
        model.tell([architecture], [reward])
    assert len(model.targets) < 12 * 1.5 + 1
    assert max(rewards) in model._rewards


def test_rewards_are_clipped_as_far_below_the_median_as_the_best_is_above():
    rewards = np.array([0.1, 0.5, 0.6, 0.7, 0.8])
    targets, centre, spread = standardised(rewards, rewards[:3])
    clipped = np.array([0.4, 0.5, 0.6, 0.7, 0.8])
    assert centre == pytest.approx(0.5)
    assert targets == pytest.approx((clipped - 0.5) / clipped.std())
    assert centre + spread * targets == pytest.approx(clipped)


def test_equal_rewards_are_no_information():
    targets, centre, _ = standardised(np.full(4, 0.3), np.full(2, 0.3))
    assert targets == pytest.approx(np.zeros(4))
    assert centre == pytest.approx(0.3)
