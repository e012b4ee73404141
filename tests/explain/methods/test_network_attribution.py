"""Attributions of a network add up, and name the inputs that matter where it is known which do."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from nas_gym.evaluators import TrainEvaluator
from nas_gym.explain.methods.attribution.integrated_gradients import PIECES, TOLERANCE, refined_gradients
from nas_gym.explain.methods.attribution.network_inputs import (
    agreement,
    check_by_deletion,
    input_use,
    permutation_importance,
    stratified,
)
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task

pytest.importorskip("captum")
USED = (2, 5)


def two_features() -> Task:
    """8 features, of which the classes depend on the sum of two."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 8))
    return Task.from_arrays(x, (x[:, USED[0]] + x[:, USED[1]] > 0).astype(int), name="two of eight")


@pytest.fixture(scope="module")
def trained():
    """A network of rectifiers trained on it."""
    task = two_features()
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu", recipe={"epochs": 8})
    module, evaluation = evaluator.fit(space.parse("relu-64 > relu-16"), 0)
    assert evaluation.score > 0.93
    return task, module.double()


def examples(task):
    return task.x_validation.astype(np.float64), task.y_validation


def test_attributions_of_rectifiers_add_up_to_the_change_of_the_output(trained):
    task, module = trained
    x, y = examples(task)
    inputs, target = torch.as_tensor(x[:60]), torch.as_tensor(y[:60])
    found = refined_gradients(module, inputs, target)
    with torch.no_grad():
        outputs = module(inputs) - module(torch.zeros_like(inputs))
    changes = outputs[torch.arange(60), target].numpy()
    assert np.allclose(found.changes, changes)
    assert (np.abs(found.values.sum(1) - changes) < TOLERANCE * np.abs(changes)).all()
    assert found.reliable.all()


def test_attributions_agree_with_captums_own_at_many_steps(trained):
    from captum.attr import IntegratedGradients

    task, module = trained
    x, y = examples(task)
    inputs, target = torch.as_tensor(x[:8]), torch.as_tensor(y[:8])
    plain = IntegratedGradients(module).attribute(inputs, torch.zeros_like(inputs), target, n_steps=2000)
    found = refined_gradients(module, inputs, target)
    assert np.abs(found.values - plain.detach().numpy()).max() < 0.01 * np.abs(found.changes).max()


def test_attributions_of_a_linear_network_are_its_weights_times_the_inputs():
    module = nn.Linear(4, 2).double()
    x = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 0, 1, 1])
    found = refined_gradients(module, x, target)
    assert np.allclose(found.values, (module.weight[target] * x).detach().numpy())


def test_an_attribution_that_is_not_refined_is_called_unreliable(trained):
    task, module = trained
    x, y = examples(task)
    found = refined_gradients(module, torch.as_tensor(x[:40]), torch.as_tensor(y[:40]), rounds=0)
    assert found.reliable.mean() < 0.5


def test_refinement_ends_with_the_work_that_is_allowed(trained):
    task, module = trained
    x, y = (torch.as_tensor(each[:20]) for each in examples(task))
    pieces = [len(refined_gradients(module, x, y, most=most).pieces.owner) for most in (0, 1000, math.inf)]
    assert pieces[0] == 20 * PIECES < pieces[1] <= 1000 < pieces[2]


def test_the_features_that_matter_are_found_by_every_measure(trained):
    task, module = trained
    x, y = examples(task)
    use = input_use(module, x, y, network=module.network, seed=0)
    drops = permutation_importance(module, x, y, task.target, 0).mean(0)
    for importance in (use.importance, use.saliency, drops):
        assert set(np.argsort(-importance)[:2]) == set(USED)
        others = np.delete(importance, USED)
        assert importance[list(USED)].min() > 2 * others.max()
    assert agreement(use.importance, drops) > 0.3
    check = check_by_deletion(module, x, y, use.importance, task.target, 0)
    assert check.drop > 0.1
    assert check.confirmed
    assert not check_by_deletion(module, x, y, -use.importance, task.target, 0).confirmed


def test_examples_are_drawn_evenly_from_the_classes():
    labels = np.repeat([0, 1, 2], [100, 10, 3])
    drawn = stratified(labels, 12, 0)
    assert np.bincount(labels[drawn]).tolist() == [5, 4, 3] or np.bincount(labels[drawn]).min() == 3
    assert len(set(drawn)) == 12
    assert len(stratified(labels, 1000, 0)) == 113


def test_constant_measures_agree_with_nothing():
    assert agreement(np.ones(5), np.arange(5)) is None
    assert agreement(np.arange(5.0), np.arange(5.0)) == pytest.approx(1)
